/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a libvirt domain is asked as a unikernel's body, and how its answers are read: in the words that
 * versions of shruthi-domain on both sides of an upgrade share. It is the body of every unikernel. */

#include <glib.h>
#include <string.h>

#include "body/body.h"
#include "common/paths.h"

static const char *const requests[_BODY_OPERATION_MAX] = {
                [BODY_PREPARE] = "prepare a",
                [BODY_START] = "start a",
                [BODY_ADOPT] = "watch a",
                [BODY_WATCH] = "watch a --witness",
                [BODY_STOP] = "stop a",
                [BODY_PAUSE] = "pause a",
                [BODY_RESUME] = "resume a",
                [BODY_SAVE] = "save a",
                [BODY_STATISTICS] = "statistics a",
                [BODY_STATISTICS_ALL] = "statistics-all",
                [BODY_SWEEP] = "sweep a",
                [BODY_SWEEP_PREPARED] = "sweep a --prepared",
};

static void test_requests(void)
{
        for (BodyOperation operation = 0; operation < _BODY_OPERATION_MAX; operation++) {
                const char *name = operation == BODY_STATISTICS_ALL ? NULL : "a";
                BodyRequest request = body_for("a")->request(operation, name);
                g_autofree char *words = g_strjoinv(" ", (char **) request.words);
                char text[DOMAIN_REQUEST_MAX];

                g_assert_cmpstr(words, ==, requests[operation]);
                g_assert_cmpint(domain_words_format(request.words, text), >, 0);
        }
}

typedef struct Line {
        const char *key, *value;
        BodyAnswerKind kind;
        TerminationCause cause;
} Line;

static const Line lines[] = {
                {"owner", "1000", BODY_ANSWER_IDENTITY, 0},
                {"image", "sha256:0123", BODY_ANSWER_IDENTITY, 0},
                {"volumes", "one two", BODY_ANSWER_FACT, 0},
                {"memory", "33554432", BODY_ANSWER_FACT, 0},
                {"console-rate", "1000", BODY_ANSWER_FACT, 0},
                {"console-burst", "2000", BODY_ANSWER_FACT, 0},
                {"console-rate-user", "3000", BODY_ANSWER_FACT, 0},
                {"console-burst-user", "4000", BODY_ANSWER_FACT, 0},
                {"silence-warning-usec", "5000000", BODY_ANSWER_FACT, 0},
                {"witness", "yes", BODY_ANSWER_FACT, 0},
                {"moment", "Created 17", BODY_ANSWER_FACT, 0},
                {"started", "kvm", BODY_ANSWER_UP, 0},
                {"started", "process", BODY_ANSWER_HANDED, 0},
                {"alive", "yes", BODY_ANSWER_UP, 0},
                {"alive", "no", BODY_ANSWER_GONE, 0},
                {"ended", "shutdown", BODY_ANSWER_ENDED, TERMINATION_POWERED_OFF},
                {"ended", "destroyed", BODY_ANSWER_ENDED, TERMINATION_DESTROYED},
                {"ended", "crashed", BODY_ANSWER_ENDED, TERMINATION_DESTROYED},
                {"ended", "failed", BODY_ANSWER_ENDED, TERMINATION_DESTROYED},
                {"ended", "unknown", BODY_ANSWER_ENDED, TERMINATION_CONSOLE},
                {"notice", "look", BODY_ANSWER_NOTICE, 0},
                {"result", "host", BODY_ANSWER_FAILED, 0},
                {"error-name", "x", BODY_ANSWER_FAILED, 0},
                {"error", "y", BODY_ANSWER_FAILED, 0},
                {"detail", "z", BODY_ANSWER_NONE, 0},
                {"uuid", "0", BODY_ANSWER_NONE, 0},
                {"of-a-later-version", "0", BODY_ANSWER_NONE, 0},
};

static void test_answers(void)
{
        _cleanup_run_state_ RunState run = RUN_STATE_INIT;

        for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
                BodyAnswer answer = body_for("a")->read(lines[i].key, lines[i].value, &run);
                bool says = answer.kind == BODY_ANSWER_NOTICE || g_str_equal(lines[i].value, "kvm");

                g_test_message("%s=%s", lines[i].key, lines[i].value);
                g_assert_cmpint(answer.kind, ==, lines[i].kind);
                g_assert_cmpint(answer.cause, ==, lines[i].cause);
                if (says || answer.kind == BODY_ANSWER_UP)
                        g_assert_cmpstr(answer.text, ==, says ? lines[i].value : NULL);
        }

        g_assert_cmpstr(run.owner, ==, "1000");
        g_assert_cmpstr(run.image, ==, "sha256:0123");
        g_assert_cmpstr(run.volumes, ==, "one two");
        g_assert_cmpuint(run.memory, ==, 33554432);
        g_assert_cmpuint(run.console_rate, ==, 1000);
        g_assert_cmpuint(run.console_burst, ==, 2000);
        g_assert_cmpuint(run.console_rate_user, ==, 3000);
        g_assert_cmpuint(run.console_burst_user, ==, 4000);
        g_assert_cmpuint(run.silence_warning_usec, ==, 5000000);
        g_assert_true(run.witness);
        g_assert_cmpuint(run.timestamps.at[TIMESTAMP_CREATED], ==, 17);
        (void) body_for("a")->read("witness", "no", &run);
        g_assert_false(run.witness);
}

