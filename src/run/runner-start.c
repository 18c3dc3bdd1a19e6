/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The beginning: a guest is started, or the one that an earlier runner left is adopted. The helper that does
 * this may stay as the guest's monitor.
 *
 * A network may be missing when the guest is to start. At boot, and when systemd restarts the unit by
 * itself, the runner waits for it and checks each second. Somebody who asks for the start gets the error at
 * once. */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <malloc.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/unikernel-name.h"
#include "run/requirements.h"
#include "run/runner-private.h"
#include "run/unit-query.h"
#include "unikernel/guest-slice.h"
#include "unikernel/run-dir.h"
#include "unikernel/unit-dropins.h"
#include "unikernel/unit-files.h"

#define START_TIMEOUT_USEC (540 * G_USEC_PER_SEC) /* below TimeoutStartSec= of the unit */
#define WATCH_TIMEOUT_USEC (60 * G_USEC_PER_SEC)
#define MONITOR_RETRY_USEC (2 * G_USEC_PER_SEC)
#define MONITOR_RETRY_MAX  6
#define LATE_START_USEC    (30 * G_USEC_PER_SEC) /* a start in progress when we are asked to stop */

/* Less than START_TIMEOUT_USEC leaves of TimeoutStartSec=, and so long that a restart is never one too many
 * for StartLimitBurst=. */
#define NETWORK_TIMEOUT_USEC (60 * G_USEC_PER_SEC)
#define NETWORK_RETRY_USEC   (1 * G_USEC_PER_SEC)

#define AWAIT_EXTENSION_USEC (60 * G_USEC_PER_SEC) /* of the time that systemd gives a start */

#define QUERY_TIMEOUT_USEC (20 * G_USEC_PER_SEC) /* for an answer of systemd */

static void runner_find_monitor(Runner *runner);

static void runner_set_monitored(Runner *runner, TerminationCause cause)
{
        runner->evidence.monitor = MONITOR_ANSWERED;
        runner->evidence.monitor_cause = cause;
        runner_handle(runner, RUNNER_EVENT_TOLD);
}

static void runner_set_journal_object(Runner *runner)
{
        const LogObject object = {
                        .unikernel = runner->name, .owner = runner->run.owner, .image = runner->run.image};

        journal_set_object(runner->journal, &object);
}

static void runner_take_fact(Runner *runner, BodyAnswerKind kind)
{
        runner->run_changed = true;
        if (runner->evidence.monitor != MONITOR_ANSWERED)
                runner->evidence.monitor = runner->run.witness ? MONITOR_WATCHING : MONITOR_NONE;
        if (kind == BODY_ANSWER_IDENTITY)
                runner_set_journal_object(runner);
}

/* There is a guest, or was one that ended quickly. */
static void runner_handle_up(Runner *runner)
{
        runner_handle(runner, runner_console_is_closed(runner) ? RUNNER_EVENT_GUEST_UP_CLOSED
                                                               : RUNNER_EVENT_GUEST_UP);
}

static void runner_take_up(Runner *runner, const char *acceleration)
{
        if (runner->adopted)
                runner_find_process(runner);
        if (acceleration) {
                runner->acceleration = g_strdup(acceleration);
                /* The timeout was for the start; as monitor it stays as long as the guest. */
                if (runner->evidence.monitor != MONITOR_NONE && runner->starter)
                        body_call_set_timeout(runner->starter, UINT64_MAX);
        }
        runner_handle_up(runner);
}

void runner_take_process(Runner *runner)
{
        runner_take_up(runner, BODY_AS_PROCESS);
}

static void on_runner_starter_handed(void *userdata, const int *fds, unsigned n_fds)
{
        runner_take_handed(userdata, fds, n_fds);
}

static void on_runner_starter_line(void *userdata, const char *key, const char *value)
{
        Runner *runner = userdata;
        BodyAnswer answer = runner->body->read(key, value, &runner->run);

        if (answer.kind == BODY_ANSWER_FACT || answer.kind == BODY_ANSWER_IDENTITY) {
                runner_take_fact(runner, answer.kind);
                return;
        }

        if (runner->run_changed)
                runner_save(runner);
        switch (answer.kind) {
        case BODY_ANSWER_HANDED:
                runner->execute = true;
                break;
        case BODY_ANSWER_UP:
                runner_take_up(runner, answer.text);
                break;
        case BODY_ANSWER_GONE:
                runner_handle(runner, RUNNER_EVENT_DOMAIN_GONE);
                break;
        case BODY_ANSWER_ENDED:
                runner_set_monitored(runner, answer.cause);
                break;
        case BODY_ANSWER_NOTICE:
                journal_message(runner->journal, LOG_NOTICE, NULL, NULL, "%s", answer.text);
                break;
        case BODY_ANSWER_FAILED:
                body_failure_read(&runner->refusal, key, value);
                break;
        default:
                break;
        }
}

