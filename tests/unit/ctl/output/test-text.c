/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The small pure parts: log lines, the escape from a console, advice, times, rhyzome.conf. */

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/cli/rhyzome.h"
#include "ctl/output/escape.h"
#include "ctl/output/format.h"
#include "ctl/output/journal-line.h"
#include "ctl/output/next-steps.h"
#include "ctl/output/terminal.h"

#define STAMP                                                                                               \
        "\"__REALTIME_TIMESTAMP\":\"1700000000000000\",\"_HOSTNAME\":\"h\",\"SYSLOG_IDENTIFIER\":\"x\",\"_" \
        "PID\":\"7\""
#define HEAD "Nov 14 22:13:20 h x[7]:"

static void test_log_lines(void)
{
        static const struct {
                const char *json, *text;
                int priority;
        } cases[] = {
                        {"{" STAMP ",\"MESSAGE\":\"hello\",\"PRIORITY\":\"3\"}", HEAD " hello", 3},
                        {"{" STAMP ",\"MESSAGE\":\"tab\\there\\r\"}", HEAD " tab\there", 6},
                        {"{" STAMP ",\"MESSAGE\":\"one\\ntwo\\n\"}",
                                        HEAD " one\n                        two", 6},
                        {"{" STAMP ",\"MESSAGE\":[104,105,255,27,0]}", HEAD " hi\\xff\\x1b\\x01", 6},
                        {"{" STAMP ",\"MESSAGE\":\"\\u001b]0;title\\u0007\\u009b2J\"}",
                                        HEAD " \\x1b]0;title\\x07\\xc2\\x9b2J", 6},
                        {"{" STAMP ",\"MESSAGE\":null}", HEAD " (a message too large to show)", 6},
                        {"{" STAMP ",\"MESSAGE\":[\"first\",\"second\"]}", HEAD " first", 6},
                        {"{" STAMP ",\"MESSAGE\":\"m\",\"PRIORITY\":\"nine\"}", HEAD " m", 6},
                        {"{\"MESSAGE\":\"m\"}", "Jan 01 00:00:00 localhost unknown: m", 6},
                        {"{\"__REALTIME_TIMESTAMP\":7,\"SYSLOG_IDENTIFIER\":{},\"MESSAGE\":\"\"}",
                                        "Jan 01 00:00:00 localhost unknown: ", 6},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_journal_line_ JournalLine line = {};

                g_assert_cmpint(journal_line_parse(cases[i].json, strlen(cases[i].json), LOG_FORMAT_SHORT,
                                                &line),
                                ==, 0);
                g_assert_cmpstr(line.text, ==, cases[i].text);
                g_assert_cmpint(line.priority, ==, cases[i].priority);
        }
}

static void test_log_formats(void)
{
        static const char entry[] = "{\"__REALTIME_TIMESTAMP\":\"1700000000000042\",\"_HOSTNAME\":\"h\","
                                    "\"SYSLOG_IDENTIFIER\":\"x\",\"MESSAGE\":\"a\\u001b\\nb\"}";
        static const char *const texts[_LOG_FORMAT_MAX] = {
                        [LOG_FORMAT_SHORT] = "Nov 14 22:13:20 h x: a\\x1b\n                     b",
                        [LOG_FORMAT_SHORT_ISO] = "2023-11-14T22:13:20+0000 h x: a\\x1b\n"
                                                 "                              b",
                        [LOG_FORMAT_SHORT_PRECISE] = "Nov 14 22:13:20.000042 h x: a\\x1b\n"
                                                     "                            b",
                        [LOG_FORMAT_SHORT_UNIX] = "1700000000.000042 h x: a\\x1b\n                       b",
                        [LOG_FORMAT_CAT] = "a\\x1b\nb",
                        [LOG_FORMAT_JSON] = entry,
        };

        for (LogFormat format = 0; format < _LOG_FORMAT_MAX; format++) {
                _cleanup_journal_line_ JournalLine line = {};

                g_assert_cmpint(log_format_from_string(log_format_to_string(format)), ==, format);
                g_assert_cmpint(journal_line_parse(entry, strlen(entry), format, &line), ==, 0);
                g_assert_cmpstr(line.message, ==, "a\x1b\nb");
                if (texts[format])
                        g_assert_cmpstr(line.text, ==, texts[format]);
                else
                        g_assert_nonnull(strstr(line.text, "\n  \"MESSAGE\" : \"a\\u001b\\nb\""));
        }
}