static void test_failure(void)
{
        _cleanup_body_failure_ BodyFailure failure = BODY_FAILURE_INIT;

        body_failure_read(&failure, "notice", "something else");
        g_assert_cmpint(failure.result, ==, RESULT_RUNNER);
        g_assert_cmpint(failure.error, ==, _ERROR_CODE_INVALID);
        g_assert_null(failure.message);

        body_failure_read(&failure, "result", "devices");
        body_failure_read(&failure, "error-name", error_code_to_bus_name(ERROR_NO_SUCH_NETWORK));
        body_failure_read(&failure, "error", "one");
        body_failure_read(&failure, "error", "two");
        body_failure_read(&failure, "detail", "three");
        g_assert_cmpint(failure.result, ==, RESULT_DEVICES);
        g_assert_cmpint(failure.error, ==, ERROR_NO_SUCH_NETWORK);
        g_assert_cmpstr(failure.message, ==, "two");

        body_failure_read(&failure, "result", "of-a-later-version");
        g_assert_cmpint(failure.result, ==, RESULT_RUNNER);
}

static void test_console(void)
{
        static const char *const files[_BODY_CONSOLE_MAX] = {"console.out", "console.in", "console"};
        g_autofree char *dir = paths_unikernel_runtime("a");

        for (BodyConsole console = 0; console < _BODY_CONSOLE_MAX; console++) {
                g_autofree char *path = body_for("a")->console("a", console);
                g_autofree char *expected = g_build_filename(dir, files[console], NULL);

                g_assert_cmpstr(path, ==, expected);
        }
}

static void assert_number(const BodyNumber *number, bool known, uint64_t value)
{
        g_assert_cmpint(number->known, ==, known);
        g_assert_cmpuint(number->value, ==, value);
}

static void test_statistics(void)
{
        g_autoptr(GPtrArray) all = body_for("a")->read_statistics(
                        "cpu-time-usec=17\n"
                        "memory=33554432\n"
                        "memory-resident=1\n"
                        "network.0.name=a\n"
                        "network.0.addresses=192.0.2.1 2001:db8::1\n"
                        "network.0.rx-bytes=1\nnetwork.0.rx-packets=2\nnetwork.0.rx-dropped=9\n"
                        "network.0.tx-bytes=3\nnetwork.0.tx-packets=4\n"
                        "network.1.name=b\n"
                        "network.10.name=c\n"
                        "volume.0.name=d\n"
                        "volume.0.rd-bytes=5\nvolume.0.rd-requests=6\n"
                        "volume.0.wr-bytes=7\nvolume.0.wr-requests=many\n"
                        "volume.0.of-a-later-version=8\n");
        const BodyStatistics *one = all->pdata[0];
        const BodyDeviceStatistics *first, *last;

        g_assert_cmpuint(all->len, ==, 1);
        g_assert_null(one->unikernel);
        assert_number(&one->cpu_time_usec, true, 17);
        assert_number(&one->memory, true, 33554432);
        g_assert_cmpuint(one->devices->len, ==, 4);
        first = one->devices->pdata[0];
        g_assert_true(first->is_network);
        g_assert_cmpstr(first->name, ==, "a");
        g_assert_cmpstr(first->addresses, ==, "192.0.2.1 2001:db8::1");
        for (BodyCounter counter = BODY_RECEIVED_BYTES; counter <= BODY_SENT_PACKETS; counter++)
                assert_number(&first->counters[counter], true, (uint64_t) counter + 1);
        assert_number(&first->counters[BODY_READ_BYTES], false, 0);

        g_assert_cmpstr(((BodyDeviceStatistics *) one->devices->pdata[1])->name, ==, "b");
        g_assert_cmpstr(((BodyDeviceStatistics *) one->devices->pdata[2])->name, ==, "c");
        last = one->devices->pdata[3];
        g_assert_false(last->is_network);
        g_assert_cmpstr(last->name, ==, "d");
        g_assert_null(last->addresses);
        assert_number(&last->counters[BODY_READ_BYTES], true, 5);
        assert_number(&last->counters[BODY_READ_REQUESTS], true, 6);
        assert_number(&last->counters[BODY_WRITTEN_BYTES], true, 7);
        assert_number(&last->counters[BODY_WRITE_REQUESTS], false, 0);
}

/* What is said before the first name is of nobody's. */
static void test_statistics_of_all(void)
{
        g_autoptr(GPtrArray) all =
                        body_for(NULL)->read_statistics("memory=1\nnetwork.0.name=nobody\n"
                                                        "unikernel=a\nmemory=2\nnetwork.0.name=first\n"
                                                        "unikernel=b\nnetwork.0.name=second\n"
                                                        "unikernel=c\n");
        static const char *const names[] = {NULL, "a", "b", "c"}, *const devices[] = {"nobody", "first",
                                                                                  "second", NULL};
        g_autoptr(GPtrArray) none = body_for(NULL)->read_statistics("");

        g_assert_cmpuint(none->len, ==, 0);
        g_assert_cmpuint(all->len, ==, G_N_ELEMENTS(names));
        for (guint i = 0; i < all->len; i++) {
                const BodyStatistics *one = all->pdata[i];

                g_assert_cmpstr(one->unikernel, ==, names[i]);
                assert_number(&one->memory, i < 2, i < 2 ? i + 1 : 0);
                g_assert_cmpuint(one->devices->len, ==, devices[i] ? 1 : 0);
                if (devices[i])
                        g_assert_cmpstr(((BodyDeviceStatistics *) one->devices->pdata[0])->name, ==,
                                        devices[i]);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/body/domain/is-asked-in-words-that-do-not-change", test_requests);
        g_test_add_func("/body/domain/answers", test_answers);
        g_test_add_func("/body/domain/console", test_console);
        g_test_add_func("/body/domain/statistics-of-one", test_statistics);
        g_test_add_func("/body/domain/statistics-of-all", test_statistics_of_all);
        g_test_add_func("/body/failure-is-read-from-several-lines", test_failure);
        return g_test_run();
}
