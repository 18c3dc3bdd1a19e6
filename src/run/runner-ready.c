/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From a running guest to a ready one: its checks (unikernel/check.h) are matched with what it prints, until
 * all have held or the time is over. Only then is systemd told READY=1, so that whoever waits for the unit
 * waits for this. Checks that have held already are in the runner's state, so that the next runner continues
 * with the rest, and with the rest of the time. */

#include <glib.h>
#include <string.h>

#include "common/log.h"
#include "common/names.h"
#include "common/string-util.h"
#include "common/time-span.h"
#include "run/runner-private.h"
#include "unikernel/check.h"

#define CHECK_TEXT_MAX       400 /* characters */
#define PROBE_INTERVAL_MS    250
#define PROBE_TIMEOUT_MS     5000 /* for a guest that is there but answers late */
#define LAST_LINES_MAX       3
#define LAST_LINE_LENGTH_MAX 160                   /* characters */
#define STOP_ALLOWANCE_USEC  (60 * G_USEC_PER_SEC) /* for stopping a guest that is not ready in time */
#define PATTERN_BUDGET_USEC  (5 * G_USEC_PER_SEC)
#define FOREVER_USEC         (UINT64_C(3650) * 86400 * G_USEC_PER_SEC)

struct ReadyWait {
        Check checks[CHECKS_MAX];
        GRegex *patterns[CHECKS_MAX];     /* NULL if it is not of the console, or has held */
        char *last_lines[LAST_LINES_MAX]; /* display-safe, the newest last */
        uint64_t spent_usec[CHECKS_MAX];  /* by each pattern */
        char *failures[CHECKS_MAX];       /* over the network: the last one; NULL if not tried yet */
        bool probing;                     /* … and they are being tried */
        sd_event_source *due_source;
};

static unsigned ready_count(const RunState *run)
{
        return run->ready_checks ? MIN(g_strv_length(run->ready_checks), (guint) CHECKS_MAX) : 0;
}

static bool ready_check_held(const RunState *run, unsigned i)
{
        return run->ready_held & (UINT64_C(1) << i);
}

static void ready_wait_free(ReadyWait *wait)
{
        for (unsigned i = 0; i < CHECKS_MAX; i++) {
                check_clear(&wait->checks[i]);
                g_clear_pointer(&wait->patterns[i], g_regex_unref);
                g_free(wait->failures[i]);
        }
        for (unsigned i = 0; i < LAST_LINES_MAX; i++)
                g_free(wait->last_lines[i]);
        sd_event_source_disable_unref(wait->due_source);
        g_free(wait);
}

void runner_forget_ready(Runner *runner)
{
        for (unsigned i = 0; runner->ready_wait && i < CHECKS_MAX; i++)
                if (check_kind_is_of_network(runner->ready_wait->checks[i].kind))
                        runner_end_probe(runner, i);
        g_clear_pointer(&runner->ready_wait, ready_wait_free);
}

/* It may be needed before the guest is known to run: what the guest has printed by then counts. A check that
 * this version does not know never holds. */
static ReadyWait *runner_ready_wait(Runner *runner)
{
        const RunState *run = &runner->run;

        if (runner->ready_wait)
                return runner->ready_wait;

        runner->ready_wait = g_new0(ReadyWait, 1);
        for (unsigned i = 0; i < ready_count(run); i++) {
                Check *check = &runner->ready_wait->checks[i];

                if (check_parse(run->ready_checks[i], check, NULL) >= 0 && check->kind == CHECK_CONSOLE &&
                                !ready_check_held(run, i))
                        runner->ready_wait->patterns[i] = check_pattern_compile(check->pattern);
        }
        return runner->ready_wait;
}

static char *ready_wait_describe(const ReadyWait *wait, unsigned i, const char *check)
{
        if (wait && check_kind_is_of_network(wait->checks[i].kind))
                return g_strdup_printf("%s: %s", check, wait->failures[i] ?: "not tried yet");

        return g_strdup_printf("no line of its console matches %s%s", check,
                        wait && wait->spent_usec[i] > PATTERN_BUDGET_USEC
                                        ? ", a pattern that takes too long: write a simpler one"
                                        : "");
}

