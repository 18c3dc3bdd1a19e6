/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The moments of a start come out of a line as they went in; what is no moment changes nothing. */

#include <glib.h>
#include <string.h>

#include "unikernel/timestamps.h"

static void test_come_back_from_lines(void)
{
        Timestamps all = {}, read = {};
        g_autoptr(GString) text = g_string_new(NULL);
        g_auto(GStrv) lines = NULL;

        for (Timestamp timestamp = 0; timestamp < _TIMESTAMP_MAX; timestamp++)
                all.at[timestamp] = 1 + (uint64_t) timestamp;
        timestamps_format(&all, "moment", text);
        lines = g_strsplit(text->str, "\n", -1);
        g_assert_cmpuint(g_strv_length(lines), ==, _TIMESTAMP_MAX + 1);
        for (unsigned i = 0; i < _TIMESTAMP_MAX; i++) {
                g_assert_true(g_str_has_prefix(lines[i], "moment="));
                g_assert_cmpint(timestamps_parse(&read, lines[i] + strlen("moment=")), ==, 0);
        }
        g_assert_cmpmem(&read, sizeof read, &all, sizeof all);
}

static void test_unknown_ones_are_not_written(void)
{
        Timestamps one = {.at[TIMESTAMP_READY] = 42};
        g_autoptr(GString) text = g_string_new(NULL);

        timestamps_format(&one, "moment", text);
        g_assert_cmpstr(text->str, ==, "moment=Ready 42\n");
}

static void test_refuses_what_is_none(void)
{
        static const char *const values[] = {"", "Ready", "Ready ", "Ready -1", "Ready 0", "Ready 1 2",
                        "Ready 0x10", "Ready  1", "Ready 9223372036854775808"};

        for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
                Timestamps timestamps = {.at[TIMESTAMP_READY] = 42};

                g_test_message("'%s'", values[i]);
                g_assert_cmpint(timestamps_parse(&timestamps, values[i]), ==, -EBADMSG);
                g_assert_cmpuint(timestamps.at[TIMESTAMP_READY], ==, 42);
        }
}

static void test_passes_over_those_of_a_newer_one(void)
{
        Timestamps timestamps = {}, none = {};

        g_assert_cmpint(timestamps_parse(&timestamps, "Dreamt 7"), ==, 0);
        g_assert_cmpmem(&timestamps, sizeof timestamps, &none, sizeof none);
}

static void test_what_is_known_stays(void)
{
        Timestamps to = {.at[TIMESTAMP_READY] = 1},
                   from = {.at[TIMESTAMP_READY] = 2, .at[TIMESTAMP_CREATED] = 3};

        timestamps_merge(&to, &from);
        g_assert_cmpuint(to.at[TIMESTAMP_READY], ==, 1);
        g_assert_cmpuint(to.at[TIMESTAMP_CREATED], ==, 3);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/timestamps/come-back-from-lines", test_come_back_from_lines);
        g_test_add_func("/timestamps/unknown-ones-are-not-written", test_unknown_ones_are_not_written);
        g_test_add_func("/timestamps/refuses-what-is-none", test_refuses_what_is_none);
        g_test_add_func("/timestamps/passes-over-those-of-a-newer-one", test_passes_over_those_of_a_newer_one);
        g_test_add_func("/timestamps/what-is-known-stays", test_what_is_known_stays);
        return g_test_run();
}
