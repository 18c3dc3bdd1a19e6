/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The end: the guest is stopped or has ended, and how it did is told to systemd, the journal and
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
#include "run/runner.h"
#include "unikernel/exit-record.h"
#include "unikernel/liveness.h"

#define HALTED_USEC        (300 * 1000) /* a good power-off may still follow */
#define STOP_TIMEOUT_USEC  (50 * G_USEC_PER_SEC)
#define STOP_STUCK_USEC    (5 * G_USEC_PER_SEC)
#define STOP_RETRY_USEC    (1 * G_USEC_PER_SEC)
#define STOP_ATTEMPTS_MAX  3
#define LATE_START_USEC    (30 * G_USEC_PER_SEC) /* a start under way when we are asked to stop */
#define PATIENCE_USEC      (15 * G_USEC_PER_SEC)
#define UNHEARD_USEC       (3 * G_USEC_PER_SEC) /* for who has not said anything so far */
#define WORD_USEC          (1 * G_USEC_PER_SEC) /* for what can only take back what is known already */
#define FLUSH_USEC         (2 * 1000)
#define FLUSH_TICKS_MAX    1500
#define STOPPED_BY_AGE_MAX 60 /* seconds */
#define STOPPED_BY_SIZE_MAX 256

static void runner_stop_domain(Runner *runner);

static int on_flush_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Runner *runner = userdata;
        bool flushed = journal_is_flushed(runner->journal);

        if (flushed || ++runner->flush_ticks >= FLUSH_TICKS_MAX)
                return sd_event_exit(runner->event, runner->exit_status);

        (void) sd_event_source_set_time_relative(source, FLUSH_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void runner_finish(Runner *runner, const ExitRecord *exit_record, int exit_status)
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

        runner->finished = true;
        runner->exit_status = exit_status;

        r = exit_record_write(runner->name, exit_record);
        if (r < 0)
                journal_message(runner->journal, LOG_WARNING, NULL, NULL,
                                "How it ended cannot be kept for shruthid: %s",
                                g_strerror(-r));
        journal_message(runner->journal, good ? LOG_INFO : LOG_ERR,
                        good ? SHRUTHI_MESSAGE_ENDED : SHRUTHI_MESSAGE_FAILED, fields, "%s",
                        exit_record->reason);

        /* The store outlives every end but the unit's own, also a restart: only one who crashes leaves it
         * filled. A unit that ends well without ever having been ready would count as failed. */
        runner_notify(runner, "%sSTOPPING=1\nSTATUS=%s",
                        runner->state.started && !runner->ready ? "READY=1\n" : "", exit_record->reason);
        runner_unstore(RUNNER_STORED_CONSOLE);
        /* Where the guest's end was not seen, what of it may be left is for shruthi-domain.service. */
        if (runner->liveness_fd >= 0 &&
                        (runner->gone || (runner->console && console_has_ended(runner->console))))
                (void) liveness_remove(runner->name);
        runner_unstore(RUNNER_STORED_LIVENESS);

        console_server_free(runner->server);
        runner->server = NULL;
        /* Somebody waits for it: not put together with other wake-ups, which may take a quarter of a second
         * (sd_event_add_time(3)). */
        if (sd_event_add_time_relative(runner->event, &runner->flush_source, CLOCK_MONOTONIC, 0, 1,
                            on_flush_time, runner) < 0)
                (void) sd_event_exit(runner->event, exit_status);
}

void runner_fail(Runner *runner, Result result, int exit_status, const char *format, ...)
{
        g_autofree char *sentence = NULL;
        ExitRecord exit_record = {
                        .invocation_id = (char *) g_getenv("INVOCATION_ID"),
                        .result = result,
                        .exit_status = exit_status,
                        .started_at = runner->state.started_at,
                        .error = runner->refusal_error,
        };
        va_list ap;

        if (runner->finished)
                return;

        va_start(ap, format);
        sentence = g_strdup_vprintf(format, ap);
        va_end(ap);
        g_strdelimit(sentence, "\n", ' ');
        exit_record.reason = sentence;
        runner_finish(runner, &exit_record, exit_status);
}

/* A stop that came when the guest had ended its run by itself. What it had said is no proof of that: it may
 * have printed somebody else's last words long ago. */
static bool runner_stopped_too_late(const Runner *runner)
{
        const ExitParser *exit_parser = &runner->state.exit_parser;

        if (exit_parser->halted || !runner->told)
                return runner->too_late;

        return runner->told_ending == TERMINATION_POWERED_OFF && exit_parser->result != RESULT_NONE;
}

