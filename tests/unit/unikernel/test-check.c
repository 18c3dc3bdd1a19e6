/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A check is what its line says, what is none is refused with the way out, and no pattern costs more than a
 * line is worth. */

#include <glib.h>
#include <string.h>
#include <time.h>

#include "fixture/files.h"
#include "unikernel/check.h"

static void test_each_kind(void)
{
        _cleanup_check_ Check started = {}, console = {};

        g_assert_cmpint(check_parse("started", &started, NULL), ==, 0);
        g_assert_cmpint(started.kind, ==, CHECK_STARTED);
        g_assert_cmpint(check_parse("console:^Listening on .*:80$", &console, NULL), ==, 0);
        g_assert_cmpint(console.kind, ==, CHECK_CONSOLE);
        g_assert_cmpstr(console.pattern, ==, "^Listening on .*:80$");
}

static void test_targets(void)
{
        static const struct {
                const char *text, *device, *path;
                unsigned port;
        } cases[] = {
                        {"ping:service", "service", NULL, 0},
                        {"ping:a:b", "a:b", NULL, 0},
                        {"tcp:service:65535", "service", NULL, 65535},
                        {"tcp:a:b:1", "a:b", NULL, 1},
                        {"http:service:80/", "service", "/", 80},
                        {"http:s:8080/a/b?c=d:9", "s", "/a/b?c=d:9", 8080},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_check_ Check check = {};

                g_assert_cmpint(check_parse(cases[i].text, &check, NULL), ==, 0);
                g_assert_true(check_kind_is_of_network(check.kind));
                g_assert_cmpstr(check.device, ==, cases[i].device);
                g_assert_cmpstr(check.path, ==, cases[i].path);
                g_assert_cmpuint(check.port, ==, cases[i].port);
        }
}

static void test_refusals(void)
{
        static const struct {
                const char *text, *word;
        } cases[] = {
                        {"", "write started, "},
                        {"Started", "write started, "},
                        {"started:", "write started alone"},
                        {"console", "nothing follows 'console'"},
                        {"console:", "no pattern"},
                        {"console:a[", "at char"},
                        {"console:(?P<x", "not a regular expression"},
                        {"console:a\tb", "write \\t"},
                        {"exec:/bin/true", "write started, "},
                        {"tcp:service", "no port"},
                        {"tcp:", "no port"},
                        {"tcp::80", "no device"},
                        {"tcp:a:65536", "1 to 65535"},
                        {"tcp:a:-1", "1 to 65535"},
                        {"tcp:a:80/", "only http takes a path"},
                        {"ping:", "no device"},
                        {"ping:a/", "only http takes a path"},
                        {"http:a:80", "no path"},
                        {"http:a/", "no port"},
                        {"http:a:80/ b", "none of a URL"},
                        {"http:a:80/\r\nX: y", "none of a URL"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                _cleanup_check_ Check check = {};

                g_assert_cmpint(check_parse(cases[i].text, &check, &error), <, 0);
                g_assert_cmpint(error.code, ==, ERROR_INVALID_DEFINITION);
                if (!strstr(error.message, cases[i].word))
                        g_error("'%s': %s", cases[i].text, error.message);
        }
}

static void test_a_pattern_is_bounded(void)
{
        g_autofree char *longest = g_strnfill(CHECK_PATTERN_MAX, 'a'),
                        *longer = g_strnfill(CHECK_PATTERN_MAX + 1, 'a');
        g_autofree char *good = g_strconcat("console:", longest, NULL),
                        *bad = g_strconcat("console:", longer, NULL);
        _cleanup_check_ Check check = {}, none = {};

        g_assert_cmpint(check_parse(good, &check, NULL), ==, 0);
        g_assert_cmpint(check_parse(bad, &none, NULL), <, 0);
}

static bool matches(const char *pattern, const char *line, size_t size)
{
        g_autoptr(GRegex) regex = check_pattern_compile(pattern);

        g_assert_nonnull(regex);
        return check_pattern_matches(regex, line, size);
}

static void test_lines(void)
{
        g_autofree char *long_line = g_strnfill(CHECK_LINE_MAX + 5, 'x');

        g_assert_true(matches("ready", "now ready.", 10));
        g_assert_false(matches("^ready", "now ready.", 10));
        g_assert_true(matches("^ready$", "ready", 5));
        g_assert_true(matches("\\xff\\x00b", "a\xff\0b", 4));
        g_assert_true(matches("(?i)READY", "ready", 5));
        g_assert_false(matches("a", "", 0));
        memcpy(long_line + CHECK_LINE_MAX - 2, "ready", 5);
        g_assert_false(matches("ready", long_line, strlen(long_line)));
        memcpy(long_line + CHECK_LINE_MAX - 5, "ready", 5);
        g_assert_true(matches("ready", long_line, strlen(long_line)));
}

/* Patterns that search a line in exponential time, and one that says that it may. */
static void test_no_pattern_is_costly(void)
{
        static const char *const patterns[] = {"(a+)+$", "(a|a)*b", "(*LIMIT_MATCH=4000000000)(a+)+$",
                        "((a*)*)*b", "(.*)*x(.*)*y", "^(a|aa)+$"};
        g_autofree char *line = g_strnfill(CHECK_LINE_MAX, 'a');

        line[CHECK_LINE_MAX - 1] = '!';
        for (size_t i = 0; i < G_N_ELEMENTS(patterns); i++) {
                clock_t begin = clock(); /* of this process: the machine may have other work */

                for (unsigned n = 0; n < 3; n++)
                        g_assert_false(matches(patterns[i], line, CHECK_LINE_MAX));
                /* Far more than it takes, and far less than what it is kept from. */
                g_assert_cmpint(clock() - begin, <, 6 * CLOCKS_PER_SEC * (clock_t) fixture_slowness());
        }
}

static void test_lists(void)
{
        g_auto(GStrv) none = checks_split(NULL), started = checks_split("started"),
                      two = checks_split("console:a\nstarted\nconsole:b");

        g_assert_null(none[0]);
        g_assert_null(started[0]);
        g_assert_cmpstr(two[0], ==, "console:a");
        g_assert_cmpstr(two[1], ==, "console:b");
        g_assert_null(two[2]);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/check/each-kind-is-read", test_each_kind);
        g_test_add_func("/check/each-target-is-read", test_targets);
        g_test_add_func("/check/what-is-none-is-refused-with-the-way-out", test_refusals);
        g_test_add_func("/check/a-pattern-has-a-length", test_a_pattern_is_bounded);
        g_test_add_func("/check/a-line-matches-by-its-beginning", test_lines);
        g_test_add_func("/check/no-pattern-is-costly", test_no_pattern_is_costly);
        g_test_add_func("/check/a-list-is-split-without-started", test_lists);
        return g_test_run();
}
