/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "body/body.h"
#include "common/error.h"
#include "run/body-call.h"
#include "run/console-server.h"
#include "run/console.h"
#include "run/evidence.h"
#include "run/journal.h"
#include "run/probe-client.h"
#include "run/runner-state.h"
#include "run/runner.h"
#include "unikernel/check.h"
#include "unikernel/exit-parser.h"
#include "unikernel/run-state.h"

/* Shared by the files of the runner. */

/* A failure of the runner itself, or the reason that it gives for a refused start. */
typedef struct RunnerFailure {
        Result result;
        int exit_status;
        char *message;
} RunnerFailure;

/* runner-ready.c: what is needed until the guest is ready; runner-health.c: from then on. */
typedef struct ReadyWait ReadyWait;
typedef struct Health Health;

struct Runner {
        char *name;
        char *dir;      /* the runtime directory */
        uint64_t begun; /* µs, CLOCK_MONOTONIC */
        sd_event *event;
        Journal *journal;

        RunnerState state;
        RunState run; /* what the next runner must know, saved to the file */
        bool run_changed;
        bool adopted;      /* the guest was started by an earlier runner */
        bool was_prepared; /* the guest was paused until its start */
        bool told_runs;    /* the journal was told that it runs */
        bool announced;    /* systemd was told READY=1 */

        int console_fd;  /* also in systemd's descriptor store */
        int liveness_fd; /* the same; see unikernel/liveness.h */
        Console *console;
        ConsoleServer *server; /* NULL if its socket could not be made: the guest runs without it */

        const Body *body;

        /* A guest that is a process (runner-process.c). */
        GArray *handed;     /* int: what it is executed with; NULL before that, and afterwards */
        bool execute;       /* … when the call that handed it over has ended well */
        int process_fd;     /* a pidfd; negative if there is none */
        sd_event_source *process_source;  /* for its end */
        sd_event_source *reap_source;     /* … and for when it has been waited for */
        sd_event_source *enter_source;    /* for the end of the time in which it becomes the guest */
        char *wanted_slice; /* that has the limits; NULL or "" if any will do */
        sd_event_source *messages_source; /* for what shruthi-tender says before it is the guest */
        GString *complaint;               /* … so far; NULL if it was not executed */

        /* The call that starts or adopts the guest, and then may stay as its monitor. */
        BodyCall *starter;
        char *acceleration;    /* NULL if not known */
        BodyFailure refusal;   /* what the starter has said so far about why there is no guest */
        unsigned monitor_attempts;
        sd_event_source *monitor_source; /* for the next attempt */
        uint64_t network_deadline; /* µs, CLOCK_MONOTONIC: how long to wait for a network; 0: not set */
        sd_event_source *network_source; /* for the next check whether it has come */

        sd_event_source *events_source; /* for reports of shruthi-domain.service */
        char *paused_reason;            /* NULL if it runs */
        uint64_t paused_usec;
        sd_event_source *silence_source;
        sd_event_source *halted_source; /* for the end of its time to power off */
        sd_event_source *space_source;  /* for the next check of its volumes' file system */
        bool no_space;                  /* … which was full */

        ProbeClient *probes;   /* for checks over the network; NULL if none was needed */
        ReadyWait *ready_wait; /* NULL if the guest is ready, or there is none */

        Health *health; /* NULL if nothing is checked */

        BodyCall *stopper; /* the call that ends the domain */
        unsigned stop_attempts;
        BodyFailure stop_failure;
        sd_event_source *stop_source; /* for the next attempt */
        sd_event_source *slow_source; /* for reporting a stop that takes long */
        uint64_t stop_begun;          /* µs, CLOCK_MONOTONIC */
        bool stop_slow;               /* the stop takes long */
        char *stopped_by;             /* a user's name or number; NULL if not known */

        Evidence evidence;
        sd_event_source *timeout_source; /* for what should come at once but may never come */
        RunnerFailure failure;
        RunnerFailure rejection; /* why we have the guest stopped; no message: we have not */
        int exit_status;
        sd_event_source *flush_source;
        unsigned flush_ticks;
};

/* runner.c: does what an event leads to. An action that feeds another event must be the last of its
 * transition. */
void runner_handle(Runner *runner, RunnerEvent event);

/* The runner itself has failed: RUNNER_EVENT_FAILED. */
void runner_fail(Runner *runner, Result result, int exit_status, const char *format, ...)
                __attribute__((format(printf, 4, 5)));

/* The same with RUNNER_EVENT_START_REFUSED. */
void runner_refuse(Runner *runner, Result result, int exit_status, const char *format, ...)
                __attribute__((format(printf, 4, 5)));
void runner_fail_call(Runner *runner, int r); /* shruthi-domain cannot be run */

bool runner_console_is_closed(const Runner *runner);
void runner_save(Runner *runner);
void runner_notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Tells systemd in words how the guest is, and what else there is to say ("READY=1\n"). */
void runner_tell_status(Runner *runner, const char *more);

