/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What stands behind "--" is the guest's, and what shruthid says of a setting is said of the option that
 * it was given by. */

#include <glib.h>

#include "ctl/cli/error-context.h"

static void parse(Options *options, const char *line, char ***ret_words, char ***ret_operands)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int argc;

        g_assert_true(g_shell_parse_argv(line, &argc, ret_words, NULL));
        options_init(options);
        g_assert_cmpint(options_parse(options, argc, *ret_words, ret_operands, &error), ==, 0);
}

static void test_words_behind(void)
{
        static const struct {
                const char *line, *behind; /* NULL: none */
        } cases[] = {
                        {"shruthictl set x Memory=1M -- --a b", "--a"},
                        {"shruthictl set x -- Memory=1M", "Memory=1M"},
                        {"shruthictl set x Memory=1M --", NULL},
                        {"shruthictl set x Memory=1M", NULL},
                        /* As in any other program's command line: no more options. */
                        {"shruthictl set -- x Memory=1M", NULL},
                        {"shruthictl -- set x Memory=1M", NULL},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                char **words = NULL, **operands = NULL;
                Options options;

                parse(&options, cases[i].line, &words, &operands);
                g_assert_cmpstr(*options_guest_arguments(&options, operands + 1, 1), ==, cases[i].behind);
                options_clear(&options);
                g_strfreev(words);
        }
}

static void test_errors_name_the_option(void)
{
        static const struct {
                const char *line, *said, *named;
        } cases[] = {
                        {"shruthictl set x --memory=5", "Memory=5: less than 1M",
                                        "--memory=5: less than 1M"},
                        {"shruthictl set x Memory=5", "Memory=5: less than 1M", "Memory=5: less than 1M"},
                        {"shruthictl set x --cpus=99", "CPUs=99: not a number", "--cpus=99: not a number"},
                        {"shruthictl set x --network=a,address=z", "[Network a] Address=z: no address",
                                        "--network=a: Address=z: no address"},
                        {"shruthictl set x --network=b,address=z", "[Network a] Address=z: no address",
                                        "[Network a] Address=z: no address"},
                        {"shruthictl network create x --subnet=z", "Subnet: 'z' is none",
                                        "--subnet=: 'z' is none"},
                        {"shruthictl network create x", "Subnet: none is left", "Subnet: none is left"},
                        {"shruthictl set x --memory=5", "There is no unikernel 'x'",
                                        "There is no unikernel 'x'"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                char **words = NULL, **operands = NULL;
                _cleanup_error_ Error error = ERROR_INIT;
                Options options;

                parse(&options, cases[i].line, &words, &operands);
                (void) error_set(&error, ERROR_INVALID_DEFINITION, "%s", cases[i].said);
                options_name_error(&options, &error);
                g_assert_cmpstr(error.message, ==, cases[i].named);
                g_assert_cmpint(error.code, ==, ERROR_INVALID_DEFINITION);
                options_clear(&options);
                g_strfreev(words);
        }
}

/* What could not be done is said once. */
static void test_nothing_is_said_twice(void)
{
        static const struct {
                const char *message, *said;
        } cases[] = {
                        {"Cannot start unikernel 'a': systemd does not answer",
                                        "Cannot start a: systemd does not answer"},
                        {"Cannot start: no room: none", "Cannot start a: no room: none"},
                        {"Cannot started: none", "Cannot start a: Cannot started: none"},
                        {"Cannot read /i: no such file", "Cannot start a: Cannot read /i: no such file"},
                        {"There is no unikernel 'a'", "Cannot start a: There is no unikernel 'a'"},
                        {"Unikernel 'a' did not start: it exited with 1: bad",
                                        "Cannot start a: it exited with 1: bad"},
                        {"Unikernel 'a' did not stop: its unit is active",
                                        "Cannot start a: Unikernel 'a' did not stop: its unit is active"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_error_ Error error = ERROR_INIT;

                (void) error_set(&error, ERROR_BUSY, "%s", cases[i].message);
                error_cannot(&error, "start %s", "a");
                g_assert_cmpstr(error.message, ==, cases[i].said);
                g_assert_cmpint(error.code, ==, ERROR_BUSY);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/ctl/words/behind-the-dashes", test_words_behind);
        g_test_add_func("/ctl/words/errors-name-the-option", test_errors_name_the_option);
        g_test_add_func("/ctl/words/nothing-is-said-twice", test_nothing_is_said_twice);
        return g_test_run();
}
