/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a guest sends is an answer of HTTP or is not, however it is cut and however long it is. */

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "probe/http.h"

static void test_request(void)
{
        Address four, six;
        g_autofree char *a = NULL, *b = NULL;

        g_assert_cmpint(address_parse_ip("10.0.0.2", &four), ==, 0);
        g_assert_cmpint(address_parse_ip("fd00::2", &six), ==, 0);
        a = http_request_format(&four, 80, "/a?b");
        b = http_request_format(&six, 8080, "/");
        g_assert_true(g_str_has_prefix(a, "GET /a?b HTTP/1.1\r\nHost: 10.0.0.2:80\r\n"));
        g_assert_true(g_str_has_suffix(a, "\r\nConnection: close\r\n\r\n"));
        g_assert_nonnull(strstr(b, "\r\nHost: [fd00::2]:8080\r\n"));
}

static void test_status(void)
{
        static const struct {
                const char *text;
                int status;
        } cases[] = {
                        {"HTTP/1.1 200 OK\r\n", 200},
                        {"HTTP/1.0 404\r\n", 404},
                        {"HTTP/1.1 301 Moved\r\nLocation: http://elsewhere/\r\n\r\n", 301},
                        {"HTTP/1.1 503 \n", 503},
                        {"HTTP/1.1 200 OK", 0},
                        {"", 0},
                        {"H", 0},
                        {"HTTP/1.1 2", 0},
                        {"HTTP/1.1 600 X\r\n", -EBADMSG},
                        {"HTTP/1.1 099 X\r\n", -EBADMSG},
                        {"HTTP/1.1 2000\r\n", -EBADMSG},
                        {"HTTP/1.1 20\r\n", -EBADMSG},
                        {"HTTP/2 200\r\n", -EBADMSG},
                        {"SSH-2.0-x\r\n", -EBADMSG},
                        {"\r\n", -EBADMSG},
                        {"http/1.1 200 OK\r\n", -EBADMSG},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_test_message("%s", cases[i].text);
                g_assert_cmpint(http_status_parse(cases[i].text, strlen(cases[i].text)), ==,
                                cases[i].status);
        }
}

/* Byte by byte it says nothing else than as a whole. */
static void test_pieces(void)
{
        static const char answer[] = "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n";

        for (size_t n = 0; n < strlen(answer); n++)
                g_assert_cmpint(http_status_parse(answer, n), ==, memchr(answer, '\n', n) ? 204 : 0);
}

static void test_endless_line(void)
{
        g_autofree char *text = g_strnfill(HTTP_ANSWER_MAX, 'x');

        memcpy(text, "HTTP/1.1 200 ", 13);
        g_assert_cmpint(http_status_parse(text, HTTP_ANSWER_MAX - 1), ==, 0);
        g_assert_cmpint(http_status_parse(text, HTTP_ANSWER_MAX), ==, -EBADMSG);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/probe/http/request", test_request);
        g_test_add_func("/probe/http/status", test_status);
        g_test_add_func("/probe/http/in-pieces", test_pieces);
        g_test_add_func("/probe/http/an-endless-line-is-none", test_endless_line);
        return g_test_run();
}
