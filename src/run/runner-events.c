/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What shruthi-domain.service reports from libvirt about the domain, and writes into the file of
 * unikernel/liveness.h: that it is paused or resumed, and how it ended. */

#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/io.h"
#include "common/names.h"
#include "run/runner-private.h"
#include "unikernel/liveness.h"

#define PAUSED_BY_SIGNAL "signal"

/* For the reasons that unikernel/liveness.h lists. */
static const struct {
        const char *reason, *words;
} pause_table[] = {
                {"user", "through libvirt or \"shruthictl pause\""},
                {PAUSED_BY_SIGNAL, "by \"shruthictl pause\" or another signal"},
                {"io-error", "by QEMU, because a volume cannot be read or written; is its file system "
                             "full?"},
                {"watchdog", "by its watchdog"},
                {"crashed", "by QEMU, because the guest crashed"},
                {"saving", "by libvirt, while it saves or copies the guest"},
};

static char *pause_describe(const char *name, const char *reason)
{
        const char *words = "by QEMU, for an unknown reason";

        for (size_t i = 0; i < G_N_ELEMENTS(pause_table); i++)
                if (g_str_equal(pause_table[i].reason, reason))
                        words = pause_table[i].words;

        return g_strdup_printf("%s; \"shruthictl resume %s\" lets it continue", words, name);
}

static void runner_set_paused(Runner *runner, const char *reason, uint64_t usec)
{
        RunState *run = &runner->run;
        int64_t ago = g_get_monotonic_time() - (int64_t) usec;
        g_autofree char *words = pause_describe(runner->name, reason);

        /* A prepared domain is paused until its start. */
        if (runner->was_prepared && usec < run->timestamps.at[TIMESTAMP_CREATED])
                return;
        if (g_strcmp0(words, run->paused) == 0)
                return;

        g_free(run->paused);
        run->paused = g_steal_pointer(&words);
        run->changed_at = (uint64_t) (g_get_real_time() - MAX(ago, 0));
        runner_save(runner);
        runner_tell_status(runner, "");
        journal_message(runner->journal, LOG_WARNING, SHRUTHI_MESSAGE_PAUSED, NULL, "The guest is paused %s",
                        run->paused);
}

static void runner_set_resumed(Runner *runner)
{
        RunState *run = &runner->run;

        if (!run->paused)
                return;

        g_clear_pointer(&run->paused, g_free);
        run->changed_at = (uint64_t) g_get_real_time();
        runner_save(runner);
        runner_tell_status(runner, "");
        journal_message(runner->journal, LOG_NOTICE, SHRUTHI_MESSAGE_RESUMED, NULL, "The guest was resumed");
}

static TerminationCause termination_cause_from_report(const char *detail)
{
        return g_str_equal(detail, DOMAIN_END_POWERED_OFF) ? TERMINATION_POWERED_OFF
               : g_str_equal(detail, DOMAIN_END_RESET)     ? TERMINATION_RESET
               : g_str_equal(detail, DOMAIN_END_SAVED)     ? TERMINATION_SAVED
               : g_str_equal(detail, DOMAIN_END_DESTROYED) ? TERMINATION_DESTROYED
                                                           : TERMINATION_CONSOLE;
}

/* Before there is a guest, the pause is remembered. */
static void runner_take_pause(Runner *runner, const char *reason, uint64_t usec)
{
        g_free(runner->paused_reason);
        runner->paused_reason = g_strdup(reason);
        runner->paused_usec = usec;
        runner_handle(runner, RUNNER_EVENT_PAUSE_CHANGED);
}

void runner_take_stop(Runner *runner, bool stopped)
{
        runner_take_pause(runner, stopped ? PAUSED_BY_SIGNAL : NULL, (uint64_t) g_get_monotonic_time());
}

static void runner_take_report(Runner *runner, char *text)
{
        Evidence *evidence = &runner->evidence;
        const char *detail;
        uint64_t usec;

        switch (domain_event_parse(text, &detail, &usec)) {
        case DOMAIN_EVENT_ENDED:
                evidence->reports = EVENT_REPORTS_ENDED;
                evidence->reports_cause = termination_cause_from_report(detail);
                break;
        case DOMAIN_EVENT_PAUSED:
        case DOMAIN_EVENT_RUNNING:
                evidence->reports = EVENT_REPORTS_HEARD;
                runner_take_pause(runner, *detail ? detail : NULL, usec);
                break;
        default:
                /* A report of a newer service. */
                if (evidence->reports == EVENT_REPORTS_NONE)
                        evidence->reports = EVENT_REPORTS_HEARD;
                break;
        }
}

void runner_show_pause(Runner *runner)
{
        if (!runner->run.started)
                return;
        if (runner->paused_reason)
                runner_set_paused(runner, runner->paused_reason, runner->paused_usec);
        else
                runner_set_resumed(runner);
}

/* Reads all that has come; the rest of a line comes with the next read, since lines are written whole. */
static void runner_read_reports(Runner *runner, bool heed)
{
        char buffer[4096];
        ssize_t n;

        while ((n = read(runner->liveness_fd, buffer, sizeof buffer - 1)) > 0) {
                char *line = buffer, *newline;

                buffer[n] = 0;
                for (; heed && (newline = strchr(line, '\n')); line = newline + 1) {
                        *newline = 0;
                        runner_take_report(runner, line);
                }
        }
}

static int on_runner_reports(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Runner *runner = userdata;

        runner_read_reports(runner, true);
        runner_handle(runner, RUNNER_EVENT_TOLD);
        return 0;
}

void runner_listen(Runner *runner)
{
        if (runner->liveness_fd < 0)
                return;

        /* What was written for an earlier run. */
        if (!runner->adopted)
                runner_read_reports(runner, false);
        /* Edge-triggered: writers may go and come back, and while there is none, each look would wake us. */
        if (sd_event_add_io(runner->event, &runner->events_source, runner->liveness_fd, EPOLLIN | EPOLLET,
                            on_runner_reports, runner) < 0)
                journal_message(runner->journal, LOG_WARNING, NULL, NULL,
                                "Cannot watch for pauses of the guest");
}

bool runner_is_reported_to(const Runner *runner)
{
        struct pollfd pollfd = {.fd = runner->liveness_fd};

        return runner->events_source && poll(&pollfd, 1, 0) >= 0 && !(pollfd.revents & POLLHUP);
}
