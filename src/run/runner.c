/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The supervisor of one unikernel: what holds it together, and what it does while the guest runs. */

#include "run/runner.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/io.h"
#include "common/names.h"
#include "common/paths.h"

void runner_notify(Runner *runner, const char *format, ...)
{
        g_autofree char *text = NULL;
        va_list ap;

        va_start(ap, format);
        text = g_strdup_vprintf(format, ap);
        va_end(ap);

        (void) sd_notify(0, text);
}

void runner_tell_status(Runner *runner, const char *more)
{
        const char *how = g_strcmp0(runner->acceleration, "tcg") == 0 ? " by emulation"
                        : g_strcmp0(runner->acceleration, "kvm") == 0 ? " with KVM"
                                                                      : "";

        if (runner->stopping)
                runner_notify(runner, "%sSTATUS=Stopping the guest", more);
        else if (runner->state.paused)
                runner_notify(runner, "%sSTATUS=The guest is paused %s", more, runner->state.paused);
        else
                runner_notify(runner, "%sSTATUS=The guest runs%s", more, how);
}

void runner_save(Runner *runner)
{
        int r;

        runner->state_changed = false;
        /* It went with the domain. */
        if (runner->finished)
                return;

        r = run_state_write(runner->dir, &runner->state);
        if (r < 0)
                journal_message(runner->journal, LOG_WARNING, NULL, NULL,
                                "The state of this run cannot be written to '%s': %s", runner->dir,
                                g_strerror(-r));
}

static void on_console_bytes(void *userdata, const char *data, size_t size)
{
        Runner *runner = userdata;

        if (!runner->state.spoke) {
                runner->state.spoke = true;
                timestamps_record(&runner->state.timestamps, TIMESTAMP_FIRST_BYTE);
                runner->silence_source = sd_event_source_disable_unref(runner->silence_source);
                runner_save(runner);
        }
        runner_look_at_room_soon(runner);
        if (runner->server)
                console_server_copy(runner->server, data, size);
}

static void on_console_line(void *userdata, const char *text, size_t size)
{
        Runner *runner = userdata;

        /* Kept before the line is taken out of the pipe, so that one who comes after us knows it. */
        if (exit_parser_feed_line(&runner->state.exit_parser, text, size)) {
                runner_save(runner);
                runner_check(runner);
        }
}

static void on_console_throttled(void *userdata, const char *setting)
{
        Runner *runner = userdata;

        journal_message(runner->journal, LOG_NOTICE, SHRUTHI_MESSAGE_THROTTLED, NULL,
                        "The guest writes faster than %s= allows and is made to wait; nothing is lost",
                        setting);
}

static void on_console_ended(void *userdata)
{
        runner_check(userdata);
}

const ConsoleHooks runner_console_hooks = {
        .bytes = on_console_bytes,
        .line = on_console_line,
        .throttled = on_console_throttled,
        .ended = on_console_ended,
};

static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
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

        r = sd_event_add_signal(runner->event, NULL, SIGTERM, on_terminate, runner);
        if (r >= 0)
                r = sd_event_add_signal(runner->event, NULL, SIGINT, on_terminate, runner);
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
                        .state = RUN_STATE_INIT,
                        .refusal = RESULT_RUNNER,
                        .refusal_error = _ERROR_CODE_INVALID,
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

        sd_event_source_disable_unref(runner->silence_source);
        sd_event_source_disable_unref(runner->halted_source);
        sd_event_source_disable_unref(runner->stop_source);
        sd_event_source_disable_unref(runner->patience_source);
        sd_event_source_disable_unref(runner->stuck_source);
        sd_event_source_disable_unref(runner->witness_source);
        sd_event_source_disable_unref(runner->words_source);
        sd_event_source_disable_unref(runner->room_source);
        sd_event_source_disable_unref(runner->network_source);
        sd_event_source_disable_unref(runner->flush_source);
        helper_free(runner->helper);
        helper_free(runner->stopper);
        g_free(runner->stopped_by);
        console_server_free(runner->server);
        console_free(runner->console);
        (void) close_safe(runner->console_fd);
        (void) close_safe(runner->liveness_fd);
        journal_free(runner->journal);
        run_state_clear(&runner->state);
        sd_event_unref(runner->event);
        g_free(runner->acceleration);
        g_free(runner->refusal_sentence);
        g_free(runner->stop_error);
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
        runner_check(runner);

        r = sd_event_loop(runner->event);
        return r < 0 ? RUNNER_EXIT_RUNNER : r;
}