/* Whether it is worth waiting for a network, which is determined once. */
static bool runner_begin_waiting(Runner *runner)
{
        g_autofree char *unit = unit_name_for(runner->name);
        bool unbidden = false;

        if (unit_query_unbidden(unit, QUERY_TIMEOUT_USEC, &unbidden) < 0 || !unbidden)
                return false;

        runner->network_deadline = (uint64_t) g_get_monotonic_time() + NETWORK_TIMEOUT_USEC;
        journal_message(runner->journal, LOG_NOTICE, NULL, NULL, "%s; waiting for it for up to %d s",
                        runner->refusal.message ?: "A network is missing",
                        (int) (NETWORK_TIMEOUT_USEC / G_USEC_PER_SEC));
        runner_notify("STATUS=Waiting for a network");
        return true;
}

/* Whether the start was refused because of a missing network that may still come. */
static bool runner_may_wait_for_network(Runner *runner)
{
        if (runner->refusal.error != ERROR_NO_SUCH_NETWORK)
                return false;
        if (runner->network_deadline == 0 && !runner_begin_waiting(runner))
                return false;

        return (uint64_t) g_get_monotonic_time() < runner->network_deadline;
}

static int on_runner_network_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Runner *runner = userdata;

        runner_forget_network(runner);
        runner_handle(runner, RUNNER_EVENT_NETWORK_DUE);
        return 0;
}

void runner_await_network(Runner *runner)
{
        int r = sd_event_add_time_relative(runner->event, &runner->network_source, CLOCK_MONOTONIC,
                        NETWORK_RETRY_USEC, 0, on_runner_network_time, runner);

        if (r < 0)
                runner_fail(runner, RESULT_RUNNER, RUNNER_EXIT_RUNNER, "Cannot wait for a network: %s",
                                g_strerror(-r));
}

void runner_forget_network(Runner *runner)
{
        runner->network_source = sd_event_source_disable_unref(runner->network_source);
}

/* The helper ended without saying anything about a guest. */
static void runner_handle_no_answer(Runner *runner, int status)
{
        const BodyFailure *refusal = &runner->refusal;

        if (runner->adopted && run_dir_is_prepared(runner->name))
                runner_refuse(runner, RESULT_LIBVIRT, RUNNER_EXIT_LIBVIRT,
                                "the runner was killed while it started the guest, and libvirt does not "
                                "answer (%s)",
                                refusal->message ?: "no answer");
        else if (runner->adopted) {
                /* The console tells better whether there is a guest than a libvirt that is away. */
                journal_message(runner->journal, LOG_NOTICE, NULL, NULL,
                                "libvirt does not answer about the running guest (%s); its console is open, "
                                "so it is running",
                                refusal->message ?: "no answer");
                runner_handle_up(runner);
        } else if (runner->run.exit_parser.result != RESULT_NONE)
                /* The guest has ended before libvirt had finished starting it. */
                runner_handle_up(runner);
        else if (runner->state == RUNNER_STARTING && runner_may_wait_for_network(runner))
                runner_handle(runner, RUNNER_EVENT_NETWORK_MISSING);
        else
                runner_refuse(runner, refusal->result, status > 0 ? status : RUNNER_EXIT_RUNNER, "%s",
                                refusal->message
                                                ?: "the guest could not be started: no answer from "
                                                   "shruthi-domain in time");
}

static void on_runner_starter_ended(void *userdata, int status)
{
        Runner *runner = userdata;

        body_call_free(runner->starter);
        runner->starter = NULL;

        if (status == 0 && runner->execute)
                runner_execute(runner);
        else if (runner_state_is_beginning(runner->state))
                runner_handle_no_answer(runner, status);
        else if (runner->evidence.monitor == MONITOR_WATCHING)
                runner_find_monitor(runner);
}

