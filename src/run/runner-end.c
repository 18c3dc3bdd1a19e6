/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The end: the guest is stopped or has ended, and the runner reports how to systemd, the journal and
 * shruthid. */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "common/io.h"
#include "common/names.h"
#include "common/string-util.h"
#include "run/runner-private.h"
#include "unikernel/exit-record.h"
#include "unikernel/liveness.h"

#define STOP_TIMEOUT_USEC    (50 * G_USEC_PER_SEC)
#define STOP_SLOW_USEC       (5 * G_USEC_PER_SEC)
#define STOP_RETRY_USEC      (1 * G_USEC_PER_SEC)
#define STOP_ATTEMPTS_MAX    3
#define CONSOLE_TIMEOUT_USEC (15 * G_USEC_PER_SEC) /* once the domain is gone */
#define FLUSH_USEC           (2 * 1000)
#define FLUSH_TICKS_MAX      1500
#define STOPPED_BY_AGE_MAX   60 /* seconds */
#define STOPPED_BY_SIZE_MAX  256

static int on_runner_flush_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Runner *runner = userdata;
        bool flushed = journal_is_flushed(runner->journal);

        if (flushed || ++runner->flush_ticks >= FLUSH_TICKS_MAX)
                return sd_event_exit(runner->event, runner->exit_status);

        (void) sd_event_source_set_time_relative(source, FLUSH_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* end_seen: the guest's end was seen, so that nothing of it is left. */
static void runner_finish(Runner *runner, const ExitRecord *exit_record, int exit_status, bool end_seen)
{
        g_autofree char *status = g_strdup_printf("%" G_GINT64_FORMAT, exit_record->exit_status);
        const char *const fields[] = {
                        SHRUTHI_FIELD_RESULT,
                        result_to_string(exit_record->result),
                        SHRUTHI_FIELD_EXIT_STATUS,
                        status,
                        NULL,
        };
        bool good = result_is_success(exit_record->result);
        int r;

        runner->exit_status = exit_status;

        r = exit_record_write(runner->name, exit_record);
        if (r < 0)
                journal_message(runner->journal, LOG_WARNING, NULL, NULL, "Cannot write the exit record: %s",
                                g_strerror(-r));
        journal_message(runner->journal, good ? LOG_INFO : LOG_ERR,
                        good ? SHRUTHI_MESSAGE_ENDED : SHRUTHI_MESSAGE_FAILED, fields, "%s",
                        exit_record->reason);

        /* The store outlives every end but the unit's own, also a restart: only a runner that crashes leaves
         * it filled. A unit that ends well without ever having been ready would count as failed. */
        runner_notify("%sSTOPPING=1\nSTATUS=%s",
                        runner->run.started && !runner->announced &&
                                                        (good || run_state_is_ready(&runner->run))
                                        ? "READY=1\n"
                                        : "",
                        exit_record->reason);
        runner_unstore(RUNNER_STORED_CONSOLE);
        runner_unstore(RUNNER_STORED_PROCESS);
        /* If the guest's end was not seen, shruthi-domain.service removes what may be left of it. */
        if (runner->liveness_fd >= 0 && end_seen)
                (void) liveness_remove(runner->name);
        runner_unstore(RUNNER_STORED_LIVENESS);

        console_server_free(runner->server);
        runner->server = NULL;
        /* Somebody waits for it: do not combine it with other wake-ups, which may take a quarter of a second
         * (sd_event_add_time(3)). */
        if (sd_event_add_time_relative(runner->event, &runner->flush_source, CLOCK_MONOTONIC, 0, 1,
                            on_runner_flush_time, runner) < 0)
                (void) sd_event_exit(runner->event, exit_status);
}

__attribute__((format(printf, 4, 0)))
static void runner_set_failure(
                Runner *runner, Result result, int exit_status, const char *format, va_list ap)
{
        g_free(runner->failure.message);
        runner->failure = (RunnerFailure){
                        .result = result,
                        .exit_status = exit_status,
                        .message = g_strdelimit(g_strdup_vprintf(format, ap), "\n", ' '),
        };
}

void runner_fail(Runner *runner, Result result, int exit_status, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        runner_set_failure(runner, result, exit_status, format, ap);
        va_end(ap);
        runner_handle(runner, RUNNER_EVENT_FAILED);
}

void runner_refuse(Runner *runner, Result result, int exit_status, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        runner_set_failure(runner, result, exit_status, format, ap);
        va_end(ap);
        runner_handle(runner, RUNNER_EVENT_START_REFUSED);
}

void runner_fail_call(Runner *runner, int r)
{
        runner_fail(runner, RESULT_RUNNER, RUNNER_EXIT_RUNNER, "Cannot run shruthi-domain: %s",
                        g_strerror(-r));
}

static void runner_finish_failed(
                Runner *runner, Result result, int exit_status, const char *message, bool end_seen)
{
        const ExitRecord exit_record = {
                        .invocation_id = (char *) g_getenv("INVOCATION_ID"),
                        .result = result,
                        .exit_status = exit_status,
                        .started_at = runner->run.started_at,
                        .reason = (char *) message,
                        .error = runner->refusal.error,
        };

        runner_finish(runner, &exit_record, exit_status, end_seen);
}

void runner_tell_failure(Runner *runner)
{
        const RunnerFailure *failure = &runner->failure;

        runner_finish_failed(runner, failure->result, failure->exit_status, failure->message,
                        runner_console_is_closed(runner));
}

/* Takes ownership of both. */
static char *message_join(char *message, char *more)
{
        g_autofree char *first = message, *second = more;

        return g_strconcat(first, "; ", second, NULL);
}

static char *runner_end_message(Runner *runner)
{
        const ExitParser *exit_parser = &runner->run.exit_parser;
        char *message = exit_parser_message(exit_parser, runner->stopped_by);

        if (runner->stop_slow) {
                uint64_t took = (uint64_t) g_get_monotonic_time() - runner->stop_begun;

                message = message_join(message, g_strdup_printf("%s took %" G_GUINT64_FORMAT " s to exit",
                                                                runner->run.process ? "it" : "QEMU",
                                                                took / G_USEC_PER_SEC));
        }
        if (runner_check_space(runner) && !result_is_success(exit_parser->result))
                message = message_join(message, g_strdup("the file system of its volumes is full"));
        return message;
}

/* Whether the guest ended by itself, and successfully in its own view. A guest that was stopped before that
 * ended because somebody wanted it to. */
static bool runner_ended_unready(const Runner *runner)
{
        Result result = runner->run.exit_parser.result;

        return runner->run.started && !run_state_is_ready(&runner->run) && result_is_success(result) &&
               result != RESULT_STOPPED && result != RESULT_SAVED;
}

void runner_tell_end(Runner *runner)
{
        bool seen = runner->run.started || runner->run.spoke;
        ExitParser *exit_parser = &runner->run.exit_parser;
        g_autofree char *message = NULL;
        TerminationCause cause;
        ExitRecord exit_record;

        if (runner->adopted && !seen && runner->evidence.stop == STOP_NOT_REQUESTED) {
                runner_finish_failed(runner, RESULT_RUNNER, RUNNER_EXIT_RUNNER,
                                "the runner was killed while it started the guest; start it again", true);
                return;
        }

        if (runner->rejection.message) {
                runner_finish_failed(runner, runner->rejection.result, runner->rejection.exit_status,
                                runner->rejection.message, true);
                return;
        }

        if (runner->evidence.process == GUEST_PROCESS_RUNNING) {
                runner_finish_failed(runner, RESULT_HOST, RUNNER_EXIT_RUNNER,
                                "its console is closed, and its process does not end; does it wait for a "
                                "disk that hangs?",
                                false);
                return;
        }
        cause = evidence_cause(&runner->evidence, exit_parser);
        if (cause != TERMINATION_STOPPED && runner->evidence.process != GUEST_PROCESS_NONE)
                cause = exit_parser_take_process(exit_parser, runner->evidence.process_code,
                                runner->evidence.process_status);
        exit_parser_settle(exit_parser, cause);
        message = runner_end_message(runner);
        if (runner_ended_unready(runner)) {
                g_autofree char *early = g_strconcat("ended before it was ready: ", message, NULL);

                runner_finish_failed(runner, RESULT_NOT_READY, RUNNER_EXIT_NOT_READY, early, true);
                return;
        }
        exit_record = (ExitRecord){
                        .invocation_id = (char *) g_getenv("INVOCATION_ID"),
                        .result = exit_parser->result,
                        .exit_status = exit_parser_exit_status(exit_parser),
                        .started_at = runner->run.started_at,
                        .reason = message,
                        .error = _ERROR_CODE_INVALID,
        };
        runner_finish(runner, &exit_record, exit_parser_unit_exit_status(exit_parser), true);
}

static void on_runner_stopper_line(void *userdata, const char *key, const char *value)
{
        Runner *runner = userdata;
        BodyAnswer answer = runner->body->read(key, value, &runner->run);

        if (answer.kind == BODY_ANSWER_FAILED)
                body_failure_read(&runner->stop_failure, key, value);
        else if (answer.kind == BODY_ANSWER_NOTICE)
                journal_message(runner->journal, LOG_WARNING, NULL, NULL, "%s", answer.text);
}

static int on_runner_stop_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Runner *runner = userdata;

        runner->stop_source = sd_event_source_disable_unref(runner->stop_source);
        runner_handle(runner, RUNNER_EVENT_STOP_DUE);
        return 0;
}

