/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The beginning: a guest is started, or the one that a runner left behind is adopted. */

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
#include "run/runner.h"
#include "run/unit-question.h"
#include "unikernel/guest-slice.h"
#include "unikernel/run-dir.h"
#include "unikernel/unit-dropins.h"

#define START_TIMEOUT_USEC (540 * G_USEC_PER_SEC) /* below TimeoutStartSec= of the unit */
#define WATCH_TIMEOUT_USEC (60 * G_USEC_PER_SEC)
#define WITNESS_RETRY_USEC (2 * G_USEC_PER_SEC)
#define WITNESS_RETRY_MAX  6

static void runner_is_up(Runner *runner);
static void runner_find_witness(Runner *runner);

static void runner_set_witnessed(Runner *runner, const char *value)
{
        static const struct {
                const char *value;
                TerminationCause ending;
        } endings[] = {
                        {"shutdown", TERMINATION_POWERED_OFF},
                        {"destroyed", TERMINATION_DESTROYED},
                        {"crashed", TERMINATION_DESTROYED},
                        {"failed", TERMINATION_DESTROYED},
        };

        runner->answered = true;
        runner->witnessed = TERMINATION_CONSOLE;
        for (size_t i = 0; i < G_N_ELEMENTS(endings); i++)
                if (g_str_equal(value, endings[i].value))
                        runner->witnessed = endings[i].ending;
}

static void runner_set_number(Runner *runner, uint64_t *number, const char *value)
{
        (void) g_ascii_string_to_unsigned(value, 10, 0, UINT64_MAX, number, NULL);
        runner->state_changed = true;
}

static void runner_set_text(Runner *runner, char **text, const char *value)
{
        LogObject object = {.unikernel = runner->name};

        g_free(*text);
        *text = g_strdup(value);
        runner->state_changed = true;

        object.owner = runner->state.owner;
        object.image = runner->state.image;
        journal_set_object(runner->journal, &object);
}

static void runner_hold_rates(Runner *runner)
{
        const RunState *state = &runner->state;
        UserRate *rate = NULL;

        if (state->owner && state->console_rate_user != UINT64_MAX) {
                int r = user_rate_open(state->owner, state->console_rate_user, state->console_burst_user,
                                &rate);

                if (r < 0)
                        log_debug("The guests of user %s are not held to a rate together: %s", state->owner,
                                        g_strerror(-r));
        }
        console_set_rate(runner->console, state->console_rate, state->console_burst, rate);
}

/* Returns false for what is no fact to keep. */
static bool runner_keep_fact(Runner *runner, const char *key, const char *value)
{
        RunState *state = &runner->state;

        if (g_str_equal(key, "owner"))
                runner_set_text(runner, &state->owner, value);
        else if (g_str_equal(key, "image"))
                runner_set_text(runner, &state->image, value);
        else if (g_str_equal(key, "memory"))
                runner_set_number(runner, &state->memory, value);
        else if (g_str_equal(key, "volumes"))
                runner_set_text(runner, &state->volumes, value);
        else if (g_str_equal(key, "console-rate"))
                runner_set_number(runner, &state->console_rate, value);
        else if (g_str_equal(key, "console-burst"))
                runner_set_number(runner, &state->console_burst, value);
        else if (g_str_equal(key, "console-rate-user"))
                runner_set_number(runner, &state->console_rate_user, value);
        else if (g_str_equal(key, "console-burst-user"))
                runner_set_number(runner, &state->console_burst_user, value);
        else if (g_str_equal(key, "silence-warning-usec"))
                runner_set_number(runner, &state->silence_warning_usec, value);
        else if (g_str_equal(key, "moment"))
                runner->state_changed =
                                timestamps_parse(&state->timestamps, value) >= 0 || runner->state_changed;
        else if (g_str_equal(key, "witness")) {
                state->witness = runner->asked = g_str_equal(value, "yes");
                runner->state_changed = true;
        } else
                return false;

        return true;
}

