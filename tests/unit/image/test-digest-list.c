/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A list of digests tells that of a file by its name, or why it does not. */

#include <glib.h>
#include <string.h>

#include "image/digest-list.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
#define b "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void test_finds(void)
{
        static const char *const lists[] = {
                        A "  x\n",
                        A " *x\n",
                        A "  x",
                        A "  x\r\n",
                        "# x\n\n" A "  ./x\n",
                        b "  y\n" A "  a/b/x\n",
                        A "  x\n" A "  x\n",
                        b "  x y\n" A "  x\n",
                        b "  xx\n" A "  x\n" b "  X\n",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                g_autofree char *digest = NULL;

                (void) digest_list_find(lists[i], strlen(lists[i]), "x", &digest, &error);
                g_assert_cmpstr(error.message, ==, NULL);
                g_assert_cmpstr(digest, ==, "sha256:" A);
        }
}

static void test_capitals(void)
{
        g_autofree char *digest = NULL;

        g_assert_cmpint(digest_list_find(B "  x\n", strlen(B "  x\n"), "x", &digest, NULL), ==, 0);
        g_assert_cmpstr(digest, ==, "sha256:" b);
}

static void test_refusals(void)
{
        static const struct {
                const char *list, *message;
        } cases[] = {
                        {"", "not a list of digests: make it with sha256sum(1)"},
                        {A "  y\n", "it does not list 'x': add the line that sha256sum(1) writes"},
                        {A "  x \n", "it does not list 'x': add the line that sha256sum(1) writes"},
                        {"<html>x</html>\n", "it has no line of sha256sum(1), and so none for 'x'"},
                        {A " x\n", "it has no line of sha256sum(1), and so none for 'x'"},
                        {A "a  x\n", "it has no line of sha256sum(1), and so none for 'x'"},
                        {"aa  x\n", "it has no line of sha256sum(1), and so none for 'x'"},
                        {A "  \n", "it has no line of sha256sum(1), and so none for 'x'"},
                        {A "  x\n" b "  x\n", "it lists 'x' twice, with different digests: keep one line"},
        };
        g_autofree char *huge = g_strnfill(DIGEST_LIST_SIZE_MAX + 1, 'a'), *digest = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_cmpint(digest_list_find(cases[i].list, strlen(cases[i].list), "x", &digest, &error),
                                <, 0);
                g_assert_cmpint(error.code, ==, ERROR_VERIFICATION_FAILED);
                g_assert_cmpstr(error.message, ==, cases[i].message);
        }
        g_assert_cmpint(digest_list_find(huge, strlen(huge), "x", &digest, NULL), <, 0);
        g_assert_cmpint(digest_list_find(A "  x\0", strlen(A) + 4, "x", &digest, NULL), <, 0);
        g_assert_null(digest);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/image/digest-list/finds-a-file", test_finds);
        g_test_add_func("/image/digest-list/takes-capitals", test_capitals);
        g_test_add_func("/image/digest-list/refuses", test_refusals);
        return g_test_run();
}
