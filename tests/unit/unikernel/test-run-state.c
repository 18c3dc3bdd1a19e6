/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a runner knew, the one after it knows too. */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "unikernel/check.h"
#include "unikernel/run-state.h"

static void assert_equal(const RunState *a, const RunState *b)
{
        g_autofree char *x = run_state_format(a), *y = run_state_format(b);

        g_assert_cmpstr(x, ==, y);
        g_assert_cmpint(a->started, ==, b->started);
        g_assert_cmpint(a->spoke, ==, b->spoke);
        g_assert_cmpint(a->witness, ==, b->witness);
        g_assert_cmpstr(a->invocation_id, ==, b->invocation_id);
        g_assert_cmpmem(&a->timestamps, sizeof a->timestamps, &b->timestamps, sizeof b->timestamps);
        g_assert_cmpstr(a->owner, ==, b->owner);
        g_assert_cmpstr(a->slice, ==, b->slice);
        g_assert_cmpint(a->process, ==, b->process);
        g_assert_cmpstr(a->cgroup, ==, b->cgroup);
        g_assert_cmpstr(a->image, ==, b->image);
        g_assert_cmpuint(a->memory, ==, b->memory);
        g_assert_cmpstr(a->volumes, ==, b->volumes);
        g_assert_cmpuint(a->console_rate, ==, b->console_rate);
        g_assert_cmpuint(a->console_rate_user, ==, b->console_rate_user);
        g_assert_cmpuint(a->console_burst_user, ==, b->console_burst_user);
        g_assert_cmpuint(a->console_burst, ==, b->console_burst);
        g_assert_cmpuint(a->silence_warning_usec, ==, b->silence_warning_usec);
        g_assert_cmpint(a->exit_parser.result, ==, b->exit_parser.result);
        g_assert_cmpint(a->exit_parser.exit_status, ==, b->exit_parser.exit_status);
        g_assert_cmpint(a->exit_parser.halted, ==, b->exit_parser.halted);
        g_assert_cmpint(a->exit_parser.short_of_memory, ==, b->exit_parser.short_of_memory);
        g_assert_cmpuint(a->started_at, ==, b->started_at);
        g_assert_cmpuint(a->changed_at, ==, b->changed_at);
        g_assert_cmpstr(a->paused, ==, b->paused);
        g_assert_cmpint(run_state_is_ready(a), ==, run_state_is_ready(b));
        g_assert_cmpuint(a->reach ? g_strv_length(a->reach) : 0, ==, b->reach ? g_strv_length(b->reach) : 0);
        g_assert_cmpuint(a->healthy_interval_usec, ==, b->healthy_interval_usec);
        g_assert_cmpuint(a->healthy_retries, ==, b->healthy_retries);
        g_assert_cmpint(a->watchdog, ==, b->watchdog);
        g_assert_cmpstr(a->health, ==, b->health);
        g_assert_cmpuint(a->ready_held, ==, b->ready_held);
        g_assert_cmpuint(a->ready_timeout_usec, ==, b->ready_timeout_usec);
        g_assert_cmpuint(a->ready_deadline, ==, b->ready_deadline);
        g_assert_cmpstr(a->exit_parser.detail, ==, b->exit_parser.detail);
}

static RunState full_state(void)
{
        RunState state = RUN_STATE_INIT;

        state.started = state.spoke = state.witness = true;
        state.invocation_id = g_strdup("0123456789abcdef0123456789abcdef");
        for (Timestamp timestamp = 0; timestamp < _TIMESTAMP_MAX; timestamp++)
                state.timestamps.at[timestamp] = INT64_MAX - (uint64_t) timestamp;
        state.owner = g_strdup("1000");
        state.slice = g_strdup("unikernel-1000-a\\x2db.slice");
        state.process = true;
        state.cgroup = g_strdup("/unikernel.slice/unikernel-1000.slice/unikernel@a\\x2db.service");
        state.image = g_strdup("sha256:abc");
        state.memory = 32 * 1024 * 1024;
        state.volumes = g_strdup("a-data b");
        state.console_rate = 123;
        state.console_rate_user = 456;
        state.console_burst_user = 789;
        state.console_burst = 456;
        state.silence_warning_usec = 10000000;
        run_state_add_ready_check(&state, "console:a=b");
        run_state_add_ready_check(&state, "console:^Listening");
        run_state_add_reach(&state, "virbr0 10.0.0.2 a b");
        run_state_add_reach(&state, "br0 fd00::2 service");
        run_state_add_reach(&state, "nonsense");
        run_state_add_healthy_check(&state, "tcp:a b:80");
        state.healthy_interval_usec = 1000000;
        state.healthy_retries = 7;
        state.watchdog = true;
        state.health = g_strdup(RUN_HEALTH_FAILING);
        state.ready_held = 2;
        state.ready_timeout_usec = 90000000;
        state.ready_deadline = INT64_MAX;
        state.exit_parser.result = RESULT_TRAPPED;
        state.exit_parser.exit_status = INT64_MIN;
        state.exit_parser.halted = state.exit_parser.short_of_memory = true;
        state.started_at = 1;
        state.changed_at = UINT64_MAX;
        state.paused = g_strdup("by somebody; \"a=b\"");
        memset(state.exit_parser.detail, '=', sizeof state.exit_parser.detail - 1);
        return state;
}

