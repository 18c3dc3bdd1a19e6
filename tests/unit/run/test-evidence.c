/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a guest ended. A stop counts only where the guest had not ended its run by itself, and what libvirt saw is better
 * than what the guest said; but nobody is waited for who can add nothing. */

#include <glib.h>
#include <signal.h>
#include <sys/wait.h>

#include "run/evidence.h"

typedef struct Case {
        const char *name;
        Result said;
        bool halted;
        Evidence evidence;
        TerminationCause cause;
        unsigned wait, wait_unreported; /* seconds, with and without a service that reports */
} Case;

#define REPORTED(how) .reports = EVENT_REPORTS_ENDED, .reports_cause = TERMINATION_##how
#define EXITED              .process = GUEST_PROCESS_ENDED, .process_code = CLD_EXITED
#define KILLED              .process = GUEST_PROCESS_ENDED, .process_code = CLD_KILLED, .process_status = SIGKILL
#define LOST                .process = GUEST_PROCESS_LOST
#define RUNNING             .process = GUEST_PROCESS_RUNNING
#define ASKED               .stop = STOP_REQUESTED, .stop_tried = true
#define ASKED_LATE          .stop = STOP_REQUESTED_LATE, .stop_tried = true
#define ANSWERED(how) .monitor = MONITOR_ANSWERED, .monitor_cause = TERMINATION_##how

