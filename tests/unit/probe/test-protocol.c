/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the one side writes the other reads, and nothing else. */

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "common/http-path.h"
#include "probe/protocol.h"

static int parse(const char *text, ProbeRequest *ret)
{
        return probe_request_parse(text, strlen(text), ret);
}

static void test_requests_come_back(void)
{
        static const char *const texts[] = {
                        "watch 0 tcp virbr0 10.0.0.2 80 10000 5000",
                        "watch 7 http br0 fd00::2 8080 250 5000 /a?b=c",
                        "watch 15 ping br-x 10.0.0.2 0 250 250",
                        "forget 3",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                _cleanup_probe_request_ ProbeRequest request = {};
                g_autofree char *text = NULL;

                g_assert_cmpint(parse(texts[i], &request), ==, 0);
                text = probe_request_format(&request);
                g_assert_cmpstr(text, ==, texts[i]);
        }
}

static void test_bad_requests(void)
{
        static const char *const texts[] = {
                        "",
                        "watch",
                        "forget",
                        "forget x",
                        "forget 1 2",
                        "forget -1",
                        "forget 4294967296",
                        "watch 0 udp virbr0 10.0.0.2 80 10000 5000",
                        "watch 0 tcp virbr0 10.0.0.2 80 10000",
                        "watch 0 tcp virbr0 10.0.0.2 80 10000 5000 /",
                        "watch 0 http virbr0 10.0.0.2 80 10000 5000",
                        "watch 0 http virbr0 10.0.0.2 80 10000 5000 a",
                        "watch 0 http virbr0 10.0.0.2 80 10000 5000 /\rX",
                        "watch 0 ping virbr0 10.0.0.2 80 10000 5000",
                        "watch 0 tcp virbr0 10.0.0.2 0 10000 5000",
                        "watch 0 tcp virbr0 10.0.0.2 65536 10000 5000",
                        "watch 0 tcp virbr0 127.0.0.1 80 10000 5000",
                        "watch 0 tcp virbr0 224.0.0.1 80 10000 5000",
                        "watch 0 tcp virbr0 10.0.0.2/24 80 10000 5000",
                        "watch 0 tcp virbr0 guest 80 10000 5000",
                        "watch 0 tcp ../etc 10.0.0.2 80 10000 5000",
                        "watch 0 tcp .. 10.0.0.2 80 10000 5000",
                        "watch 0 tcp  10.0.0.2 80 10000 5000",
                        "watch 0 tcp virbr0 10.0.0.2 80 1 5000",
                        "watch 0 tcp virbr0 10.0.0.2 80 10000 1",
                        "watch 0 tcp virbr0 10.0.0.2 80 86400001 5000",
                        "watch 0 tcp virbr0 10.0.0.2 80 10000 5000\n",
        };
        g_autofree char *long_path = g_strnfill(HTTP_PATH_MAX + 1, '/'),
                        *long_text = g_strdup_printf(
                                        "watch 0 http virbr0 10.0.0.2 80 10000 5000 %s", long_path),
                        *long_place = g_strnfill(PROBE_INTERFACE_MAX + 1, 'a'),
                        *placed = g_strdup_printf("watch 0 tcp %s 10.0.0.2 80 10000 5000", long_place);
        ProbeRequest request = {};

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_test_message("%s", texts[i]);
                g_assert_cmpint(parse(texts[i], &request), ==, -EBADMSG);
        }
        g_assert_cmpint(parse(placed, &request), ==, -EBADMSG);
        g_assert_cmpint(parse(long_text, &request), ==, -EBADMSG);
        g_assert_cmpint(probe_request_parse("forget 1\0", 9, &request), ==, -EBADMSG);
        g_assert_cmpint(probe_request_parse("forget \xff", 8, &request), ==, -EBADMSG);
}

static void test_answers(void)
{
        static const char *const bad[] = {"", "good", "good 1 x", "bad 1", "bad x y", "better 1", "good -1"};
        _cleanup_probe_answer_ ProbeAnswer good = {}, worse = {};
        ProbeAnswer none = {};
        const ProbeAnswer answer = {.number = 4, .reason = (char *) "refused\nby 10.0.0.2"};
        g_autofree char *text = probe_answer_format(&answer);

        g_assert_cmpint(probe_answer_parse("good 3", 6, &good), ==, 0);
        g_assert_cmpuint(good.number, ==, 3);
        g_assert_null(good.reason);
        g_assert_cmpint(probe_answer_parse(text, strlen(text), &worse), ==, 0);
        g_assert_cmpuint(worse.number, ==, 4);
        g_assert_nonnull(strstr(worse.reason, "refused"));
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_cmpint(probe_answer_parse(bad[i], strlen(bad[i]), &none), ==, -EBADMSG);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/probe/protocol/requests-come-back", test_requests_come_back);
        g_test_add_func("/probe/protocol/what-is-no-request-is-refused", test_bad_requests);
        g_test_add_func("/probe/protocol/answers", test_answers);
        return g_test_run();
}