static TerminationCause runner_ending(const Runner *runner)
{
        if (runner->told && runner->told_ending == TERMINATION_RESET)
                return TERMINATION_RESET;
        if (runner->stopping && !runner_stopped_too_late(runner))
                return TERMINATION_STOPPED;
        if (runner->stop_attempts > 0 && runner->state.exit_parser.halted)
                return TERMINATION_HALTED;
        /* We were late, or somebody else was quicker to end what had halted. */
        if (runner->stopping)
                return TERMINATION_CONSOLE;
        if (runner->told)
                return runner->told_ending;
        if (runner->answered)
                return runner->witnessed;

        return TERMINATION_CONSOLE;
}

/* Takes both. */
static char *sentence_and(char *sentence, char *more)
{
        g_autofree char *first = sentence, *second = more;

        return g_strconcat(first, "; ", second, NULL);
}

static void runner_settle(Runner *runner)
{
        ExitParser *exit_parser = &runner->state.exit_parser;
        g_autofree char *sentence = NULL;
        ExitRecord exit_record;

        if (runner->adopting && !runner->state.started && !runner->state.spoke && !runner->stopping) {
                runner_fail(runner, RESULT_RUNNER, RUNNER_EXIT_RUNNER,
                                "the runner was killed while it started the guest; start it again");
                return;
        }

        exit_parser_settle(exit_parser, runner_ending(runner));
        sentence = exit_parser_message(exit_parser, runner->stopped_by);
        if (runner->stuck) {
                uint64_t took = (uint64_t) g_get_monotonic_time() - runner->stop_begun;

                sentence = sentence_and(sentence, g_strdup_printf("QEMU took %" G_GUINT64_FORMAT " s to end",
                                                                  took / G_USEC_PER_SEC));
        }
        if (runner_look_at_room(runner) && !result_is_success(exit_parser->result))
                sentence = sentence_and(sentence, g_strdup("the file system of its volumes is full"));
        exit_record = (ExitRecord){
                        .invocation_id = (char *) g_getenv("INVOCATION_ID"),
                        .result = exit_parser->result,
                        .exit_status = exit_parser_exit_status(exit_parser),
                        .started_at = runner->state.started_at,
                        .reason = sentence,
                        .error = _ERROR_CODE_INVALID,
        };
        runner_finish(runner, &exit_record, exit_parser_unit_exit_status(exit_parser));
}

static void on_stopper_line(void *userdata, const char *key, const char *value)
{
        Runner *runner = userdata;

        if (g_str_equal(key, "error")) {
                g_free(runner->stop_error);
                runner->stop_error = g_strdup(value);
        } else if (g_str_equal(key, "notice"))
                journal_message(runner->journal, LOG_WARNING, NULL, NULL, "%s", value);
}

static int on_stop_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Runner *runner = userdata;

        runner->stop_source = sd_event_source_disable_unref(runner->stop_source);
        runner_stop_domain(runner);
        return 0;
}

static void on_stopper_ended(void *userdata, int status)
{
        Runner *runner = userdata;

        helper_free(runner->stopper);
        runner->stopper = NULL;

        if (status == 0)
                runner->gone = true;
        else if (!console_has_ended(runner->console)) {
                if (runner->stop_attempts < STOP_ATTEMPTS_MAX)
                        (void) sd_event_add_time_relative(runner->event, &runner->stop_source,
                                        CLOCK_MONOTONIC, STOP_RETRY_USEC, 0, on_stop_time, runner);
                else
                        runner_fail(runner, RESULT_LIBVIRT, RUNNER_EXIT_LIBVIRT,
                                        "the guest could not be stopped: %s",
                                        runner->stop_error ?: "no answer from libvirt in time");
        }

        runner_check(runner);
}

/* Somebody waits for it, and sees nothing happen. */
static int on_stuck_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        static const char words[] = "QEMU does not end though it was asked to: it hangs, or its disks are "
                                    "slow; libvirt will kill it";
        Runner *runner = userdata;

        runner->stuck_source = sd_event_source_disable_unref(runner->stuck_source);
        if (runner->finished || runner->gone)
                return 0;

        runner->stuck = true;
        runner_notify(runner, "STATUS=%s", words);
        journal_message(runner->journal, LOG_WARNING, SHRUTHI_MESSAGE_STUCK, NULL, "%s", words);
        return 0;
}