static const Case cases[] = {
                {"nothing-known", RESULT_NONE, false, {}, TERMINATION_CONSOLE, 3, 0},
                {"exit-message", RESULT_EXIT_STATUS, false, {}, TERMINATION_CONSOLE, 1, 0},
                {"service-has-reported-before", RESULT_NONE, false, {.reports = EVENT_REPORTS_HEARD},
                                TERMINATION_CONSOLE, 15, 0},
                {"reported", RESULT_NONE, false, {REPORTED(POWERED_OFF)}, TERMINATION_POWERED_OFF, 0, 0},
                {"reported-destroyed", RESULT_SUCCESS, false, {REPORTED(DESTROYED)}, TERMINATION_DESTROYED,
                                0, 0},
                {"monitored", RESULT_NONE, false, {.monitor = MONITOR_WATCHING}, TERMINATION_CONSOLE, 15,
                                15},
                {"monitored-exit-message", RESULT_SUCCESS, false, {.monitor = MONITOR_WATCHING},
                                TERMINATION_CONSOLE, 1, 0},
                {"monitor-answered", RESULT_NONE, false, {ANSWERED(DESTROYED)}, TERMINATION_DESTROYED, 1, 0},
                {"report-beats-monitor", RESULT_NONE, false, {ANSWERED(DESTROYED), REPORTED(POWERED_OFF)},
                                TERMINATION_POWERED_OFF, 0, 0},
                {"timed-out", RESULT_NONE, false, {.monitor = MONITOR_WATCHING, .timed_out = true},
                                TERMINATION_CONSOLE, 0, 0},
                {"halted", RESULT_HALTED, true, {.stop_tried = true}, TERMINATION_HALTED, 0, 0},
                {"halted-and-powered-off", RESULT_HALTED, true, {REPORTED(POWERED_OFF)},
                                TERMINATION_POWERED_OFF, 0, 0},
                {"stopped", RESULT_NONE, false, {.stop = STOP_REQUESTED, .stop_tried = true},
                                TERMINATION_STOPPED, 0, 0},
                {"stopped-and-reported", RESULT_NONE, false,
                                {.stop = STOP_REQUESTED, .stop_tried = true, REPORTED(DESTROYED)},
                                TERMINATION_STOPPED, 0, 0},
                {"stopped-with-an-old-exit-message", RESULT_SUCCESS, false,
                                {.stop = STOP_REQUESTED_LATE, .stop_tried = true, REPORTED(DESTROYED)},
                                TERMINATION_STOPPED, 0, 0},
                {"stopped-too-late", RESULT_SUCCESS, false,
                                {.stop = STOP_REQUESTED_LATE, .stop_tried = true}, TERMINATION_CONSOLE, 1,
                                0},
                {"stopped-as-it-powered-off", RESULT_SUCCESS, false,
                                {.stop = STOP_REQUESTED, .stop_tried = true, REPORTED(POWERED_OFF)},
                                TERMINATION_CONSOLE, 0, 0},
                {"stopped-as-it-powered-off-in-silence", RESULT_NONE, false,
                                {.stop = STOP_REQUESTED, .stop_tried = true, REPORTED(POWERED_OFF)},
                                TERMINATION_STOPPED, 0, 0},
                {"stopped-when-halted", RESULT_HALTED, true,
                                {.stop = STOP_REQUESTED_LATE, .stop_tried = true}, TERMINATION_HALTED, 0, 0},
                {"stopped-then-halted", RESULT_HALTED, true, {.stop = STOP_REQUESTED, .stop_tried = true},
                                TERMINATION_STOPPED, 0, 0},
                {"reset", RESULT_SUCCESS, false, {REPORTED(RESET)}, TERMINATION_RESET, 0, 0},
                {"reset-while-it-is-stopped", RESULT_NONE, false,
                                {.stop = STOP_REQUESTED, .stop_tried = true, REPORTED(RESET)},
                                TERMINATION_RESET, 0, 0},
                {"saved", RESULT_NONE, false, {REPORTED(SAVED)}, TERMINATION_SAVED, 60, 60},
                {"saved-with-an-old-exit-message", RESULT_SUCCESS, false, {REPORTED(SAVED)},
                                TERMINATION_SAVED, 60, 60},
                {"saved-and-stopped", RESULT_NONE, false, {.stop = STOP_REQUESTED, REPORTED(SAVED)},
                                TERMINATION_SAVED, 0, 0},
                {"saved-and-nobody-stops-it", RESULT_NONE, false, {.timed_out = true, REPORTED(SAVED)},
                                TERMINATION_SAVED, 0, 0},
                {"saved-as-the-monitor-saw", RESULT_NONE, false, {ANSWERED(SAVED)}, TERMINATION_SAVED, 60,
                                60},
                /* A process is waited for, and its end is all there is to know. */
                {"process-runs", RESULT_NONE, false, {RUNNING}, TERMINATION_CONSOLE, 15, 15},
                {"process-runs-after-an-exit-message", RESULT_SUCCESS, false, {RUNNING}, TERMINATION_CONSOLE, 15,
                                15},
                {"process-runs-for-too-long", RESULT_SUCCESS, false, {RUNNING, .timed_out = true},
                                TERMINATION_CONSOLE, 0, 0},
                {"process-runs-while-it-is-stopped", RESULT_NONE, false, {RUNNING, ASKED}, TERMINATION_STOPPED, 15,
                                15},
                {"process-runs-for-too-long-while-it-is-stopped", RESULT_NONE, false,
                                {RUNNING, ASKED, .timed_out = true}, TERMINATION_STOPPED, 0, 0},
                {"process-exited", RESULT_NONE, false, {EXITED}, TERMINATION_CONSOLE, 0, 0},
                {"process-exited-as-it-said", RESULT_EXIT_STATUS, false, {EXITED}, TERMINATION_CONSOLE, 0, 0},
                {"process-exited-as-it-was-stopped", RESULT_NONE, false, {EXITED, ASKED}, TERMINATION_CONSOLE, 0, 0},
                {"process-was-killed", RESULT_NONE, false, {KILLED}, TERMINATION_CONSOLE, 0, 0},
                {"process-was-killed-when-stopped", RESULT_NONE, false, {KILLED, ASKED}, TERMINATION_STOPPED, 0, 0},
                {"process-was-killed-when-stopped-after-an-exit-message", RESULT_SUCCESS, false,
                                {KILLED, ASKED_LATE}, TERMINATION_STOPPED, 0, 0},
                {"process-was-killed-when-stopped-after-it-halted", RESULT_HALTED, true, {KILLED, ASKED_LATE},
                                TERMINATION_STOPPED, 0, 0},
                {"process-is-lost", RESULT_NONE, false, {LOST}, TERMINATION_CONSOLE, 0, 0},
                {"process-is-lost-after-an-exit-message", RESULT_SUCCESS, false, {LOST}, TERMINATION_CONSOLE, 0, 0},
                {"process-is-lost-when-stopped", RESULT_NONE, false, {LOST, ASKED}, TERMINATION_STOPPED, 0, 0},
                {"process-is-lost-as-it-was-stopped", RESULT_SUCCESS, false, {LOST, ASKED}, TERMINATION_CONSOLE, 0,
                                0},
                {"process-is-lost-and-timed-out", RESULT_NONE, false, {LOST, .timed_out = true},
                                TERMINATION_CONSOLE, 0, 0},
                /* Nothing of a domain's has a say. */
                {"process-and-what-a-domain-would-report", RESULT_NONE, false,
                                {EXITED, REPORTED(RESET), .monitor = MONITOR_WATCHING}, TERMINATION_CONSOLE, 0, 0},
                {"process-runs-and-what-a-domain-would-report", RESULT_NONE, false, {RUNNING, REPORTED(SAVED)},
                                TERMINATION_CONSOLE, 15, 15},
};

static void test_case(const void *data)
{
        const Case *c = data;
        ExitParser exit_parser = EXIT_PARSER_INIT;

        exit_parser.result = c->said;
        exit_parser.halted = c->halted;
        g_assert_cmpint(evidence_cause(&c->evidence, &exit_parser), ==, c->cause);
        g_assert_cmpuint(evidence_wait_usec(&c->evidence, &exit_parser, true), ==, c->wait * G_USEC_PER_SEC);
        g_assert_cmpuint(evidence_wait_usec(&c->evidence, &exit_parser, false), ==,
                        c->wait_unreported * G_USEC_PER_SEC);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *path = g_strconcat("/run/evidence/", cases[i].name, NULL);

                g_test_add_data_func(path, &cases[i], test_case);
        }
        return g_test_run();
}