/* runner-store.c: the descriptors that systemd had stored for us, negative if none. */
typedef struct RunnerStored {
        int console;
        int liveness;
        int process; /* a pidfd of a guest that is a process */
} RunnerStored;

#define RUNNER_STORED_CONSOLE  "console"
#define RUNNER_STORED_LIVENESS "life"
#define RUNNER_STORED_PROCESS  "process"
void runner_find_stored(RunnerStored *ret_stored);
void runner_store(const char *name, int fd);
void runner_unstore(const char *name);

/* How long to wait for the domain of the previous run, which is being swept, or of this run, which is being
 * prepared. */
#define RUNNER_LIVENESS_TIMEOUT_USEC (90 * G_USEC_PER_SEC)

/* Acquires the liveness token, which says that the unit is active until the descriptor is closed here and in
 * systemd's store. */
int runner_acquire_liveness(Runner *runner, int stored);

/* Whether the stop signal has come, before an event loop reads it. */
bool runner_is_told_to_stop(void);

/* runner-start.c */
void runner_begin(Runner *runner, const RunnerStored *stored);
void runner_start(Runner *runner);
void runner_start_again(Runner *runner);
void runner_adopt(Runner *runner);
void runner_await_network(Runner *runner);
void runner_forget_network(Runner *runner);
void runner_shorten_start(Runner *runner);
void runner_drop_adoption(Runner *runner);
void runner_meet(Runner *runner);
void runner_announce(Runner *runner);

/* There is a guest, which is a process of ours. */
void runner_take_process(Runner *runner);

/* runner-process.c: keeps descriptors for a guest that is a process, executes it with them, finds the one of
 * the last runner, and ends one that nobody wants any more. */
void runner_take_handed(Runner *runner, const int *fds, unsigned n_fds);
void runner_drop_handed(Runner *runner);
void runner_execute(Runner *runner);
void runner_find_process(Runner *runner);
int runner_end_left_process(Runner *runner); /* negative: the runner has failed */
void runner_kill_process(Runner *runner);
void runner_close_fifos(const Runner *runner);

/* How it runs: " with KVM", " as a process", or "". */
const char *runner_describe_body(const Runner *runner);

/* Reports that the guest runs, and begins what concerns a running guest, once. */
void runner_tell_runs(Runner *runner);

/* runner-ready.c */
void runner_await_ready(Runner *runner);
void runner_forget_ready(Runner *runner);
void runner_reject(Runner *runner);
void runner_take_ready_line(Runner *runner, const char *text, size_t size);

/* What shruthi-probe has found (reason NULL: the check holds), and that the service is not there. */
void runner_take_ready_answer(Runner *runner, unsigned i, const char *reason);
void runner_take_ready_loss(Runner *runner, const char *reason);

/* runner-health.c: begins when the guest is ready, and ends when it is stopped or has ended. */
void runner_begin_health(Runner *runner);
void runner_end_health(Runner *runner);
void runner_take_health_answer(Runner *runner, unsigned i, const char *reason);
void runner_take_health_line(Runner *runner);
char *runner_describe_sickness(const Runner *runner);

/* runner-checks.c: has a check over the network carried out until runner_end_probe(). Returns NULL, or why
 * it cannot be; free with g_free(). Numbers below CHECKS_MAX are for Ready=, the next CHECKS_MAX for
 * Healthy=. */
char *runner_start_probe(Runner *runner, unsigned number, const Check *check, unsigned interval_ms,
                unsigned timeout_ms);
void runner_end_probe(Runner *runner, unsigned number);

/* What the runner waits for, in words. Free with g_free(). */
char *runner_describe_wait(const Runner *runner);

/* runner-guest.c */
extern const ConsoleHooks runner_console_hooks;
void runner_hold_rates(Runner *runner);
void runner_review(Runner *runner);
void runner_await_power_off(Runner *runner);
void runner_forget_power_off(Runner *runner);
void runner_await_first_byte(Runner *runner);

/* Whether the file system of its volumes is full; reports that once. */
bool runner_check_space(Runner *runner);

/* runner-events.c: listens to reports about the domain; ignores those from before a start. */
void runner_listen(Runner *runner);
void runner_show_pause(Runner *runner);

/* A guest that is a process was stopped by a signal, or continued. */
void runner_take_stop(Runner *runner, bool stopped);

/* Whether shruthi-domain.service is there to report. */
bool runner_is_reported_to(const Runner *runner);

/* runner-end.c */
void runner_on_terminate(Runner *runner);
void runner_stop_domain(Runner *runner);
void runner_await_retry(Runner *runner);
void runner_tell_slow_stop(Runner *runner);
void runner_await_console(Runner *runner);
void runner_weigh(Runner *runner);
void runner_tell_end(Runner *runner);
void runner_tell_failure(Runner *runner);
