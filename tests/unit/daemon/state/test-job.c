/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a finished job means: "done" is not "running", and each failure has its name. */

#include <glib.h>
#include <string.h>

#include "daemon/state/job.h"
#include "daemon/state/unikernel.h"

#define OK (-1)

static const struct {
        JobKind kind;
        const char *job_result, *active_state;
        bool condition;
        ErrorCode error;
        const char *reason;
        int code; /* ErrorCode or OK */
        const char *word;
} cases[] = {
                {JOB_START, "done", "active", true, _ERROR_CODE_INVALID, NULL, OK, NULL},
                /* It ran, exited with 0 and is over. */
                {JOB_START, "done", "inactive", true, _ERROR_CODE_INVALID, NULL, OK, NULL},
                /* systemd says "done" when a condition was not met, too. */
                {JOB_START, "done", "inactive", false, _ERROR_CODE_INVALID, NULL, ERROR_START_FAILED,
                                "condition"},
                {JOB_START, "done", "failed", true, _ERROR_CODE_INVALID, "exited with status 7",
                                ERROR_START_FAILED, "status 7"},
                {JOB_START, "failed", "failed", true, ERROR_INVALID_DEFINITION, "x.unikernel:3: no",
                                ERROR_INVALID_DEFINITION, "x.unikernel:3"},
                {JOB_START, "failed", "failed", true, ERROR_NO_SUCH_IMAGE, "gone", ERROR_NO_SUCH_IMAGE,
                                "gone"},
                {JOB_START, "failed", "failed", true, ERROR_DEVICE_MISMATCH, "no", ERROR_DEVICE_MISMATCH,
                                "no"},
                {JOB_START, "failed", "activating", true, ERROR_LIBVIRT_UNAVAILABLE, "away",
                                ERROR_LIBVIRT_UNAVAILABLE, "away"},
                {JOB_START, "failed", "failed", true, _ERROR_CODE_INVALID, "no", ERROR_START_FAILED, "no"},
                {JOB_START, "failed", "failed", true, _ERROR_CODE_INVALID, NULL, ERROR_START_FAILED,
                                "journal"},
                {JOB_START, "canceled", "inactive", true, _ERROR_CODE_INVALID, NULL, ERROR_CANCELED,
                                "replaced this start"},
                {JOB_START, "timeout", "failed", true, _ERROR_CODE_INVALID, NULL, ERROR_TIMED_OUT, "time"},
                {JOB_START, "dependency", "inactive", true, _ERROR_CODE_INVALID, NULL, ERROR_START_FAILED,
                                "requires"},
                {JOB_START, "dependency", "inactive", true, ERROR_START_FAILED, "it requires db.service",
                                ERROR_START_FAILED, "db.service"},
                {JOB_RESTART, "done", "active", true, _ERROR_CODE_INVALID, NULL, OK, NULL},
                {JOB_RESTART, "failed", "failed", true, _ERROR_CODE_INVALID, "no", ERROR_START_FAILED, "no"},
                {JOB_STOP, "done", "inactive", true, _ERROR_CODE_INVALID, NULL, OK, NULL},
                {JOB_STOP, "done", "failed", true, _ERROR_CODE_INVALID, NULL, OK, NULL},
                {JOB_STOP, "failed", "deactivating", true, _ERROR_CODE_INVALID, NULL, ERROR_STOP_FAILED,
                                "deactivating"},
                {JOB_STOP, "canceled", "active", true, _ERROR_CODE_INVALID, NULL, ERROR_CANCELED, "stop"},
};

static void test_judge(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                JobEnd end = {cases[i].kind, cases[i].job_result, cases[i].active_state, cases[i].condition,
                                cases[i].error, cases[i].reason};
                _cleanup_error_ Error error = ERROR_INIT;
                int r = job_end_check("hello", &end, &error);

                g_test_message("case %zu", i);
                if (cases[i].code == OK) {
                        g_assert_cmpint(r, ==, 0);
                        continue;
                }
                g_assert_cmpint(r, <, 0);
                g_assert_cmpint(error.code, ==, cases[i].code);
                g_assert_nonnull(strstr(error.message, cases[i].word));
                g_assert_nonnull(strstr(error.message, "hello"));
        }
}