/* Ends the domain through libvirt. */
static void runner_stop_domain(Runner *runner)
{
        static const HelperHooks hooks = {.line = on_stopper_line, .ended = on_stopper_ended};
        const char *const arguments[] = {"stop", runner->name, NULL};
        int r;

        if (runner->stopper || runner->stop_source || runner->gone || runner->finished)
                return;

        if (runner->stop_attempts++ == 0) {
                runner->stop_begun = (uint64_t) g_get_monotonic_time();
                (void) sd_event_add_time_relative(runner->event, &runner->stuck_source, CLOCK_MONOTONIC,
                                STOP_STUCK_USEC, 0, on_stuck_time, runner);
        }
        r = helper_new(runner->event, arguments, STOP_TIMEOUT_USEC, &hooks, runner, &runner->stopper);
        if (r < 0)
                runner_fail(runner, RESULT_RUNNER, RUNNER_EXIT_RUNNER, "shruthi-domain cannot be run: %s",
                                g_strerror(-r));
}

static int on_halted_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Runner *runner = userdata;

        runner->halted_source = sd_event_source_disable_unref(runner->halted_source);
        runner_stop_domain(runner);
        return 0;
}

/* Only what is followed by silence were last words: a guest that goes on is left alone, and its next ones
 * count anew. */
static void runner_follow_halted(Runner *runner)
{
        if (!runner->state.exit_parser.halted)
                runner->halted_source = sd_event_source_disable_unref(runner->halted_source);
        else if (!runner->halted_source && runner->stop_attempts == 0)
                (void) sd_event_add_time_relative(runner->event, &runner->halted_source, CLOCK_MONOTONIC,
                                HALTED_USEC, HALTED_USEC / 10, on_halted_time, runner);
}

static int on_patience_over(sd_event_source *source, uint64_t usec, void *userdata)
{
        Runner *runner = userdata;

        runner->patience_over = true;
        runner_check(runner);
        return 0;
}

/* Returns true when there is nothing left to wait for. */
static bool runner_wait(Runner *runner, uint64_t usec)
{
        if (!runner->patience_over && !runner->patience_source &&
                        sd_event_add_time_relative(runner->event, &runner->patience_source, CLOCK_MONOTONIC,
                                        usec, 0, on_patience_over, runner) < 0)
                runner->patience_over = true;

        return runner->patience_over;
}

/* Whether how it ended is still to be waited for: by who listens to libvirt, or by a witness. */
static bool runner_wants_to_be_told(Runner *runner)
{
        const ExitParser *exit_parser = &runner->state.exit_parser;
        bool spoke = exit_parser->result != RESULT_NONE, witness = runner->asked && !runner->answered;

        if (runner->told || exit_parser->halted || (runner->stopping && !spoke))
                return false;
        if (spoke || runner->answered)
                return runner_may_be_told(runner) && !runner_wait(runner, WORD_USEC);
        if (!witness && !runner_may_be_told(runner))
                return false;

        return !runner_wait(runner, witness || runner->heard ? PATIENCE_USEC : UNHEARD_USEC);
}

/* While the console is open the guest is there; what is to be done about it. Returns true when it is not,
 * after all. */
static bool runner_check_open(Runner *runner)
{
        bool was_there = runner->state.started || runner->state.spoke;

        if (runner->gone)
                return !was_there || runner_wait(runner, PATIENCE_USEC);

        if (runner->stopping)
                runner_stop_domain(runner);
        else
                runner_follow_halted(runner);
        return false;
}

void runner_check(Runner *runner)
{
        bool ended;

        if (runner->state_changed)
                runner_save(runner);
        if (runner->finished)
                return;

        ended = runner->console && console_has_ended(runner->console);
        if (runner->beginning && !(runner->adopting && ended))
                return;
        if (!ended && !runner_check_open(runner))
                return;
        /* It waits until libvirt has put everything away. */
        if (runner->stopper)
                return;
        if (runner_wants_to_be_told(runner))
                return;

        runner_settle(runner);
}

/* Whom shruthid names as the one who asked; a word left from a stop that never came counts for nothing. */
static char *read_stopped_by(const char *dir)
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
        if (runner->stopping || runner->finished)
                return;

        runner->stopping = true;
        runner->too_late =
                        runner->state.exit_parser.result != RESULT_NONE || runner->state.exit_parser.halted;
        g_free(runner->stopped_by);
        runner->stopped_by = read_stopped_by(runner->dir);
        runner_notify(runner, "STOPPING=1\nSTATUS=Stopping the guest");

        /* What it still has to say may come at once. A start under way is not cut off: the domain would come
         * to be behind our back. */
        if (runner->console)
                console_set_rate(runner->console, UINT64_MAX, UINT64_MAX, NULL);
        if (runner_stop_waiting(runner))
                runner->beginning = false;
        if (runner->beginning && runner->adopting) {
                helper_free(runner->helper);
                runner->helper = NULL;
                runner->beginning = false;
        } else if (runner->beginning && runner->helper)
                helper_set_timeout(runner->helper, LATE_START_USEC);

        runner_check(runner);
}
