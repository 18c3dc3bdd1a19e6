/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Times are read as systemd reads them, and shown as people write them. */

#include <errno.h>
#include <glib.h>

#include "common/time-span.h"

static void test_parse(void)
{
        static const struct {
                const char *text;
                int r;
                uint64_t usec;
        } cases[] = {
                        {"10", 0, 10000000},
                        {"500ms", 0, 500000},
                        {"1min 30s", 0, 90000000},
                        {"2h", 0, UINT64_C(7200000000)},
                        {"0", 0, 0},
                        {"", -EINVAL, 0},
                        {"soon", -EINVAL, 0},
                        {"-1s", -EINVAL, 0},
                        {"1 fortnight", -EINVAL, 0},
                        {"999999999999999999999", -ERANGE, 0},
                        {"18446744073709551615s", -ERANGE, 0},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                uint64_t usec = 0;

                g_assert_cmpint(time_span_parse(cases[i].text, &usec), ==, cases[i].r);
                g_assert_cmpuint(usec, ==, cases[i].usec);
        }
}

static void test_format(void)
{
        static const struct {
                uint64_t usec;
                const char *text;
        } cases[] = {
                        {0, "0"},
                        {1, "1us"},
                        {500000, "500ms"},
                        {90000000, "1min 30s"},
                        {UINT64_C(86400000000), "1d"},
                        {1500000, "1s 500ms"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = time_span_format(cases[i].usec);
                uint64_t back = 0;

                g_assert_cmpstr(text, ==, cases[i].text);
                g_assert_cmpint(time_span_parse(text, &back), ==, 0);
                g_assert_cmpuint(back, ==, cases[i].usec);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/time-span/parse", test_parse);
        g_test_add_func("/time-span/format", test_format);
        return g_test_run();
}