static void on_helper_line(void *userdata, const char *key, const char *value)
{
        Runner *runner = userdata;

        if (runner_keep_fact(runner, key, value))
                return;

        if (g_str_equal(key, "started")) {
                runner->acceleration = g_strdup(value);
                runner->beginning = false;
                /* The limit was the start's; as witness it stays as long as the guest. */
                if (runner->asked && runner->helper)
                        helper_set_timeout(runner->helper, UINT64_MAX);
                runner_is_up(runner);
        } else if (g_str_equal(key, "alive")) {
                runner->beginning = false;
                if (g_str_equal(value, "yes"))
                        runner_is_up(runner);
                else
                        runner->gone = true;
        } else if (g_str_equal(key, "ended"))
                runner_set_witnessed(runner, value);
        else if (g_str_equal(key, "notice"))
                journal_message(runner->journal, LOG_NOTICE, NULL, NULL, "%s", value);
        else if (g_str_equal(key, "result")) {
                Result result = result_from_string(value);

                runner->refusal = (int) result < 0 ? RESULT_RUNNER : result;
        } else if (g_str_equal(key, "error-name"))
                runner->refusal_error = error_code_from_bus_name(value);
        else if (g_str_equal(key, "error")) {
                g_free(runner->refusal_sentence);
                runner->refusal_sentence = g_strdup(value);
        }

        runner_check(runner);
}

/* The helper went without a word about a guest. */
static void runner_begun_in_vain(Runner *runner, int status)
{
        runner->beginning = false;

        if (runner->adopting && run_dir_is_prepared(runner->name))
                runner_fail(runner, RESULT_LIBVIRT, RUNNER_EXIT_LIBVIRT,
                                "the runner was killed while it started the guest, and libvirt cannot be "
                                "asked about that (%s)",
                                runner->refusal_sentence ?: "no answer");
        else if (runner->adopting) {
                /* The console says better than a libvirt that is away whether there is a guest. */
                journal_message(runner->journal, LOG_NOTICE, NULL, NULL,
                                "libvirt could not be asked about the running guest (%s); its console is "
                                "open, so it runs",
                                runner->refusal_sentence ?: "no answer");
                runner_is_up(runner);
        } else if (runner->state.exit_parser.result != RESULT_NONE)
                /* It has come and gone before libvirt had finished starting it. */
                runner_is_up(runner);
        else if (!runner->stopping && !runner_wait_for_network(runner))
                runner_fail(runner, runner->refusal, status > 0 ? status : RUNNER_EXIT_RUNNER, "%s",
                                runner->refusal_sentence
                                                ?: "the guest could not be started: no answer from libvirt "
                                                   "in time");
}

static void on_helper_ended(void *userdata, int status)
{
        Runner *runner = userdata;

        helper_free(runner->helper);
        runner->helper = NULL;

        if (runner->beginning)
                runner_begun_in_vain(runner, status);
        else if (runner->asked && !runner->answered)
                runner_find_witness(runner);

        runner_check(runner);
}

static const HelperHooks helper_hooks = {.line = on_helper_line, .ended = on_helper_ended};

static void runner_watch(Runner *runner)
{
        const char *const arguments[] = {
                        "watch", runner->name, runner->state.witness ? "--witness" : NULL, NULL};
        int r;

        r = helper_new(runner->event, arguments, runner->state.witness ? UINT64_MAX : WATCH_TIMEOUT_USEC,
                        &helper_hooks, runner, &runner->helper);
        if (r < 0 && runner->beginning)
                runner_begun_in_vain(runner, -1);
}

static int on_witness_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Runner *runner = userdata;

        runner->witness_source = sd_event_source_disable_unref(runner->witness_source);
        if (!runner->helper && !runner->finished)
                runner_watch(runner);
        return 0;
}

/* Gets libvirt's witness again that was lost, after a while. */
static void runner_find_witness(Runner *runner)
{
        /* Waiting ever longer, and in the end without one: then the last words alone tell. */
        if (console_has_ended(runner->console) || runner->witness_attempts >= WITNESS_RETRY_MAX) {
                runner_set_witnessed(runner, "unknown");
                return;
        }
        if (!runner->witness_source)
                (void) sd_event_add_time_relative(runner->event, &runner->witness_source, CLOCK_MONOTONIC,
                                WITNESS_RETRY_USEC << runner->witness_attempts++, 0, on_witness_time,
                                runner);
}

static int runner_open_console(Runner *runner)
{
        g_autofree char *input = g_build_filename(runner->dir, "console.in", NULL);
        g_autofree char *socket_path = g_build_filename(runner->dir, "console", NULL);
        int r;

        r = console_new(runner->event, runner->console_fd, runner->journal, &runner_console_hooks, runner,
                        &runner->console);
        if (r < 0)
                return r;

        r = console_server_new(runner->event, socket_path, input, &runner->server);
        if (r < 0)
                journal_message(runner->journal, LOG_WARNING, NULL, NULL,
                                "The console's socket '%s' cannot be made, the guest runs without: %s",
                                socket_path, g_strerror(-r));
        return 0;
}

