/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The guest while it runs: its console, its status in words, and the free space for its volumes. QEMU
 * reports only to the guest that its write has failed on a full disk. Such a guest prints something or ends,
 * so the disk is checked soon after the guest has printed something, and when it has ended. A silent guest
 * wakes nobody. */

#include <glib.h>

#include "common/log.h"
#include "common/names.h"
#include "run/runner-private.h"
#include "volume/store.h"

#define POWER_OFF_USEC (300 * 1000) /* a clean power-off may still follow */
#define SPACE_USEC     (500 * 1000) /* after its output: once for all that it prints meanwhile */

const char *runner_describe_body(const Runner *runner)
{
        return runner->run.process                                   ? " as a process"
               : g_strcmp0(runner->acceleration, "tcg") == 0 ? " under emulation"
               : g_strcmp0(runner->acceleration, "kvm") == 0 ? " with KVM"
                                                             : "";
}

void runner_tell_status(Runner *runner, const char *more)
{
        const char *how = runner_describe_body(runner);

        if (runner->evidence.stop != STOP_NOT_REQUESTED || runner->rejection.message)
                runner_notify("%sSTATUS=Stopping the guest", more);
        else if (runner->run.paused)
                runner_notify("%sSTATUS=The guest is paused %s", more, runner->run.paused);
        else if (runner->ready_wait) {
                g_autofree char *what = runner_describe_wait(runner);

                runner_notify("%sSTATUS=Waiting until the guest is ready: %s", more, what);
        } else if (runner->health) {
                g_autofree char *sickness = runner_describe_sickness(runner);

                runner_notify("%sSTATUS=The guest runs%s%s%s", more, how,
                                sickness ? " and fails a check of its health, "
                                : g_strcmp0(runner->run.health, RUN_HEALTH_HEALTHY) == 0 ? " and is healthy"
                                                                                         : "",
                                sickness ?: "");
        } else
                runner_notify("%sSTATUS=The guest runs%s", more, how);
}

bool runner_check_space(Runner *runner)
{
        g_autofree char *full = NULL;

        if (!runner->run.volumes)
                return false;

        full = volume_list_short_of_space(runner->run.volumes, VOLUME_SPACE_LEAST);
        if (full && !runner->no_space) {
                journal_message(runner->journal, LOG_WARNING, SHRUTHI_MESSAGE_NO_ROOM, NULL,
                                "The file system of volume '%s' is full: writes of the guest fail until "
                                "there is free space",
                                full);
                runner_notify("STATUS=The guest runs; the file system of volume '%s' is full", full);
        } else if (!full && runner->no_space) {
                journal_message(runner->journal, LOG_NOTICE, NULL, NULL,
                                "The file system of its volumes has free space again");
                runner_notify("STATUS=The guest runs");
        }

        runner->no_space = full != NULL;
        return runner->no_space;
}

static int on_runner_space_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Runner *runner = userdata;

        runner->space_source = sd_event_source_disable_unref(runner->space_source);
        if (runner->state != RUNNER_FINISHED)
                (void) runner_check_space(runner);
        return 0;
}

static void runner_check_space_soon(Runner *runner)
{
        if (runner->run.volumes && !runner->space_source)
                (void) sd_event_add_time_relative(runner->event, &runner->space_source, CLOCK_MONOTONIC,
                                SPACE_USEC, SPACE_USEC, on_runner_space_time, runner);
}

static int on_runner_silence(sd_event_source *source, uint64_t usec, void *userdata)
{
        Runner *runner = userdata;

        journal_message(runner->journal, LOG_WARNING, SHRUTHI_MESSAGE_SILENT, NULL,
                        "The guest has printed nothing for %" G_GUINT64_FORMAT
                        " s since its start; a common reason is too little memory (Memory=). It is left "
                        "running",
                        runner->run.silence_warning_usec / G_USEC_PER_SEC);
        return 0;
}

void runner_await_first_byte(Runner *runner)
{
        if (!runner->run.spoke && runner->run.silence_warning_usec > 0 && !runner->silence_source)
                (void) sd_event_add_time_relative(runner->event, &runner->silence_source, CLOCK_MONOTONIC,
                                runner->run.silence_warning_usec, 0, on_runner_silence, runner);
}

void runner_hold_rates(Runner *runner)
{
        const RunState *run = &runner->run;
        UserRate *rate = NULL;

        if (run->owner && run->console_rate_user != UINT64_MAX) {
                int r = user_rate_open(run->owner, run->console_rate_user, run->console_burst_user, &rate);

                if (r < 0)
                        log_debug("Cannot apply the common console rate of user %s: %s", run->owner,
                                        g_strerror(-r));
        }
        console_set_rate(runner->console, run->console_rate, run->console_burst, rate);
}

static int on_runner_power_off_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Runner *runner = userdata;

        runner_forget_power_off(runner);
        runner_handle(runner, RUNNER_EVENT_HALT_DUE);
        return 0;
}

/* Only a message that is followed by silence is an exit message: a guest that goes on is left alone, and its
 * next message counts anew. */
void runner_await_power_off(Runner *runner)
{
        if (!runner->halted_source)
                (void) sd_event_add_time_relative(runner->event, &runner->halted_source, CLOCK_MONOTONIC,
                                POWER_OFF_USEC, POWER_OFF_USEC / 10, on_runner_power_off_time, runner);
}

void runner_forget_power_off(Runner *runner)
{
        runner->halted_source = sd_event_source_disable_unref(runner->halted_source);
}

void runner_review(Runner *runner)
{
        if (runner->run.exit_parser.halted)
                runner_handle(runner, RUNNER_EVENT_HALTED);
}

static void on_runner_console_bytes(void *userdata, const char *data, size_t size)
{
        Runner *runner = userdata;

        if (!runner->run.spoke) {
                runner->run.spoke = true;
                timestamps_record(&runner->run.timestamps, TIMESTAMP_FIRST_BYTE);
                runner->silence_source = sd_event_source_disable_unref(runner->silence_source);
                runner_save(runner);
        }
        runner_check_space_soon(runner);
        if (runner->server)
                console_server_copy(runner->server, data, size);
}

static void on_runner_console_line(void *userdata, const char *text, size_t size)
{
        Runner *runner = userdata;

        /* Saved before the line is taken out of the pipe, so that the next runner knows it. */
        if (exit_parser_feed_line(&runner->run.exit_parser, text, size)) {
                runner_save(runner);
                runner_handle(runner,
                                runner->run.exit_parser.halted ? RUNNER_EVENT_HALTED : RUNNER_EVENT_GOES_ON);
        }
        runner_take_ready_line(runner, text, size);
        runner_take_health_line(runner);
}

static void on_runner_console_throttled(void *userdata, const char *setting)
{
        Runner *runner = userdata;

        journal_message(runner->journal, LOG_NOTICE, SHRUTHI_MESSAGE_THROTTLED, NULL,
                        "The guest prints faster than %s= allows and has to wait; nothing is lost", setting);
}

static void on_runner_console_ended(void *userdata)
{
        runner_handle(userdata, RUNNER_EVENT_CONSOLE_CLOSED);
}

const ConsoleHooks runner_console_hooks = {
                .bytes = on_runner_console_bytes,
                .line = on_runner_console_line,
                .throttled = on_runner_console_throttled,
                .ended = on_runner_console_ended,
};
