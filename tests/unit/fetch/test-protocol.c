/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests and answers are read as they were written, and nothing else is taken for one. */

#include <glib.h>
#include <string.h>

#include "fetch/protocol.h"

static void test_request(void)
{
        const FetchRequest request = {
                        .size_max = UINT64_C(1) << 40, .url = (char *) "https://h:8443/a.virtio"};
        g_autofree char *text = fetch_request_format(&request);
        _cleanup_fetch_request_ FetchRequest read = {};

        g_assert_cmpstr(text, ==, "1099511627776 https://h:8443/a.virtio");
        g_assert_cmpint(fetch_request_parse(text, strlen(text), &read, NULL), ==, 0);
        g_assert_cmpuint(read.size_max, ==, request.size_max);
        g_assert_cmpstr(read.url, ==, request.url);
}

/* shruthid has checked the URL already; who else asks gets no further. */
static void test_bad_requests(void)
{
        static const char *const texts[] = {
                        "",
                        " ",
                        "1",
                        "1 ",
                        "https://h/a",
                        "0 https://h/a",
                        "-1 https://h/a",
                        "1x https://h/a",
                        "1 http://h/a",
                        "1 file:///etc/passwd",
                        "1 https://h/a b",
                        "1  https://h/a",
                        "99999999999999999999 https://h/a",
                        "1 https://u:p@h/a",
                        "1 https://h/a\n",
        };
        g_autofree char *path = g_strnfill(FETCH_REQUEST_MAX, 'a'),
                        *huge = g_strconcat("1 https://h/", path, NULL);
        FetchRequest request;

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                _cleanup_error_ Error error = ERROR_INIT;

                g_test_message("%s", texts[i]);
                g_assert_cmpint(fetch_request_parse(texts[i], strlen(texts[i]), &request, &error), <, 0);
                g_assert_cmpint(error.code, ==, ERROR_INVALID_ARGS);
        }
        g_assert_cmpint(fetch_request_parse(huge, strlen(huge), &request, NULL), <, 0);
        g_assert_cmpint(fetch_request_parse("1 https://h/a\0b", 15, &request, NULL), <, 0);
}

static void test_answers(void)
{
        g_autofree char *good = fetch_answer_format(0, NULL), *bad = NULL, *unknown = NULL;
        _cleanup_error_ Error error = ERROR_INIT, read = ERROR_INIT, none = ERROR_INIT;
        int r = error_set(&error, ERROR_NO_SUCH_IMAGE, "no such\nfile");

        g_assert_cmpint(fetch_answer_parse(good, strlen(good), NULL), ==, 0);
        bad = fetch_answer_format(r, &error);
        g_assert_cmpint(fetch_answer_parse(bad, strlen(bad), &read), ==, -ENOENT);
        g_assert_cmpint(read.code, ==, ERROR_NO_SUCH_IMAGE);
        g_assert_cmpstr(read.message, ==, "no such\\x0afile");
        unknown = fetch_answer_format(-EIO, &none);
        g_assert_cmpint(fetch_answer_parse(unknown, strlen(unknown), &read), <, 0);
        g_assert_cmpint(read.code, ==, ERROR_FAILED);
}

static void test_bad_answers(void)
{
        static const char *const texts[] = {
                        "", "o", "okay", "ok\n", "error", "error\nx", "error\na\nb\nc", "\377"};

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_cmpint(fetch_answer_parse(texts[i], strlen(texts[i]), &error), <, 0);
                g_assert_cmpint(error.code, ==, ERROR_FAILED);
                g_assert_cmpstr(error.message, ==, "Malformed answer from shruthi-fetch");
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/fetch/protocol/a-request-comes-back", test_request);
        g_test_add_func("/fetch/protocol/refuses-other-requests", test_bad_requests);
        g_test_add_func("/fetch/protocol/answers-come-back", test_answers);
        g_test_add_func("/fetch/protocol/refuses-other-answers", test_bad_answers);
        return g_test_run();
}