char *runner_describe_wait(const Runner *runner)
{
        const RunState *run = &runner->run;
        g_autoptr(GString) text = g_string_new(NULL);

        for (unsigned i = 0; i < ready_count(run); i++) {
                g_autofree char *shown = text_for_display(run->ready_checks[i], CHECK_TEXT_MAX),
                                *what = NULL;

                if (ready_check_held(run, i))
                        continue;
                what = ready_wait_describe(runner->ready_wait, i, shown);
                g_string_append_printf(text, "%s%s", text->len > 0 ? "; " : "", what);
        }

        return g_strdup(text->str);
}

/* A line may come twice. */
static void ready_wait_keep_line(ReadyWait *wait, const char *text, size_t size)
{
        g_autofree char *line = g_strndup(text, MIN(size, (size_t) CHECK_LINE_MAX));
        g_autofree char *shown = text_for_display(line, LAST_LINE_LENGTH_MAX);

        if (!*shown || g_strcmp0(shown, wait->last_lines[LAST_LINES_MAX - 1]) == 0)
                return;

        g_free(wait->last_lines[0]);
        memmove(wait->last_lines, wait->last_lines + 1,
                        sizeof wait->last_lines - sizeof wait->last_lines[0]);
        wait->last_lines[LAST_LINES_MAX - 1] = g_steal_pointer(&shown);
}

/* A guest may print lines for which its pattern takes long. */
static bool ready_wait_matches(ReadyWait *wait, unsigned i, const char *text, size_t size)
{
        uint64_t begun = (uint64_t) g_get_monotonic_time();
        bool matches = check_pattern_matches(wait->patterns[i], text, size);

        wait->spent_usec[i] += (uint64_t) g_get_monotonic_time() - begun;
        if (wait->spent_usec[i] > PATTERN_BUDGET_USEC)
                g_clear_pointer(&wait->patterns[i], g_regex_unref);
        return matches;
}

static void runner_hold_ready_check(Runner *runner, unsigned i)
{
        runner->run.ready_held |= UINT64_C(1) << i;
        if (!run_state_is_ready(&runner->run)) {
                runner_save(runner);
                if (runner->state == RUNNER_UNREADY)
                        runner_tell_status(runner, "");
                return;
        }

        /* If the guest is not known to run yet, this is checked again when it is. */
        if (runner->state != RUNNER_UNREADY)
                runner_save(runner);
        runner_handle(runner, RUNNER_EVENT_READY);
}

void runner_take_ready_line(Runner *runner, const char *text, size_t size)
{
        ReadyWait *wait;

        if (run_state_is_ready(&runner->run) || runner->state == RUNNER_FINISHED)
                return;

        wait = runner_ready_wait(runner);
        ready_wait_keep_line(wait, text, size);
        for (unsigned i = 0; i < CHECKS_MAX && !run_state_is_ready(&runner->run); i++)
                if (wait->patterns[i] && ready_wait_matches(wait, i, text, size)) {
                        g_clear_pointer(&wait->patterns[i], g_regex_unref);
                        runner_hold_ready_check(runner, i);
                        /* The guest may be ready now, and the wait over. */
                        if (runner->ready_wait != wait)
                                return;
                }
}

static void runner_note_ready_failure(Runner *runner, unsigned i, const char *reason)
{
        char **failure = &runner->ready_wait->failures[i];

        if (g_strcmp0(*failure, reason) == 0)
                return;

        g_free(*failure);
        *failure = g_strdup(reason);
        runner_tell_status(runner, "");
}

void runner_take_ready_answer(Runner *runner, unsigned i, const char *reason)
{
        if (runner->state != RUNNER_UNREADY || !runner->ready_wait || i >= ready_count(&runner->run) ||
                        ready_check_held(&runner->run, i))
                return;

        if (reason)
                runner_note_ready_failure(runner, i, reason);
        else {
                runner_end_probe(runner, i);
                runner_hold_ready_check(runner, i);
        }
}

void runner_take_ready_loss(Runner *runner, const char *reason)
{
        for (unsigned i = 0; runner->ready_wait && i < CHECKS_MAX; i++)
                if (check_kind_is_of_network(runner->ready_wait->checks[i].kind) &&
                                !ready_check_held(&runner->run, i))
                        runner_note_ready_failure(runner, i, reason);
}

/* Starts the checks over the network, once the guest runs. */
static void runner_start_ready_probes(Runner *runner, ReadyWait *wait)
{
        if (wait->probing)
                return;

        wait->probing = true;
        for (unsigned i = 0; i < ready_count(&runner->run); i++)
                if (check_kind_is_of_network(wait->checks[i].kind) && !ready_check_held(&runner->run, i))
                        wait->failures[i] = runner_start_probe(
                                        runner, i, &wait->checks[i], PROBE_INTERVAL_MS, PROBE_TIMEOUT_MS);
}

