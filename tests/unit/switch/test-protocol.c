/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What one side writes the other reads, and what is no request is refused with a sentence. */

#include <glib.h>
#include <string.h>

#include "link/packet-filter.h"
#include "switch/protocol.h"

static const char *const requests[] = {
                "network lab virbr7",
                "rules",
                "counters",
                "summary",
                "capture 0 0",
                "capture 104857600 128 peer-0 peer-1",
                "capture 0 0 filter=1,6:0:0:1",
                "capture 0 96 filter=1,6:0:0:1 peer-0",
                "capture 0 0 by=link",
                "capture 0 0 by=link a b",
                "capture 0 96 filter=1,6:0:0:1 by=link a b / c",
                "capture-end 3",
                "end",
};

static void test_requests(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(requests); i++) {
                _cleanup_switch_request_ SwitchRequest request = {};
                _cleanup_error_ Error error = ERROR_INIT;
                g_autofree char *text = NULL;

                (void) switch_request_parse(requests[i], strlen(requests[i]), &request, &error);
                g_assert_cmpstr(error.message, ==, NULL);
                text = switch_request_format(&request);
                g_assert_cmpstr(text, ==, requests[i]);
        }
}

static const struct {
        const char *text, *message;
} refusals[] = {
                {"", "no request: it is empty"},
                {"Rules", "Rules: no request"},
                {"rules now", "rules takes no words"},
                {"network lab", "write network NAME BRIDGE"},
                {"network a/b virbr0", "a/b: not the name of a network"},
                {"network ..  virbr0", "write network"},
                {"network .. virbr0", "..: not the name of a network"},
                {"network a sixteen-letters-", "not the name of a bridge"},
                {"network a x/y", "x/y: not the name of a bridge"},
                {"capture", "write capture MAXBYTES SNAPLEN"},
                {"capture x 0", "x: not a number"},
                {"capture 0 -1", "-1: not a number"},
                {"capture 0 0 Peer", "Peer: not the name of a unikernel"},
                {"capture 0 0 ", ": not the name of a unikernel"},
                {"capture 0 0 a / b", "/: not the name of a unikernel"},
                {"capture 0 0 by=link / a", "members at both ends"},
                {"capture 0 0 by=link a /", "members at both ends"},
                {"capture 0 0 by=link a / b / c", "members at both ends"},
                {"capture 0 0 by=link a /b", "/b: not the name of a unikernel"},
                {"capture 0 0 by=member", "by=member: not the name of a unikernel"},
                {"capture 0 0 a filter=1,6:0:0:1", "filter=1,6:0:0:1: not the name of a unikernel"},
                {"capture-end", "write capture-end NUMBER"},
                {"capture-end 4294967296", "write capture-end NUMBER"},
};

static void test_refusals(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
                _cleanup_switch_request_ SwitchRequest request = {};
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_cmpint(switch_request_parse(refusals[i].text, strlen(refusals[i].text), &request,
                                                &error),
                                <, 0);
                g_assert_nonnull(error.message);
                if (!strstr(error.message, refusals[i].message))
                        g_error("%s: '%s' lacks '%s'", refusals[i].text, error.message, refusals[i].message);
        }
}

static void test_too_many_members(void)
{
        g_autoptr(GString) text = g_string_new("capture 0 0");
        _cleanup_switch_request_ SwitchRequest request = {};
        _cleanup_error_ Error error = ERROR_INIT;

        for (int i = 0; i < SWITCH_MEMBERS_MAX + 2000; i++)
                g_string_append(text, " a");
        g_assert_cmpint(switch_request_parse(text->str, text->len, &request, &error), <, 0);
        g_assert_nonnull(strstr(error.message, "more than 1000 members"));
}

/* The longest that a client can want. */
static void test_longest(void)
{
        g_autofree char *filter = g_strnfill(PACKET_FILTER_TEXT_MAX, '1'), *name = g_strnfill(63, 'a'),
                        *text = NULL;
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        _cleanup_switch_request_ SwitchRequest request = {}, again = {};
        _cleanup_error_ Error error = ERROR_INIT;

        for (int i = 0; i < SWITCH_MEMBERS_MAX; i++)
                g_ptr_array_add(names, name);
        g_ptr_array_add(names, NULL);
        request = (SwitchRequest){.verb = SWITCH_CAPTURE,
                        .max_bytes = UINT64_MAX,
                        .snaplen = UINT32_MAX,
                        .filter = g_steal_pointer(&filter),
                        .members = g_strdupv((char **) names->pdata)};
        text = switch_request_format(&request);
        (void) switch_request_parse(text, strlen(text), &again, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        g_assert_cmpuint(g_strv_length(again.members), ==, SWITCH_MEMBERS_MAX);
}

static void test_answers(void)
{
        static const char *const answers[] = {
                        "done",
                        "done 10 2000 0",
                        "error 17 slow: there is no such shape: write a line shape before it",
        };
        static const char *const none[] = {"", "doneness", "error", "error 1", "error x y", "ok"};

        for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
                _cleanup_switch_answer_ SwitchAnswer answer = {};
                g_autofree char *text = NULL;

                g_assert_cmpint(switch_answer_parse(answers[i], strlen(answers[i]), &answer), ==, 0);
                text = switch_answer_format(&answer);
                g_assert_cmpstr(text, ==, answers[i]);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(none); i++) {
                SwitchAnswer answer;

                g_assert_cmpint(switch_answer_parse(none[i], strlen(none[i]), &answer), ==, -EBADMSG);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/switch/protocol/a-request-is-read-as-it-was-written", test_requests);
        g_test_add_func("/switch/protocol/what-is-no-request-is-refused", test_refusals);
        g_test_add_func("/switch/protocol/too-many-members-are-refused", test_too_many_members);
        g_test_add_func("/switch/protocol/the-longest-capture-fits", test_longest);
        g_test_add_func("/switch/protocol/an-answer-is-read-as-it-was-written", test_answers);
        return g_test_run();
}
