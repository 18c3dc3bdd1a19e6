/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The moments of a start come out of a line as they went in; what is no moment changes nothing. */

#include <glib.h>
#include <string.h>

#include "unikernel/moments.h"

static void test_come_back_from_lines(void)
{
        Moments all = {}, read = {};
        g_autoptr(GString) text = g_string_new(NULL);
        g_auto(GStrv) lines = NULL;

        for (Moment moment = 0; moment < _MOMENT_MAX; moment++)
                all.at[moment] = 1 + (uint64_t) moment;
        moments_format(&all, "moment", text);
        lines = g_strsplit(text->str, "\n", -1);
        g_assert_cmpuint(g_strv_length(lines), ==, _MOMENT_MAX + 1);
        for (unsigned i = 0; i < _MOMENT_MAX; i++) {
                g_assert_true(g_str_has_prefix(lines[i], "moment="));
                g_assert_cmpint(moments_take(&read, lines[i] + strlen("moment=")), ==, 0);
        }
        g_assert_cmpmem(&read, sizeof read, &all, sizeof all);
}

static void test_unknown_ones_are_not_written(void)
{
        Moments one = {.at[MOMENT_READY] = 42};
        g_autoptr(GString) text = g_string_new(NULL);

        moments_format(&one, "moment", text);
        g_assert_cmpstr(text->str, ==, "moment=Ready 42\n");
}

static void test_refuses_what_is_none(void)
{
        static const char *const values[] = {"", "Ready", "Ready ", "Ready -1", "Ready 0", "Ready 1 2",
                        "Ready 0x10", "Ready  1", "Ready 9223372036854775808"};

        for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
                Moments moments = {.at[MOMENT_READY] = 42};

                g_test_message("'%s'", values[i]);
                g_assert_cmpint(moments_take(&moments, values[i]), ==, -EBADMSG);
                g_assert_cmpuint(moments.at[MOMENT_READY], ==, 42);
        }
}

static void test_passes_over_those_of_a_newer_one(void)
{
        Moments moments = {}, none = {};

        g_assert_cmpint(moments_take(&moments, "Dreamt 7"), ==, 0);
        g_assert_cmpmem(&moments, sizeof moments, &none, sizeof none);
}

static void test_what_is_known_stays(void)
{
        Moments to = {.at[MOMENT_READY] = 1}, from = {.at[MOMENT_READY] = 2, .at[MOMENT_CREATED] = 3};

        moments_add(&to, &from);
        g_assert_cmpuint(to.at[MOMENT_READY], ==, 1);
        g_assert_cmpuint(to.at[MOMENT_CREATED], ==, 3);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/moments/come-back-from-lines", test_come_back_from_lines);
        g_test_add_func("/moments/unknown-ones-are-not-written", test_unknown_ones_are_not_written);
        g_test_add_func("/moments/refuses-what-is-none", test_refuses_what_is_none);
        g_test_add_func("/moments/passes-over-those-of-a-newer-one", test_passes_over_those_of_a_newer_one);
        g_test_add_func("/moments/what-is-known-stays", test_what_is_known_stays);
        return g_test_run();
}
