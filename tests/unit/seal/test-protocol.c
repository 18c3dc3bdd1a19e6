/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What one side writes the other reads, and nothing else is taken for a request or an answer. */

#include <glib.h>
#include <string.h>

#include "seal/protocol.h"

static void test_there_and_back(void)
{
        for (SealVerb verb = 0; verb < _SEAL_VERB_MAX; verb++) {
                const char *key = seal_verb_takes_key(verb) ? "tls.key" : NULL;
                g_autofree char *text = seal_request_format(verb, "router", key, UINT64_MAX);
                _cleanup_seal_request_ SealRequest request = {};

                g_assert_cmpint(seal_request_parse(text, strlen(text), &request, NULL), ==, 0);
                g_assert_cmpint(request.verb, ==, verb);
                g_assert_cmpstr(request.name, ==, "router");
                g_assert_cmpstr(request.key, ==, key);
                g_assert_cmpuint(request.size_max, ==, UINT64_MAX);
        }
}

/* How large the archive may be comes with a content, and need not. */
static void test_size_max(void)
{
        static const uint64_t sizes[] = {0, 1, 872448, UINT64_MAX - 1};

        for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
                g_autofree char *text = seal_request_format(SEAL_SET, "router", "k", sizes[i]);
                _cleanup_seal_request_ SealRequest request = {};

                g_assert_cmpint(seal_request_parse(text, strlen(text), &request, NULL), ==, 0);
                g_assert_cmpuint(request.size_max, ==, sizes[i]);
                g_assert_cmpstr(request.key, ==, "k");
        }
}

/* The longest that both names can be fits a request. */
static void test_longest(void)
{
        g_autofree char *name = g_strnfill(63, 'a'), *key = g_strnfill(99, 'k');
        g_autofree char *text = seal_request_format(SEAL_ROTATE, name, key, UINT64_MAX - 1);
        _cleanup_seal_request_ SealRequest request = {};

        g_assert_cmpint(seal_request_parse(text, strlen(text), &request, NULL), ==, 0);
        g_assert_cmpstr(request.key, ==, key);
        g_assert_cmpuint(request.size_max, ==, UINT64_MAX - 1);
}

static void test_refused(void)
{
        static const struct {
                const char *data;
                size_t size;
                ErrorCode code;
        } cases[] = {
                        {"", 0, ERROR_INVALID_ARGS},
                        {"set", 3, ERROR_INVALID_ARGS},
                        {"set router", 10, ERROR_INVALID_ARGS},
                        {"set router ", 11, ERROR_INVALID_ARGS},
                        {"set router a b", 14, ERROR_INVALID_ARGS},
                        {"set router a 1 2", 16, ERROR_INVALID_ARGS},
                        {"set router a -1", 15, ERROR_INVALID_ARGS},
                        {"set router a 01", 15, ERROR_INVALID_ARGS},
                        {"set router a ", 13, ERROR_INVALID_ARGS},
                        {"set router a 18446744073709551615", 33, ERROR_INVALID_ARGS},
                        {"remove router a 1", 17, ERROR_INVALID_ARGS},
                        {"list router a", 13, ERROR_INVALID_ARGS},
                        {"unseal router", 13, ERROR_INVALID_ARGS},
                        {"set router a\0b", 14, ERROR_INVALID_ARGS},
                        {"set router a\n", 13, ERROR_INVALID_ARGS},
                        {"set router ../a", 15, ERROR_INVALID_ARGS},
                        {"set router .a", 13, ERROR_INVALID_ARGS},
                        {"set router a:b", 14, ERROR_INVALID_ARGS},
                        {"set router \xc3\xa4", 13, ERROR_INVALID_ARGS},
                        {"set .. a", 8, ERROR_INVALID_NAME},
                        {"set ../x a", 10, ERROR_INVALID_NAME},
                        {"forget /etc", 11, ERROR_INVALID_NAME},
                        {"list Router", 11, ERROR_INVALID_NAME},
                        {"list ", 5, ERROR_INVALID_NAME},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_seal_request_ SealRequest request = {};
                _cleanup_error_ Error error = ERROR_INIT;

                g_test_message("%s", cases[i].data);
                g_assert_cmpint(seal_request_parse(cases[i].data, cases[i].size, &request, &error), <, 0);
                g_assert_cmpint(error.code, ==, cases[i].code);
                g_assert_null(request.name);
        }
}

static void test_too_long(void)
{
        g_autofree char *text = g_strnfill(SEAL_REQUEST_MAX + 1, 'a');
        _cleanup_seal_request_ SealRequest request = {};

        g_assert_cmpint(seal_request_parse(text, SEAL_REQUEST_MAX + 1, &request, NULL), ==, -EINVAL);
}

static void test_keys_come_back(void)
{
        char *keys[] = {(char *) "a", (char *) "tls.key", NULL};
        g_autofree char *text = seal_answer_format(0, NULL, keys), *none = seal_answer_format(0, NULL, NULL);
        g_auto(GStrv) got = NULL, nothing = NULL;

        g_assert_cmpint(seal_answer_parse(text, strlen(text), &got, NULL), ==, 0);
        g_assert_cmpuint(g_strv_length(got), ==, 2);
        g_assert_cmpstr(got[1], ==, "tls.key");
        g_assert_cmpint(seal_answer_parse(none, strlen(none), &nothing, NULL), ==, 0);
        g_assert_cmpuint(g_strv_length(nothing), ==, 0);
}

/* Name and sentence arrive, whatever the sentence quotes. */
static void test_errors_come_back(void)
{
        _cleanup_error_ Error error = ERROR_INIT, got = ERROR_INIT;
        g_autofree char *text = NULL;
        g_auto(GStrv) keys = NULL;
        int r;

        r = error_set(&error, ERROR_NO_SUCH_CREDENTIAL, "no key 'a\nok\nb'");
        text = seal_answer_format(r, &error, NULL);
        g_assert_cmpint(seal_answer_parse(text, strlen(text), &keys, &got), ==, r);
        g_assert_cmpint(got.code, ==, ERROR_NO_SUCH_CREDENTIAL);
        g_assert_cmpstr(got.message, ==, "no key 'a\\x0aok\\x0ab'");
        g_assert_null(keys);
}

static void test_no_answer(void)
{
        static const char *const cases[] = {"", "o", "okay", "ok\n", "ok\n/etc", "ok\na\n", "error",
                        "error\norg.dream.Shruthi.Error.Failed", "error\na\nb\nc", "\nok"};

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                g_auto(GStrv) keys = NULL;

                g_test_message("%s", cases[i]);
                g_assert_cmpint(seal_answer_parse(cases[i], strlen(cases[i]), &keys, &error), ==, -EBADMSG);
                g_assert_cmpint(error.code, ==, ERROR_CREDENTIALS_UNAVAILABLE);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/seal/protocol/requests-there-and-back", test_there_and_back);
        g_test_add_func("/seal/protocol/size-comes-with-a-content", test_size_max);
        g_test_add_func("/seal/protocol/longest-request", test_longest);
        g_test_add_func("/seal/protocol/refuses-what-is-no-request", test_refused);
        g_test_add_func("/seal/protocol/refuses-what-is-too-long", test_too_long);
        g_test_add_func("/seal/protocol/keys-come-back", test_keys_come_back);
        g_test_add_func("/seal/protocol/errors-come-back", test_errors_come_back);
        g_test_add_func("/seal/protocol/refuses-what-is-no-answer", test_no_answer);
        return g_test_run();
}