static void test_log_refuses_what_is_no_entry(void)
{
        static const char *const cases[] = {"", "{", "[]", "7", "{\"MESSAGE\":}", "\xff"};

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_journal_line_ JournalLine line = {};

                g_assert_cmpint(journal_line_parse(cases[i], strlen(cases[i]), LOG_FORMAT_SHORT, &line), ==,
                                -EBADMSG);
        }
}

static void test_escape_counts_three_in_a_second(void)
{
        Escape together = {}, apart = {}, between = {}, late = {};

        g_assert_true(escape_see(&together, "a\x1d\x1d\x1d", 4, 0));
        g_assert_false(escape_see(&apart, "\x1d", 1, 0));
        g_assert_false(escape_see(&apart, "\x1d", 1, 500000));
        g_assert_true(escape_see(&apart, "\x1d", 1, 1000000));
        g_assert_false(escape_see(&between, "\x1d\x1d.\x1d\x1d", 5, 0));
        g_assert_false(escape_see(&late, "\x1d\x1d", 2, 0));
        g_assert_false(escape_see(&late, "\x1d", 1, 1000001));
        g_assert_false(escape_see(&late, "\x1d", 1, 1000002));
        g_assert_true(escape_see(&late, "\x1d", 1, 1000003));
}

/* Every way to fail has something to do about it, and what runs has none. */
static void test_advice_for_each_result(void)
{
        static const char *const results[] = {"exit-status", "aborted", "trapped", "system-call", "halted", "reset",
                        "ended-from-outside", "definition", "image", "devices", "host", "libvirt",
                        "credentials", "not-ready", "unhealthy", "dependency", "runner", "timeout",
                        "start-limit-hit", "something-new"};
        g_autofree char *dependency = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(results); i++) {
                g_autofree char *advice = next_steps_for("msg", "failed", results[i], 1, "state", "/p");

                g_assert_nonnull(advice);
                g_assert_true(g_str_has_prefix(advice, "  "));
                g_assert_null(strstr(advice, "%s"));
        }
        g_assert_null(next_steps_for("msg", "running", "", -1, "state", "/p"));
        g_assert_null(next_steps_for("msg", "stopped", "success", 0, "state", "/p"));
        /* systemd does not call that a failure. */
        dependency = next_steps_for("msg", "stopped", "dependency", -1, "state", "/p");
        g_assert_nonnull(strstr(dependency, "list-dependencies unikernel@msg.service"));
}

static void test_advice_fits(void)
{
        g_autofree char *arguments = next_steps_for("msg", "failed", "exit-status", 64, "state", "/p");
        g_autofree char *ours = next_steps_for("msg", "broken", "", -1, "state", "/var/x");
        g_autofree char *theirs = next_steps_for("msg", "broken", "", -1, "config", "/etc/x");
        g_autofree char *devices = next_steps_for("msg", "failed", "devices", -1, "config", "/etc/x");

        g_autofree char *paused = next_steps_for("msg", "paused", "", -1, "state", "/p");

        g_assert_nonnull(strstr(paused, "shruthictl resume msg"));
        g_assert_nonnull(strstr(arguments, "set msg --arguments="));
        g_assert_nonnull(strstr(ours, "shruthictl edit msg"));
        g_assert_nonnull(strstr(theirs, "sudoedit /etc/x"));
        g_assert_nonnull(strstr(devices, "sudoedit /etc/x"));
        g_assert_null(strstr(devices, "shruthictl set"));
}