static const BodyCallHooks starter_hooks = {
                .line = on_runner_starter_line,
                .handed = on_runner_starter_handed,
                .ended = on_runner_starter_ended,
};

static void runner_watch(Runner *runner)
{
        BodyRequest request =
                        runner->body->request(runner->run.witness ? BODY_WATCH : BODY_ADOPT, runner->name);
        int r;

        r = body_call_new(runner->event, &request, runner->run.witness ? UINT64_MAX : WATCH_TIMEOUT_USEC,
                        &starter_hooks, runner, &runner->starter);
        if (r < 0 && runner_state_is_beginning(runner->state))
                runner_handle_no_answer(runner, -1);
}

static int on_runner_monitor_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Runner *runner = userdata;

        runner->monitor_source = sd_event_source_disable_unref(runner->monitor_source);
        if (!runner->starter && runner->state != RUNNER_FINISHED)
                runner_watch(runner);
        return 0;
}

/* Starts a new monitor after a while, for one that was lost. */
static void runner_find_monitor(Runner *runner)
{
        /* Waits longer each time, and gives up in the end: then only the guest's exit message tells. */
        if (console_has_ended(runner->console) || runner->monitor_attempts >= MONITOR_RETRY_MAX) {
                runner_set_monitored(runner, TERMINATION_CONSOLE);
        } else if (!runner->monitor_source)
                (void) sd_event_add_time_relative(runner->event, &runner->monitor_source, CLOCK_MONOTONIC,
                                MONITOR_RETRY_USEC << runner->monitor_attempts++, 0, on_runner_monitor_time,
                                runner);
}

static int runner_open_console(Runner *runner)
{
        g_autofree char *input = runner->body->console(runner->name, BODY_CONSOLE_INPUT);
        g_autofree char *socket_path = runner->body->console(runner->name, BODY_CONSOLE_SOCKET);
        int r;

        r = console_new(runner->event, runner->console_fd, runner->journal, &runner_console_hooks, runner,
                        &runner->console);
        if (r < 0)
                return r;

        r = console_server_new(runner->event, socket_path, input, &runner->server);
        if (r < 0)
                journal_message(runner->journal, LOG_WARNING, NULL, NULL,
                                "Cannot create the console socket '%s', continuing without it: %s",
                                socket_path, g_strerror(-r));
        return 0;
}

/* What is left of the start timeout. */
static uint64_t runner_start_timeout(const Runner *runner)
{
        uint64_t gone = (uint64_t) g_get_monotonic_time() - runner->begun;

        return START_TIMEOUT_USEC - MIN(gone, (uint64_t) RUNNER_LIVENESS_TIMEOUT_USEC);
}

static int runner_ask_start(Runner *runner)
{
        BodyRequest request = runner->body->request(BODY_START, runner->name);

        return body_call_new(runner->event, &request, runner_start_timeout(runner), &starter_hooks, runner,
                        &runner->starter);
}

void runner_start_again(Runner *runner)
{
        int r;

        body_failure_clear(&runner->refusal);
        r = runner_ask_start(runner);
        if (r < 0)
                runner_fail_call(runner, r);
}

void runner_shorten_start(Runner *runner)
{
        if (runner->starter)
                body_call_set_timeout(runner->starter, LATE_START_USEC);
        else
                runner_kill_process(runner);
}