/* What is left of it. */
static uint64_t runner_start_timeout(const Runner *runner)
{
        uint64_t gone = (uint64_t) g_get_monotonic_time() - runner->begun;

        return START_TIMEOUT_USEC - MIN(gone, (uint64_t) RUNNER_LIFE_PATIENCE_USEC);
}

int runner_ask_start(Runner *runner)
{
        const char *const arguments[] = {"start", runner->name, NULL};

        runner->beginning = true;
        return helper_new(runner->event, arguments, runner_start_timeout(runner), &helper_hooks, runner,
                        &runner->helper);
}

static void runner_start(Runner *runner)
{
        g_autofree char *output = g_build_filename(runner->dir, "console.out", NULL);
        int r;

        runner->state.invocation_id = g_strdup(g_getenv("INVOCATION_ID"));
        runner->state.timestamps.at[TIMESTAMP_RUNNER_BEGAN] = runner->begun;
        /* One that was prepared has its console there. */
        runner->was_prepared = run_dir_is_prepared(runner->name);
        r = runner->was_prepared ? 0 : run_dir_make(runner->name);
        if (r < 0) {
                runner_fail(runner, RESULT_RUNNER, RUNNER_EXIT_RUNNER,
                                "the console's FIFOs cannot be made in '%s': %s",
                                runner->dir, g_strerror(-r));
                return;
        }

        runner->console_fd = open(output, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (runner->console_fd < 0) {
                runner_fail(runner, RESULT_RUNNER, RUNNER_EXIT_RUNNER, "'%s' cannot be opened: %s", output,
                                g_strerror(errno));
                return;
        }

        /* Before there is a guest, so that there is never one whose console is lost with us. */
        runner_store(RUNNER_STORED_CONSOLE, runner->console_fd);
        runner_notify(runner, "STATUS=Starting the guest");

        r = runner_open_console(runner);
        if (r >= 0) {
                timestamps_record(&runner->state.timestamps, TIMESTAMP_HELPER_ASKED);
                r = runner_ask_start(runner);
        }
        if (r < 0)
                runner_fail(runner, RESULT_RUNNER, RUNNER_EXIT_RUNNER, "shruthi-domain cannot be run: %s",
                                g_strerror(-r));
}

static void runner_adopt(Runner *runner, int fd)
{
        LogObject object = {.unikernel = runner->name};
        int r;

        runner->console_fd = fd;
        runner_notify(runner, "STATUS=Adopting the running guest");

        r = run_state_read(runner->dir, &runner->state);
        if (r < 0)
                journal_message(runner->journal, LOG_WARNING, NULL, NULL,
                                "What the runner before me knew of the guest cannot be read: %s",
                                g_strerror(-r));
        /* Which start it was is not known then, but it was not this one. */
        if (!runner->state.invocation_id)
                runner->state.invocation_id = g_strdup("");
        object.owner = runner->state.owner;
        object.image = runner->state.image;
        journal_set_object(runner->journal, &object);
        runner->asked = runner->state.witness;

        r = runner_open_console(runner);
        if (r < 0) {
                runner_fail(runner, RESULT_RUNNER, RUNNER_EXIT_RUNNER,
                                "the stored console cannot be read: %s",
                                g_strerror(-r));
                return;
        }
        runner_hold_rates(runner);

        runner->beginning = true;
        runner_watch(runner);
}

/* Whether somebody restarted the unit by hand, and what is stored is of a runner that hung and was killed
 * for it. systemd sets the count to 0 for whoever starts or restarts the unit, and counts before each
 * restart of its own (service.c of systemd 252). */
static bool runner_is_wanted_anew(Runner *runner)
{
        g_autofree char *unit = unit_name_for(runner->name);
        uint32_t restarts = 0;
        int r;

        r = unit_ask_restarts(unit, RUNNER_QUESTION_TIMEOUT_USEC, &restarts);
        if (r < 0)
                journal_message(runner->journal, LOG_NOTICE, NULL, NULL,
                                "systemd does not say why it has restarted the unit (%s); the guest is "
                                "adopted",
                                g_strerror(-r));
        return r >= 0 && restarts == 0;
}

void runner_begin(Runner *runner, const RunnerStored *stored)
{
        int console = stored->console, r;

        if (console >= 0 && runner_is_wanted_anew(runner)) {
                /* This is a new start, which ends the old domain first. */
                runner_unstore(RUNNER_STORED_CONSOLE);
                console = close_safe(console);
        }

        r = runner_take_life(runner, stored->liveness);
        if (console < 0 && runner_is_told_to_stop()) {
                /* While it waited. There is no guest yet. */
                runner->stopping = true;
                return;
        }
        if (r < 0 && console < 0) {
                runner_fail(runner, r == -EBUSY ? RESULT_LIBVIRT : RESULT_RUNNER,
                                r == -EBUSY ? RUNNER_EXIT_LIBVIRT : RUNNER_EXIT_RUNNER,
                                "'%s/%s' cannot be taken%s: %s", paths_liveness(), runner->name,
                                r == -EBUSY ? ", its domain is still being worked on" : "", g_strerror(-r));
                return;
        }
        if (r < 0)
                journal_message(runner->journal, LOG_WARNING, NULL, NULL,
                                "'%s/%s' cannot be taken: %s; the guest is adopted without",
                                paths_liveness(), runner->name, g_strerror(-r));

        runner->adopting = console >= 0;
        runner_listen(runner);
        if (console >= 0)
                runner_adopt(runner, console);
        else
                runner_start(runner);
}

static int on_silence(sd_event_source *source, uint64_t usec, void *userdata)
{
        Runner *runner = userdata;

        journal_message(runner->journal, LOG_WARNING, SHRUTHI_MESSAGE_SILENT, NULL,
                        "The guest has printed nothing for %" G_GUINT64_FORMAT
                        " s since its start; too little memory (Memory=) is a common reason. It is left "
                        "running",
                        runner->state.silence_warning_usec / G_USEC_PER_SEC);
        return 0;
}

/* QEMU has opened them. Another guest's QEMU, which is the same user, has no business here: it could hold
 * the console open after the guest's end, or put words into its mouth. */
static void runner_close_fifos(const Runner *runner)
{
        g_autofree char *path = NULL;
        int r = run_dir_close(runner->name, &path);

        if (r < 0)
                journal_message(runner->journal, LOG_WARNING, NULL, NULL,
                                "'%s' stays open to QEMU's user: %s", path, g_strerror(-r));
}

/* They are systemd's to take, and it takes them. */
static void runner_warn_of_limits(Runner *runner)
{
        g_auto(GStrv) settings = unit_dropins_without_effect(runner->name);
        g_autofree char *joined = NULL, *command = NULL;

        if (!*settings)
                return;

        joined = g_strjoinv(", ", settings);
        command = guest_slice_is_available() ? guest_slice_command(runner->name) : NULL;
        journal_message(runner->journal, LOG_WARNING, NULL, NULL,
                        "Without effect on the guest, whose QEMU is not in the control group of this unit: %s. "
                        "What holds it are Memory= and CPUs= of its definition%s%s",
                        joined, command ? ", and limits of its slice: " : "", command ?: "");
}

/* There is a guest: tells systemd, watches for silence. */
static void runner_is_up(Runner *runner)
{
        const char *how = g_strcmp0(runner->acceleration, "tcg") == 0 ? " by emulation"
                        : g_strcmp0(runner->acceleration, "kvm") == 0 ? " with KVM"
                                                                      : "";

        runner->state.started = true;
        if (!runner->adopting) {
                timestamps_record(&runner->state.timestamps, TIMESTAMP_READY);
                runner->state.started_at = (uint64_t) g_get_real_time();
        }
        runner_save(runner);
        runner_close_fifos(runner);
        if (!runner->adopting)
                runner_hold_rates(runner);

        runner->ready = true;
        runner_tell_status(runner, "READY=1\n");
        if (runner->adopting)
                journal_message(runner->journal, LOG_NOTICE, SHRUTHI_MESSAGE_ADOPTED, NULL,
                                "Adopted the running guest of the runner that died");
        else
                journal_message(runner->journal, LOG_INFO, SHRUTHI_MESSAGE_STARTED, NULL, "The guest runs%s",
                                how);

        /* One that was adopted may be said to be paused in its state, and be heard about later. */
        if (runner->paused_reason || !runner->adopting)
                runner_show_pause(runner);

        if (!runner->state.spoke && runner->state.silence_warning_usec > 0 && !runner->silence_source)
                (void) sd_event_add_time_relative(runner->event, &runner->silence_source, CLOCK_MONOTONIC,
                                runner->state.silence_warning_usec, 0, on_silence, runner);

        if (!runner->adopting)
                runner_warn_of_limits(runner);

        /* From here on it rests, perhaps for years. */
        (void) malloc_trim(0);
}