/* By all of its checks; one of a version that knew of none, as soon as it runs. */
static void test_is_ready(void)
{
        _cleanup_run_state_ RunState state = RUN_STATE_INIT, former = RUN_STATE_INIT;

        g_assert_cmpint(run_state_parse("started=yes\n", &former), ==, 0);
        g_assert_true(run_state_is_ready(&former));

        for (unsigned i = 0; i < 100; i++) {
                g_autofree char *check = g_strdup_printf("console:%u", i / 2);

                run_state_add_ready_check(&state, check);
        }
        g_assert_cmpuint(g_strv_length(state.ready_checks), ==, CHECKS_MAX);
        for (unsigned i = 0; i < CHECKS_MAX; i++) {
                g_assert_false(run_state_is_ready(&state));
                state.ready_held |= UINT64_C(1) << i;
        }
        g_assert_true(run_state_is_ready(&state));
}

/* What is said last counts. */
static void test_reach(void)
{
        _cleanup_run_state_ RunState state = full_state();
        g_autofree char *bridge = NULL, *moved = NULL;
        Address address = ADDRESS_NONE;
        char text[ADDRESS_TEXT_MAX];

        bridge = run_state_find_reach(&state, "a b", &address);
        address_format_ip(&address, text);
        g_assert_cmpstr(bridge, ==, "virbr0");
        g_assert_cmpstr(text, ==, "10.0.0.2");
        g_assert_null(run_state_find_reach(&state, "b", &address));

        run_state_add_reach(&state, "br1 10.0.0.3 a b");
        g_assert_cmpuint(g_strv_length(state.reach), ==, 2);
        moved = run_state_find_reach(&state, "a b", &address);
        g_assert_cmpstr(moved, ==, "br1");
}

static void test_comes_back_from_a_file(void)
{
        g_autofree char *dir = g_dir_make_tmp("shruthi-state-XXXXXX", NULL), *path = NULL;
        _cleanup_run_state_ RunState state = full_state(), empty = RUN_STATE_INIT, read = RUN_STATE_INIT;

        path = g_build_filename(dir, "state", NULL);
        g_assert_cmpint(run_state_read(dir, &read), ==, -ENOENT);

        g_assert_cmpint(run_state_write(dir, &empty), ==, 0);
        g_assert_cmpint(run_state_read(dir, &read), ==, 0);
        assert_equal(&read, &empty);

        g_assert_cmpint(run_state_write(dir, &state), ==, 0);
        run_state_clear(&read);
        g_assert_cmpint(run_state_read(dir, &read), ==, 0);
        assert_equal(&read, &state);

        g_assert_cmpint(g_unlink(path), ==, 0);
        g_assert_cmpint(g_rmdir(dir), ==, 0);
}

static void test_refuses_what_it_did_not_write(void)
{
        static const char *const texts[] = {
                        "started",
                        "started=perhaps\n",
                        "console-rate=-1\n",
                        "console-rate=fast\n",
                        "result=splendid\n",
                        "process=perhaps\n",
                        "exit-status=\n",
                        "exit-status=1x\n",
                        "moment=Ready\n",
                        "moment=Ready soon\n",
                        "moment=Ready 0\n",
                        "moment=Ready 9223372036854775808\n",
                        "\x01\x02",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                RunState state = {.console_rate = 42};

                g_assert_cmpint(run_state_parse(texts[i], &state), ==, -EBADMSG);
                g_assert_cmpuint(state.console_rate, ==, 42);
        }
}

static void test_passes_over_keys_of_a_newer_runner(void)
{
        _cleanup_run_state_ RunState state = RUN_STATE_INIT;

        g_assert_cmpint(run_state_parse("colour=blue\nmoment=Dreamt 7\nstarted=yes\n", &state), ==, 0);
        g_assert_true(state.started);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/run/state/comes-back-from-a-file", test_comes_back_from_a_file);
        g_test_add_func("/run/state/is-ready-by-all-of-its-checks", test_is_ready);
        g_test_add_func("/run/state/knows-where-devices-are", test_reach);
        g_test_add_func("/run/state/refuses-what-it-did-not-write", test_refuses_what_it_did_not_write);
        g_test_add_func("/run/state/passes-over-keys-of-a-newer-runner",
                        test_passes_over_keys_of_a_newer_runner);
        return g_test_run();
}