void runner_await_retry(Runner *runner)
{
        (void) sd_event_add_time_relative(runner->event, &runner->stop_source, CLOCK_MONOTONIC,
                        STOP_RETRY_USEC, 0, on_runner_stop_time, runner);
}

static void on_runner_stopper_ended(void *userdata, int status)
{
        Runner *runner = userdata;

        body_call_free(runner->stopper);
        runner->stopper = NULL;

        if (status == 0)
                runner_handle(runner, RUNNER_EVENT_STOP_DONE);
        else if (runner_console_is_closed(runner)) {
                /* The first event may also come later by itself. */
                runner_handle(runner, RUNNER_EVENT_CONSOLE_CLOSED);
                runner_handle(runner, RUNNER_EVENT_STOP_FAILED);
        } else if (runner->stop_attempts < STOP_ATTEMPTS_MAX)
                runner_handle(runner, RUNNER_EVENT_STOP_FAILED);
        else
                runner_fail(runner, runner->run.process ? RESULT_HOST : RESULT_LIBVIRT,
                                runner->run.process ? RUNNER_EXIT_RUNNER : RUNNER_EXIT_LIBVIRT,
                                "the guest could not be stopped: %s",
                                runner->stop_failure.message ?: "no answer from shruthi-domain in time");
}

static int on_runner_slow_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Runner *runner = userdata;

        runner->slow_source = sd_event_source_disable_unref(runner->slow_source);
        runner_handle(runner, RUNNER_EVENT_STOP_SLOW);
        return 0;
}

