/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What may be fetched: a file, over https, by a URL without secrets. */

#include <glib.h>
#include <string.h>

#include "common/https-url.h"

static void test_good(void)
{
        static const char *const urls[] = {
                        "https://h/a",
                        "https://builds.example.org/a/b/c.virtio",
                        "https://H-1.x:8443/a",
                        "https://10.0.0.1/a",
                        "https://[fd00::1]/a",
                        "https://[fd00::1]:443/a",
                        "https://h/a%20b",
                        "https://h/~a/@b:c,d;e=f&g+h!i$j'(k)*l",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(urls); i++) {
                _cleanup_error_ Error error = ERROR_INIT;

                (void) https_url_check(urls[i], &error);
                g_assert_cmpstr(error.message, ==, NULL);
                g_assert_true(text_is_url(urls[i]));
        }
        g_assert_false(text_is_url("/srv/a:b//c"));
}

static void test_bad(void)
{
        static const struct {
                const char *url, *message;
        } cases[] = {
                        {"http://h/a", "http is not encrypted*"},
                        {"HTTPS://h/a", "only https*"},
                        {"ftp://h/a", "only https*"},
                        {"file:///etc/passwd", "only https*"},
                        {"", "only https*"},
                        {"https://h/a b", "not a URL*"},
                        {"https://h/a\n", "not a URL*"},
                        {"https://h/\303\244", "not a URL*"},
                        {"https://h/a\\b", "not a URL*"},
                        {"https://u:p@h/a", "a definition is no place for a password*"},
                        {"https://u@h/a", "a definition is no place for a password*"},
                        {"https://h/a?b", "the signature is beside the file*"},
                        {"https://h/a#b", "the signature is beside the file*"},
                        {"https:///a", "not a host*"},
                        {"https://:443/a", "not a host*"},
                        {"https://h:/a", "not a host*"},
                        {"https://h:x/a", "not a host*"},
                        {"https://h:123456/a", "not a host*"},
                        {"https://h_1/a", "not a host*"},
                        {"https://[fd00::1/a", "not a host*"},
                        {"https://[fd00::1]x/a", "not a host*"},
                        {"https://h", "no file*"},
                        {"https://h/", "no file*"},
                        {"https://h/a/", "no file*"},
                        {"https://h/a/..", "no file*"},
        };
        g_autofree char *path = g_strnfill(HTTPS_URL_MAX, 'a'),
                        *huge = g_strconcat("https://h/", path, NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_cmpint(https_url_check(cases[i].url, &error), <, 0);
                g_assert_cmpint(error.code, ==, ERROR_INVALID_ARGS);
                if (!g_pattern_match_simple(cases[i].message, error.message))
                        g_assert_cmpstr(error.message, ==, cases[i].message);
        }
        g_assert_cmpint(https_url_check(huge, NULL), <, 0);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/common/https-url/accepts-files", test_good);
        g_test_add_func("/common/https-url/refuses-all-else", test_bad);
        return g_test_run();
}
