/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Differences are shown as diff -u shows them. */

#include <glib.h>
#include <string.h>

#include "ctl/output/diff.h"

static void test_cases(void)
{
        static const struct {
                const char *from, *to, *diff;
        } cases[] = {
                        {"", "", ""},
                        {"a\nb\n", "a\nb\n", ""},
                        {"a\nb\nc\n", "a\nx\nc\n", "--- A\n+++ B\n@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n"},
                        {"", "a\n", "--- A\n+++ B\n@@ -0,0 +1,1 @@\n+a\n"},
                        {"a\n", "", "--- A\n+++ B\n@@ -1,1 +0,0 @@\n-a\n"},
                        {"1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\n5\n6\n7\n",
                                        "--- A\n+++ B\n@@ -4,3 +4,4 @@\n 4\n 5\n 6\n+7\n"},
                        /* Two hunks, and one where the contexts touch. */
                        {"a\n1\n2\n3\n4\n5\n6\n7\nb\n", "x\n1\n2\n3\n4\n5\n6\n7\ny\n",
                                        "--- A\n+++ B\n@@ -1,4 +1,4 @@\n-a\n+x\n 1\n 2\n 3\n"
                                        "@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+y\n"},
                        {"a\n1\n2\n3\n4\n5\n6\nb\n", "x\n1\n2\n3\n4\n5\n6\ny\n",
                                        "--- A\n+++ B\n@@ -1,8 +1,8 @@\n-a\n+x\n 1\n 2\n 3\n 4\n 5\n "
                                        "6\n-b\n+y\n"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *diff = diff_texts(cases[i].from, cases[i].to, "A", "B");

                g_assert_cmpstr(diff, ==, cases[i].diff);
        }
}

/* As long as a definition can be: it is shown at once, if not as short as it could be. */
static void test_long(void)
{
        g_autoptr(GString) from = g_string_new(NULL), to = g_string_new(NULL);
        g_autofree char *diff = NULL;

        for (unsigned i = 0; i < 100000; i++) {
                g_string_append_printf(from, "a%u\n", i);
                g_string_append_printf(to, "b%u\n", i);
        }
        diff = diff_texts(from->str, to->str, "A", "B");
        g_assert_true(g_str_has_prefix(diff, "--- A\n+++ B\n@@ -1,100000 +1,100000 @@\n-a0\n"));
        g_assert_true(g_str_has_suffix(diff, "+b99999\n"));
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/diff/shows-what-differs", test_cases);
        g_test_add_func("/diff/of-long-texts", test_long);

        return g_test_run();
}