void runner_start(Runner *runner)
{
        g_autofree char *output = runner->body->console(runner->name, BODY_CONSOLE_OUTPUT);
        int r;

        runner->run.invocation_id = g_strdup(g_getenv("INVOCATION_ID"));
        runner->run.timestamps.at[TIMESTAMP_RUNNER_BEGAN] = runner->begun;
        if (runner_end_left_process(runner) < 0)
                return;
        /* A prepared domain has its console already. */
        runner->was_prepared = run_dir_is_prepared(runner->name);
        r = runner->was_prepared ? 0 : run_dir_make(runner->name);
        if (r < 0) {
                runner_fail(runner, RESULT_RUNNER, RUNNER_EXIT_RUNNER,
                                "cannot create the FIFOs of the console in '%s': %s", runner->dir,
                                g_strerror(-r));
                return;
        }

        runner->console_fd = open(output, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (runner->console_fd < 0) {
                runner_fail(runner, RESULT_RUNNER, RUNNER_EXIT_RUNNER, "cannot open '%s': %s", output,
                                g_strerror(errno));
                return;
        }

        /* Stored before there is a guest, so that no guest's console is ever lost with us. */
        runner_store(RUNNER_STORED_CONSOLE, runner->console_fd);
        runner_notify("STATUS=Starting the guest");

        r = runner_open_console(runner);
        if (r >= 0) {
                timestamps_record(&runner->run.timestamps, TIMESTAMP_HELPER_ASKED);
                r = runner_ask_start(runner);
        }
        if (r < 0)
                runner_fail_call(runner, r);
}

void runner_drop_adoption(Runner *runner)
{
        body_call_free(runner->starter);
        runner->starter = NULL;
}

void runner_adopt(Runner *runner)
{
        int r;

        runner_notify("STATUS=Adopting the running guest");

        r = run_state_read(runner->dir, &runner->run);
        if (r < 0)
                journal_message(runner->journal, LOG_WARNING, NULL, NULL,
                                "Cannot read the state that the previous runner left: %s", g_strerror(-r));
        /* It is not known which start it was, but it was not this one. */
        if (!runner->run.invocation_id)
                runner->run.invocation_id = g_strdup("");
        runner_set_journal_object(runner);
        runner->evidence.monitor = runner->run.witness ? MONITOR_WATCHING : MONITOR_NONE;

        r = runner_open_console(runner);
        if (r < 0) {
                runner_fail(runner, RESULT_RUNNER, RUNNER_EXIT_RUNNER, "cannot read the stored console: %s",
                                g_strerror(-r));
                return;
        }
        runner_hold_rates(runner);
        /* Else it is looked for when it is known to be there: it may take its mark meanwhile. */
        if (runner->process_fd >= 0)
                runner_find_process(runner);
        runner_watch(runner);
}

/* Whether somebody restarted the unit by hand, and the stored descriptors are of a runner that hung and was
 * killed for it. systemd sets the count to 0 when somebody starts or restarts the unit, and counts before
 * each restart of its own (service.c of systemd 252). */
static bool runner_is_wanted_anew(Runner *runner)
{
        g_autofree char *unit = unit_name_for(runner->name);
        uint32_t restarts = 0;
        int r;

        r = unit_query_restarts(unit, QUERY_TIMEOUT_USEC, &restarts);
        if (r < 0)
                journal_message(runner->journal, LOG_NOTICE, NULL, NULL,
                                "Cannot ask systemd why it restarted the unit (%s); adopting the guest",
                                g_strerror(-r));
        return r >= 0 && restarts == 0;
}

static void runner_tell_waiting(const char *name)
{
        runner_notify("STATUS=Waiting for unikernel '%s', which it "
                      "requires\nEXTEND_TIMEOUT_USEC=%" G_GUINT64_FORMAT,
                        name, (uint64_t) AWAIT_EXTENSION_USEC);
}

/* Whether the unikernels that this one requires are up. */
static bool runner_await_requirements(Runner *runner)
{
        static const RequirementsHooks hooks = {
                        .is_stopped = runner_is_told_to_stop, .waits = runner_tell_waiting};
        g_autofree char *reason = NULL;
        int r;

        r = requirements_await(g_getenv(UNIT_FILES_AWAITED), &hooks, &reason);
        if (r >= 0 || r == -EINTR)
                return true;

        runner_fail(runner, RESULT_DEPENDENCY, RUNNER_EXIT_HOST, "%s", reason ?: g_strerror(-r));
        return false;
}

void runner_begin(Runner *runner, const RunnerStored *stored)
{
        int console = stored->console, process = stored->process, r;

        if (console >= 0 && runner_is_wanted_anew(runner)) {
                /* This is a new start, which ends the old guest first. */
                runner_unstore(RUNNER_STORED_CONSOLE);
                console = close_safe(console);
        }
        if (console < 0 && process >= 0) {
                runner_unstore(RUNNER_STORED_PROCESS);
                process = close_safe(process);
        }
        if (console < 0 && !runner_await_requirements(runner))
                return;

        r = runner_acquire_liveness(runner, stored->liveness);
        if (console < 0 && runner_is_told_to_stop()) {
                /* The stop came while it waited. There is no guest yet. */
                runner->evidence.stop = STOP_REQUESTED;
                runner_handle(runner, RUNNER_EVENT_STOP_REQUESTED);
                return;
        }
        if (r < 0 && console < 0) {
                runner_fail(runner, r == -EBUSY ? RESULT_LIBVIRT : RESULT_RUNNER,
                                r == -EBUSY ? RUNNER_EXIT_LIBVIRT : RUNNER_EXIT_RUNNER,
                                "cannot acquire '%s/%s'%s: %s", paths_liveness(), runner->name,
                                r == -EBUSY ? ", its guest is still being ended" : "", g_strerror(-r));
                return;
        }
        if (r < 0)
                journal_message(runner->journal, LOG_WARNING, NULL, NULL,
                                "Cannot acquire '%s/%s': %s; adopting the guest without it",
                                paths_liveness(), runner->name, g_strerror(-r));

        runner->console_fd = console;
        runner->process_fd = process;
        runner->adopted = console >= 0;
        runner_listen(runner);
        runner_handle(runner, runner->adopted ? RUNNER_EVENT_ADOPT : RUNNER_EVENT_START);
}

/* QEMU has opened the FIFOs. Another guest's QEMU, which runs as the same user, must not: it could hold the
 * console open after the guest's end, or write to it in the guest's name. */
void runner_close_fifos(const Runner *runner)
{
        g_autofree char *path = NULL;
        int r = run_dir_close(runner->name, &path);

        if (r < 0)
                journal_message(runner->journal, LOG_WARNING, NULL, NULL,
                                "Cannot close '%s' to QEMU's user: %s", path, g_strerror(-r));
}

/* systemd accepts these settings, but they have no effect on the guest. */
static void runner_warn_of_limits(Runner *runner)
{
        const char *slice = runner->run.slice;
        g_auto(GStrv) settings = unit_dropins_without_effect(runner->name, slice, runner->run.process);
        g_autofree char *joined = NULL, *command = NULL;

        if (!*settings)
                return;

        joined = g_strjoinv(", ", settings);
        if (runner->run.process) {
                journal_message(runner->journal, LOG_WARNING, NULL, NULL,
                                "This host cannot apply these limits of the guest ('shruthictl doctor' "
                                "shows why): %s",
                                joined);
                return;
        }
        command = slice && *slice ? guest_slice_command(slice) : NULL;
        journal_message(runner->journal, LOG_WARNING, NULL, NULL,
                        "These settings do not apply to the guest, because QEMU is not in the control group "
                        "of that unit: %s. Use CPUQuota=, MemoryMax= and the like of the definition%s%s",
                        joined, command ? ", or limits of its slice: " : "", command ?: "");
}

void runner_meet(Runner *runner)
{
        runner->run.started = true;
        runner->run_changed = true;
        if (!runner->adopted)
                runner->run.started_at = (uint64_t) g_get_real_time();
        runner_close_fifos(runner);
        if (!runner->adopted)
                runner_hold_rates(runner);
}

void runner_tell_runs(Runner *runner)
{
        if (runner->told_runs)
                return;

        runner->told_runs = true;
        if (runner->adopted)
                journal_message(runner->journal, LOG_NOTICE, SHRUTHI_MESSAGE_ADOPTED, NULL,
                                "Adopted the running guest of the previous runner");
        else
                journal_message(runner->journal, LOG_INFO, SHRUTHI_MESSAGE_STARTED, NULL,
                                "The guest is running%s", runner_describe_body(runner));

        /* The state of an adopted guest may say that it is paused, and reports may come later. */
        if (runner->paused_reason || !runner->adopted)
                runner_show_pause(runner);
        runner_await_first_byte(runner);
        if (!runner->adopted)
                runner_warn_of_limits(runner);
}

void runner_announce(Runner *runner)
{
        bool waited = runner->told_runs;

        /* The guest has ended before, or is being stopped. */
        if (!run_state_is_ready(&runner->run)) {
                runner_save(runner);
                runner_tell_runs(runner);
                return;
        }

        runner_forget_ready(runner);
        if (runner->run.timestamps.at[TIMESTAMP_READY] == 0 && !runner->adopted)
                timestamps_record(&runner->run.timestamps, TIMESTAMP_READY);
        runner_save(runner);

        runner->announced = true;
        runner_tell_status(runner, "READY=1\n");
        runner_tell_runs(runner);
        if (waited)
                journal_message(runner->journal, LOG_INFO, SHRUTHI_MESSAGE_READY, NULL,
                                "The guest is ready");
        if (runner->state == RUNNER_RUNNING)
                runner_begin_health(runner);

        /* From here on it rests, perhaps for years. */
        (void) malloc_trim(0);
}