static int on_runner_ready_due(sd_event_source *source, uint64_t usec, void *userdata)
{
        runner_handle(userdata, RUNNER_EVENT_READY_DUE);
        return 0;
}

/* The definition asks to wait longer than TimeoutStartSec=, so systemd is told. It knows no unlimited
 * wait. */
static void runner_extend_start(Runner *runner)
{
        const RunState *run = &runner->run;
        uint64_t now = (uint64_t) g_get_monotonic_time();
        uint64_t rest = run->ready_deadline > now ? run->ready_deadline - now : 0;
        g_autofree char *text = g_strdup_printf("EXTEND_TIMEOUT_USEC=%" G_GUINT64_FORMAT "\n",
                        MIN(rest, FOREVER_USEC) + STOP_ALLOWANCE_USEC);

        runner_tell_status(runner, text);
}

void runner_await_ready(Runner *runner)
{
        RunState *run = &runner->run;
        ReadyWait *wait;
        int r = 0;

        if (run_state_is_ready(run)) {
                runner_handle(runner, RUNNER_EVENT_READY);
                return;
        }

        wait = runner_ready_wait(runner);
        if (run->ready_deadline == 0) {
                uint64_t now = (uint64_t) g_get_monotonic_time();

                run->ready_deadline = run->ready_timeout_usec < UINT64_MAX - now
                                                      ? now + run->ready_timeout_usec
                                                      : UINT64_MAX;
        }
        runner_save(runner);
        runner_start_ready_probes(runner, wait);
        runner_extend_start(runner);
        runner_tell_runs(runner);
        if (run->ready_deadline != UINT64_MAX && !wait->due_source)
                r = sd_event_add_time(runner->event, &wait->due_source, CLOCK_MONOTONIC, run->ready_deadline,
                                0, on_runner_ready_due, runner);
        if (r < 0)
                runner_fail(runner, RESULT_RUNNER, RUNNER_EXIT_RUNNER,
                                "it cannot be waited for until the guest is ready: %s", g_strerror(-r));
        else
                runner_review(runner);
}

static char *runner_describe_last_lines(const Runner *runner)
{
        const ReadyWait *wait = runner->ready_wait;
        g_autoptr(GString) text = g_string_new(NULL);

        for (unsigned i = 0; wait && i < LAST_LINES_MAX; i++)
                if (wait->last_lines[i])
                        g_string_append_printf(text, "%s'%s'",
                                        text->len > 0 ? ", " : "; its last lines: ", wait->last_lines[i]);

        return text->len > 0       ? g_strdup(text->str)
               : runner->run.spoke ? g_strdup("")
                                   : g_strdup("; it has printed nothing");
}

static void runner_reject_sick(Runner *runner)
{
        g_autofree char *what = runner_describe_sickness(runner);

        runner->rejection = (RunnerFailure){
                        .result = RESULT_UNHEALTHY,
                        .exit_status = RUNNER_EXIT_UNHEALTHY,
                        .message = g_strdup_printf("became unhealthy: %s", what),
        };
        journal_message(runner->journal, LOG_ERR, SHRUTHI_MESSAGE_UNHEALTHY, NULL,
                        "The guest %s. It is stopped", runner->rejection.message);
        runner_end_health(runner);
        runner_tell_status(runner, "");
}

static void runner_reject_unready(Runner *runner)
{
        g_autofree char *what = runner_describe_wait(runner), *lines = runner_describe_last_lines(runner);
        g_autofree char *time = time_span_format(runner->run.ready_timeout_usec);

        runner->rejection = (RunnerFailure){
                        .result = RESULT_NOT_READY,
                        .exit_status = RUNNER_EXIT_NOT_READY,
                        .message = g_strdup_printf("was not ready within %s (ReadyTimeoutSec=): %s%s", time,
                                        what, lines),
        };
        journal_message(runner->journal, LOG_ERR, SHRUTHI_MESSAGE_NOT_READY, NULL,
                        "The guest %s. It is stopped", runner->rejection.message);
        runner_forget_ready(runner);
        runner_tell_status(runner, "");
}

void runner_reject(Runner *runner)
{
        if (runner->announced)
                runner_reject_sick(runner);
        else
                runner_reject_unready(runner);
}
