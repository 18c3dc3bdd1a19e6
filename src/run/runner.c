/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The runner as a whole, and its events. */

#include "run/runner-private.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/names.h"
#include "common/paths.h"

/* In the order of RunnerAction. */
static void (*const action_table[])(Runner *) = {
                runner_start,
                runner_adopt,
                runner_start_again,
                runner_await_network,
                runner_forget_network,
                runner_shorten_start,
                runner_drop_adoption,
                runner_meet,
                runner_announce,
                runner_review,
                runner_forget_ready,
                runner_reject,
                runner_await_power_off,
                runner_forget_power_off,
                runner_await_ready,
                runner_stop_domain,
                runner_await_retry,
                runner_tell_slow_stop,
                runner_await_console,
                runner_show_pause,
                runner_weigh,
                runner_tell_end,
                runner_tell_failure,
};
G_STATIC_ASSERT(1U << (G_N_ELEMENTS(action_table) - 1) == RUNNER_ACTION_TELL_FAILURE);

void runner_handle(Runner *runner, RunnerEvent event)
{
        RunnerTransition transition = runner_state_transition(runner->state, event);

        if (runner->run_changed)
                runner_save(runner);
        if (transition.next != runner->state)
                log_debug("%s: %s -> %s", runner_event_to_string(event),
                                runner_state_to_string(runner->state),
                                runner_state_to_string(transition.next));

        runner->state = transition.next;
        for (size_t i = 0; i < G_N_ELEMENTS(action_table); i++)
                if (transition.actions & (1U << i))
                        action_table[i](runner);
}

void runner_notify(const char *format, ...)
{
        g_autofree char *text = NULL;
        va_list ap;

        va_start(ap, format);
        text = g_strdup_vprintf(format, ap);
        va_end(ap);

        (void) sd_notify(0, text);
}

bool runner_console_is_closed(const Runner *runner)
{
        return runner->console && console_has_ended(runner->console);
}

void runner_save(Runner *runner)
{
        int r;

        runner->run_changed = false;
        /* The directory was removed with the domain. */
        if (runner->state == RUNNER_FINISHED)
                return;

        r = run_state_write(runner->dir, &runner->run);
        if (r < 0)
                journal_message(runner->journal, LOG_WARNING, NULL, NULL,
                                "Cannot write the state of this run to '%s': %s", runner->dir,
                                g_strerror(-r));
}

static int on_runner_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
        runner_on_terminate(userdata);
        return 0;
}

static int runner_set_up_signals(Runner *runner)
{
        sigset_t mask;
        int r;

        (void) signal(SIGPIPE, SIG_IGN);
        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGCHLD);
        (void) sigaddset(&mask, SIGTERM);
        (void) sigaddset(&mask, SIGINT);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;

        r = sd_event_add_signal(runner->event, NULL, SIGTERM, on_runner_signal, runner);
        if (r >= 0)
                r = sd_event_add_signal(runner->event, NULL, SIGINT, on_runner_signal, runner);
        return r;
}

int runner_new(const char *name, Runner **ret_runner)
{
        const LogObject object = {.unikernel = name};
        Runner *runner = g_new(Runner, 1);
        int r;

        *runner = (Runner){
                        .name = g_strdup(name),
                        .dir = paths_unikernel_runtime(name),
                        .begun = (uint64_t) g_get_monotonic_time(),
                        .console_fd = -EBADF,
                        .liveness_fd = -EBADF,
                        .process_fd = -EBADF,
                        .run = RUN_STATE_INIT,
                        .body = body_for(name),
                        .refusal = BODY_FAILURE_INIT,
                        .stop_failure = BODY_FAILURE_INIT,
        };

        r = sd_event_new(&runner->event);
        if (r >= 0)
                r = journal_new(NULL, &object, &runner->journal);
        if (r >= 0)
                r = runner_set_up_signals(runner);
        if (r < 0) {
                runner_free(runner);
                return r;
        }

        *ret_runner = runner;
        return 0;
}

void runner_free(Runner *runner)
{
        if (!runner)
                return;

        sd_event_source_disable_unref(runner->monitor_source);
        sd_event_source_disable_unref(runner->network_source);
        sd_event_source_disable_unref(runner->events_source);
        sd_event_source_disable_unref(runner->silence_source);
        sd_event_source_disable_unref(runner->halted_source);
        sd_event_source_disable_unref(runner->space_source);
        runner_forget_ready(runner);
        runner_end_health(runner);
        probe_client_free(runner->probes);
        sd_event_source_disable_unref(runner->stop_source);
        sd_event_source_disable_unref(runner->slow_source);
        sd_event_source_disable_unref(runner->timeout_source);
        sd_event_source_disable_unref(runner->flush_source);
        sd_event_source_disable_unref(runner->process_source);
        sd_event_source_disable_unref(runner->messages_source);
        sd_event_source_disable_unref(runner->reap_source);
        sd_event_source_disable_unref(runner->enter_source);
        g_free(runner->wanted_slice);
        runner_drop_handed(runner);
        if (runner->complaint)
                g_string_free(runner->complaint, TRUE);
        body_call_free(runner->starter);
        body_call_free(runner->stopper);
        console_server_free(runner->server);
        console_free(runner->console);
        (void) close_safe(runner->console_fd);
        (void) close_safe(runner->liveness_fd);
        (void) close_safe(runner->process_fd);
        journal_free(runner->journal);
        run_state_clear(&runner->run);
        body_failure_clear(&runner->refusal);
        body_failure_clear(&runner->stop_failure);
        g_free(runner->failure.message);
        g_free(runner->rejection.message);
        sd_event_unref(runner->event);
        g_free(runner->acceleration);
        g_free(runner->stopped_by);
        g_free(runner->paused_reason);
        g_free(runner->dir);
        g_free(runner->name);
        g_free(runner);
}

int runner_run(Runner *runner)
{
        RunnerStored stored;
        int r;

        runner_find_stored(&stored);
        runner_begin(runner, &stored);

        r = sd_event_loop(runner->event);
        return r < 0 ? RUNNER_EXIT_RUNNER : r;
}