/* The state is systemd's; a definition that cannot be read shows only where nothing runs. */
static void test_state(void)
{
        static const struct {
                const char *active_state;
                UnikernelState sound, broken;
        } states[] = {
                        {NULL, UNIKERNEL_STOPPED, UNIKERNEL_BROKEN},
                        {"inactive", UNIKERNEL_STOPPED, UNIKERNEL_BROKEN},
                        {"failed", UNIKERNEL_FAILED, UNIKERNEL_BROKEN},
                        {"active", UNIKERNEL_RUNNING, UNIKERNEL_RUNNING},
                        {"reloading", UNIKERNEL_RUNNING, UNIKERNEL_RUNNING},
                        {"activating", UNIKERNEL_STARTING, UNIKERNEL_STARTING},
                        {"deactivating", UNIKERNEL_STOPPING, UNIKERNEL_STOPPING},
                        {"maintenance", UNIKERNEL_STOPPED, UNIKERNEL_BROKEN},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(states); i++) {
                const UnitStatus status = {.active_state = (char *) states[i].active_state};
                const Guest none = {};

                g_assert_cmpint(unikernel_derive_state(&status, &none, UNIKERNEL_STOPPED, false, false), ==,
                                states[i].sound);
                g_assert_cmpint(unikernel_derive_state(&status, &none, UNIKERNEL_STOPPED, false, true), ==,
                                states[i].broken);
        }
        for (UnikernelState state = 0; state < _UNIKERNEL_STATE_MAX; state++)
                g_assert_cmpint(unikernel_state_from_string(unikernel_state_to_string(state)), ==, state);
}

/* While systemd brings a killed runner back, its unit goes through all states; the guest runs on. A unit
 * that ends because somebody stops it does not. */
static void test_state_of_a_guest_without_runner(void)
{
        static const struct {
                const char *active_state, *sub_state, *result, *invocation_id;
                UnikernelState before, expected;
        } timestamps[] = {
                        {"deactivating", "stop-sigterm", "signal", "a", UNIKERNEL_RUNNING,
                                        UNIKERNEL_RUNNING},
                        {"failed", "failed", "signal", "a", UNIKERNEL_RUNNING, UNIKERNEL_RUNNING},
                        {"activating", "auto-restart", "signal", "a", UNIKERNEL_RUNNING, UNIKERNEL_RUNNING},
                        {"activating", "auto-restart-queued", "signal", "a", UNIKERNEL_RUNNING,
                                        UNIKERNEL_RUNNING},
                        {"inactive", "dead", "success", "a", UNIKERNEL_RUNNING, UNIKERNEL_RUNNING},
                        {"activating", "start", "success", "b", UNIKERNEL_RUNNING, UNIKERNEL_RUNNING},
                        {"active", "running", "success", "b", UNIKERNEL_RUNNING, UNIKERNEL_RUNNING},
                        {"activating", "auto-restart", "signal", "a", UNIKERNEL_RUNNING, UNIKERNEL_RUNNING},
                        /* A new start, while something is left of the run before. */
                        {"activating", "start", "success", "b", UNIKERNEL_STOPPED, UNIKERNEL_STARTING},
                        /* A start like any other: the guest is up, the unit will be. */
                        {"activating", "start", "success", "a", UNIKERNEL_STARTING, UNIKERNEL_STARTING},
                        /* A stop, and a runner that is killed for it. */
                        {"deactivating", "stop-sigterm", "success", "a", UNIKERNEL_RUNNING,
                                        UNIKERNEL_STOPPING},
                        {"deactivating", "final-sigterm", "signal", "a", UNIKERNEL_STOPPING,
                                        UNIKERNEL_STOPPING},
                        {"failed", "failed", "timeout", "a", UNIKERNEL_STOPPING, UNIKERNEL_FAILED},
                        /* What it leaves behind goes a moment later. */
                        {"inactive", "dead", "success", "a", UNIKERNEL_STOPPED, UNIKERNEL_STOPPED},
                        {"failed", "failed", "signal", "a", UNIKERNEL_FAILED, UNIKERNEL_FAILED},
                        {"inactive", "dead", "success", "a", UNIKERNEL_STOPPING, UNIKERNEL_STOPPED},
        };
        const Guest running = {.lives = true, .ready = true, .invocation_id = (char *) "a"}, none = {};
        const Guest paused = {.lives = true,
                        .ready = true,
                        .invocation_id = (char *) "a",
                        .paused = (char *) "by QEMU"};

        for (size_t i = 0; i < G_N_ELEMENTS(timestamps); i++) {
                const UnitStatus status = {
                                .active_state = (char *) timestamps[i].active_state,
                                .sub_state = (char *) timestamps[i].sub_state,
                                .result = (char *) timestamps[i].result,
                                .invocation_id = (char *) timestamps[i].invocation_id,
                };
                bool runs = timestamps[i].expected == UNIKERNEL_RUNNING;
                UnikernelState before = timestamps[i].before;

                g_assert_cmpint(unikernel_derive_state(&status, &running, before, false, false), ==,
                                timestamps[i].expected);
                g_assert_cmpint(unikernel_derive_state(&status, &running, before, false, true) ==
                                                UNIKERNEL_RUNNING,
                                ==, runs);
                g_assert_cmpint(unikernel_derive_state(&status, &paused, before, false, false) ==
                                                UNIKERNEL_PAUSED,
                                ==, runs);
                g_assert_cmpint(unikernel_derive_state(&status, &running, before, true, false), ==,
                                g_str_equal(timestamps[i].active_state, "active") ? UNIKERNEL_RUNNING
                                                                                  : UNIKERNEL_STOPPING);
                if (!g_str_equal(timestamps[i].active_state, "active"))
                        g_assert_cmpint(unikernel_derive_state(&status, &none, before, false, false), !=,
                                        UNIKERNEL_RUNNING);
                /* A stop may end the guest before it ends the pause. */
                if (g_str_has_prefix(timestamps[i].sub_state, "auto-restart"))
                        g_assert_cmpint(unikernel_derive_state(&status, &none, before, true, false), ==,
                                        UNIKERNEL_STOPPING);
        }
}