/* Somebody waits for the stop, and sees nothing happen. */
void runner_tell_slow_stop(Runner *runner)
{
        const char *words = runner->run.process ? "The guest's process does not end: its disks are slow"
                                                : "QEMU does not exit: it hangs, or its disks are slow; "
                                                  "libvirt will kill it";

        runner->stop_slow = true;
        runner_notify("STATUS=%s", words);
        journal_message(runner->journal, LOG_WARNING, SHRUTHI_MESSAGE_STUCK, NULL, "%s", words);
}

void runner_stop_domain(Runner *runner)
{
        static const BodyCallHooks hooks = {
                        .line = on_runner_stopper_line, .ended = on_runner_stopper_ended};
        BodyRequest request = runner->body->request(BODY_STOP, runner->name);
        int r;

        runner_end_health(runner);
        runner->evidence.stop_tried = true;
        if (runner->stop_attempts++ == 0) {
                runner->stop_begun = (uint64_t) g_get_monotonic_time();
                (void) sd_event_add_time_relative(runner->event, &runner->slow_source, CLOCK_MONOTONIC,
                                STOP_SLOW_USEC, 0, on_runner_slow_time, runner);
        }
        r = body_call_new(runner->event, &request, STOP_TIMEOUT_USEC, &hooks, runner, &runner->stopper);
        if (r < 0)
                runner_fail_call(runner, r);
}

static int on_runner_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
        Runner *runner = userdata;

        runner->evidence.timed_out = true;
        runner_handle(runner, RUNNER_EVENT_TIMEOUT);
        return 0;
}

/* There is one timeout for the whole end: what begins meanwhile does not extend it. */
static int runner_set_timeout(Runner *runner, uint64_t usec)
{
        return runner->timeout_source ? 0
                                      : sd_event_add_time_relative(runner->event, &runner->timeout_source,
                                                        CLOCK_MONOTONIC, usec, 0, on_runner_timeout, runner);
}

void runner_await_console(Runner *runner)
{
        /* If no guest was ever seen, nothing will come. */
        bool seen = runner->run.started || runner->run.spoke;

        if (!seen || runner_console_is_closed(runner))
                runner_handle(runner, RUNNER_EVENT_CONSOLE_CLOSED);
        else if (runner_set_timeout(runner, CONSOLE_TIMEOUT_USEC) < 0)
                runner_handle(runner, RUNNER_EVENT_TIMEOUT);
}

void runner_weigh(Runner *runner)
{
        uint64_t usec = evidence_wait_usec(
                        &runner->evidence, &runner->run.exit_parser, runner_is_reported_to(runner));

        if (usec == 0 || runner_set_timeout(runner, usec) < 0)
                runner_handle(runner, RUNNER_EVENT_SETTLED);
}

/* Who asked for the stop, as shruthid names them; a word left from a stop that never came does not count. */
static char *stopped_by_read(const char *dir)
{
        g_autofree char *path = g_build_filename(dir, "stopped-by", NULL), *text = NULL;
        struct stat st;

        if (stat(path, &st) < 0 || time(NULL) - st.st_mtime > STOPPED_BY_AGE_MAX)
                return NULL;
        if (file_read_at(AT_FDCWD, path, STOPPED_BY_SIZE_MAX, &text, NULL) < 0 || !*g_strstrip(text))
                return NULL;

        return text_for_display(text, STOPPED_BY_SIZE_MAX);
}

void runner_on_terminate(Runner *runner)
{
        const ExitParser *exit_parser = &runner->run.exit_parser;
        bool late = exit_parser->result != RESULT_NONE || exit_parser->halted;

        if (runner->evidence.stop != STOP_NOT_REQUESTED || runner->state == RUNNER_FINISHED)
                return;

        runner->evidence.stop = late ? STOP_REQUESTED_LATE : STOP_REQUESTED;
        g_free(runner->stopped_by);
        runner->stopped_by = stopped_by_read(runner->dir);
        runner_notify("STOPPING=1\nSTATUS=Stopping the guest");

        /* The rest of its output may come at once. */
        if (runner->console)
                console_set_rate(runner->console, UINT64_MAX, UINT64_MAX, NULL);
        runner_handle(runner, RUNNER_EVENT_STOP_REQUESTED);
}