static void test_spans(void)
{
        static const struct {
                uint64_t seconds;
                const char *text;
        } cases[] = {
                        {0, "0ms"},
                        {1, "1s"},
                        {59, "59s"},
                        {60, "1min"},
                        {303, "5min 3s"},
                        {3600, "1h"},
                        {3661, "1h 1min"},
                        {86400, "1 day"},
                        {90000, "1 day 1h"},
                        {200000, "2 days 7h"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = format_span(cases[i].seconds * G_USEC_PER_SEC);

                g_assert_cmpstr(text, ==, cases[i].text);
        }
}

static void test_times(void)
{
        g_autofree char *when = format_timestamp(1700000000000000), *never = format_timestamp(0);
        g_autofree char *since = format_since(1700000000000000, 1700000060000000);
        g_autofree char *future = format_since(1700000000000000, 1);

        g_assert_cmpstr(when, ==, "Tue 2023-11-14 22:13:20 UTC");
        g_assert_cmpstr(never, ==, "");
        g_assert_cmpstr(since, ==, "Tue 2023-11-14 22:13:20 UTC; 1min ago");
        g_assert_cmpstr(future, ==, "Tue 2023-11-14 22:13:20 UTC");
}

static void test_rhyzome_takes_the_bridge(void)
{
        static const char json[] =
                        "{\"BridgeInterface\": \"br0\", \"Hostname\": \"node\\u001b1\", \"Bind\": "
                        "\":8080\", \"Colour\": [1]}";
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *conf = NULL, *notes = NULL;

        g_assert_cmpint(rhyzome_convert(json, strlen(json), &conf, &notes, &error), ==, 0);
        g_assert_true(g_str_has_suffix(conf, "[Shruthi]\nBridgeInterface=br0\n"));
        g_assert_nonnull(strstr(notes, "Hostname"));
        g_assert_nonnull(strstr(notes, "hostnamectl"));
        g_assert_nonnull(strstr(notes, "Bind (\":8080\")"));
        g_assert_nonnull(strstr(notes, "Colour ([1]) is unknown"));
        g_assert_null(strchr(notes, '\x1b'));
}

static void test_rhyzome_without_a_bridge(void)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *conf = NULL, *notes = NULL;

        g_assert_cmpint(rhyzome_convert("{}", 2, &conf, &notes, &error), ==, 0);
        g_assert_null(conf);
        g_assert_cmpstr(notes, ==, "");
}

/* Whatever the file says, no second line gets into shruthi.conf. */
static void test_rhyzome_refuses(void)
{
        static const char *const cases[] = {
                        "",
                        "[]",
                        "{",
                        "{\"BridgeInterface\": 7}",
                        "{\"BridgeInterface\": \"\"}",
                        "{\"BridgeInterface\": \"a b\"}",
                        "{\"BridgeInterface\": \"a\\nLibvirtURI=x\"}",
                        "{\"BridgeInterface\": \"..\"}",
                        "{\"BridgeInterface\": \"a/b\"}",
                        "{\"BridgeInterface\": \"0123456789abcdef\"}",
                        "{\"BridgeInterface\": \"a\\\\\"}",
                        "{\"BridgeInterface\": null}",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                g_autofree char *conf = NULL, *notes = NULL;

                g_assert_cmpint(rhyzome_convert(cases[i], strlen(cases[i]), &conf, &notes, &error), ==,
                                -EBADMSG);
                g_assert_null(conf);
                g_assert_cmpint(error.code, ==, ERROR_INVALID_DEFINITION);
        }
}

static void test_lines_are_harmless(void)
{
        g_autofree char *lines = lines_for_display("a\tb\n\x1b[31mc\r\n");
        g_autofree char *json = json_for_display("{\"a\":\"\xc2\x9b"
                                                 "2J\xf3\xa0\x80\x81"
                                                 "ä\"}");

        g_assert_cmpstr(lines, ==, "a\tb\n\\x1b[31mc\\x0d\n");
        g_assert_cmpstr(json, ==, "{\"a\":\"\\u009b2J\\udb40\\udc01ä\"}");
}

static void test_widths(void)
{
        g_assert_cmpuint(text_width("abc"), ==, 3);
        g_assert_cmpuint(text_width("ä●"), ==, 2);
        g_assert_cmpuint(text_width("日本"), ==, 4);
        g_assert_cmpuint(text_width("e\xcc\x81"), ==, 1);
}

int main(int argc, char *argv[])
{
        g_setenv("TZ", "UTC", TRUE);
        tzset();
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/ctl/log/lines", test_log_lines);
        g_test_add_func("/ctl/text/log-formats", test_log_formats);
        g_test_add_func("/ctl/log/refuses-what-is-no-entry", test_log_refuses_what_is_no_entry);
        g_test_add_func("/ctl/console/escape-counts-three-in-a-second",
                        test_escape_counts_three_in_a_second);
        g_test_add_func("/ctl/advice/for-each-result", test_advice_for_each_result);
        g_test_add_func("/ctl/advice/fits", test_advice_fits);
        g_test_add_func("/ctl/format/spans", test_spans);
        g_test_add_func("/ctl/format/times", test_times);
        g_test_add_func("/ctl/rhyzome/takes-the-bridge", test_rhyzome_takes_the_bridge);
        g_test_add_func("/ctl/rhyzome/without-a-bridge", test_rhyzome_without_a_bridge);
        g_test_add_func("/ctl/rhyzome/refuses", test_rhyzome_refuses);
        g_test_add_func("/ctl/terminal/lines-are-harmless", test_lines_are_harmless);
        g_test_add_func("/ctl/terminal/widths", test_widths);
        return g_test_run();
}