/* One that is not ready yet is starting, also in the time without a runner and for a shruthid that has just
 * come, until its end. */
static void test_state_of_a_guest_that_is_not_ready(void)
{
        static const struct {
                const char *active_state, *sub_state, *result, *invocation_id;
                UnikernelState before, expected;
        } moments[] = {
                        {"activating", "start", "success", "a", UNIKERNEL_STARTING, UNIKERNEL_STARTING},
                        {"activating", "start", "success", "a", UNIKERNEL_RUNNING, UNIKERNEL_STARTING},
                        {"activating", "start", "success", "b", UNIKERNEL_RUNNING, UNIKERNEL_STARTING},
                        {"failed", "failed", "signal", "a", UNIKERNEL_STARTING, UNIKERNEL_STARTING},
                        {"activating", "auto-restart", "signal", "a", UNIKERNEL_STARTING,
                                        UNIKERNEL_STARTING},
                        {"activating", "auto-restart-queued", "signal", "a", UNIKERNEL_STARTING,
                                        UNIKERNEL_STARTING},
                        {"deactivating", "stop-sigterm", "success", "a", UNIKERNEL_STARTING,
                                        UNIKERNEL_STOPPING},
                        {"failed", "failed", "exit-code", "a", UNIKERNEL_STOPPING, UNIKERNEL_FAILED},
        };
        const Guest guest = {.lives = true, .invocation_id = (char *) "a"}, none = {};

        for (size_t i = 0; i < G_N_ELEMENTS(moments); i++) {
                const UnitStatus status = {
                                .active_state = (char *) moments[i].active_state,
                                .sub_state = (char *) moments[i].sub_state,
                                .result = (char *) moments[i].result,
                                .invocation_id = (char *) moments[i].invocation_id,
                };

                g_assert_cmpint(unikernel_derive_state(&status, &guest, moments[i].before, false, false), ==,
                                moments[i].expected);
                g_assert_cmpint(unikernel_derive_state(&status, &none, moments[i].before, false, false), ==,
                                unikernel_state_of_unit(moments[i].active_state));
        }
}

/* Each way through the table ends, and nothing that comes at the wrong time leads anywhere. */
static void test_job_states(void)
{
        static const JobState expected[JOB_ENDED + 1][_JOB_EVENT_MAX] = {
                        [JOB_WAITING] = {[JOB_EVENT_TURN] = JOB_REQUESTING,
                                        [JOB_EVENT_TURN_COUNTED] = JOB_RESETTING,
                                        [JOB_EVENT_FAILED] = JOB_ENDED},
                        [JOB_RESETTING] = {[JOB_EVENT_RESET] = JOB_REQUESTING},
                        [JOB_REQUESTING] =
                                        {[JOB_EVENT_ACCEPTED] = JOB_RUNNING, [JOB_EVENT_FAILED] = JOB_ENDED},
                        [JOB_RUNNING] = {[JOB_EVENT_REMOVED] = JOB_CHECKING},
                        [JOB_CHECKING] = {[JOB_EVENT_CHECKED] = JOB_ENDED},
        };

        for (JobState state = 0; state < _JOB_STATE_MAX; state++)
                for (JobEvent event = 0; event < _JOB_EVENT_MAX; event++) {
                        /* Nothing leads back to WAITING, so 0 is nothing. */
                        JobState next = expected[state][event] ?: _JOB_STATE_INVALID;

                        g_assert_cmpint(job_state_next(state, event), ==, next);
                        g_assert_true(next == _JOB_STATE_INVALID || next > state);
                }
        for (JobState state = 0; state < _JOB_STATE_MAX; state++)
                g_assert_cmpint(job_state_is_in_flight(state), ==,
                                state > JOB_WAITING && state < JOB_CHECKING);
}

/* '-' is no character of an object path's element. */
static void test_path(void)
{
        g_autofree char *path = unikernel_path("a-1");

        g_assert_cmpstr(path, ==, "/org/dream/Shruthi/unikernel/a_2d1");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/daemon/job/done-is-not-running", test_judge);
        g_test_add_func("/daemon/job/states-lead-to-the-end", test_job_states);
        g_test_add_func("/daemon/unikernel/state-is-derived", test_state);
        g_test_add_func("/daemon/state/of-a-guest-without-runner", test_state_of_a_guest_without_runner);
        g_test_add_func("/daemon/state/of-a-guest-that-is-not-ready",
                        test_state_of_a_guest_that_is_not_ready);
        g_test_add_func("/daemon/unikernel/path-is-escaped", test_path);
        return g_test_run();
}
