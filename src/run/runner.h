/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "common/error.h"
#include "run/console-server.h"
#include "run/console.h"
#include "run/helper.h"
#include "run/journal.h"
#include "unikernel/exit-parser.h"
#include "unikernel/run-state.h"

/* The supervisor of one unikernel: what it knows. runner-begin.c starts the guest or adopts one, runner.c
 * follows it, runner-words.c hears how its domain is, runner-end.c stops it and tells how it ended. */

typedef struct Runner {
        char *name;
        char *dir; /* the runtime directory */
        uint64_t begun; /* µs, CLOCK_MONOTONIC */
        sd_event *event;

        int console_fd; /* also in systemd's descriptor store */
        int liveness_fd; /* the same; see unikernel/liveness.h */
        Console *console;
        ConsoleServer *server; /* NULL when its socket could not be made: the guest runs without */
        Journal *journal;

        RunState state;
        bool state_changed;

        /* The helper that starts or watches the guest, and then may stay as witness. */
        Helper *helper;
        bool beginning; /* it has not yet said whether there is a guest */
        bool adopting;
        char *acceleration;      /* NULL: not known */
        Result refusal; /* why there is none: RESULT_RUNNER if it does not say */
        char *refusal_sentence;
        ErrorCode refusal_error; /* _ERROR_CODE_INVALID if it does not say */
        uint64_t network_deadline; /* µs, CLOCK_MONOTONIC: how long a network is waited for; 0: not yet */
        bool asked;    /* a witness was asked */
        bool answered; /* … and this is what it said: */
        TerminationCause witnessed;
        unsigned witness_attempts;

        /* What shruthi-domain.service says, see runner-words.c. */
        sd_event_source *words_source;
        bool heard; /* anything */
        bool told;  /* … how it ended: */
        TerminationCause told_ending;
        bool was_prepared;   /* and so was paused until its start */
        char *paused_reason; /* NULL: it runs */
        uint64_t paused_usec;

        /* The helper that ends the domain, because we were asked to or because it halted. */
        Helper *stopper;
        unsigned stop_attempts;
        char *stop_error;
        bool gone;      /* libvirt has no such domain any more */
        bool stopping;  /* we were asked to */
        bool too_late;  /* … but the guest had already said its last words */
        char *stopped_by; /* a user's name or number; NULL: nobody is known */

        sd_event_source *silence_source;
        sd_event_source *halted_source;
        sd_event_source *stop_source;     /* the next attempt to stop it */
        sd_event_source *stuck_source;    /* for a stop that takes long, to say so */
        uint64_t stop_begun;              /* µs, CLOCK_MONOTONIC */
        bool stuck;                       /* it does take long */
        sd_event_source *patience_source; /* for what should come at once but may not come at all */
        bool patience_over;
        sd_event_source *room_source;     /* the next look at its volumes' file system */
        bool no_room;                     /* … which was full */
        sd_event_source *witness_source;  /* the next attempt to get a witness */
        sd_event_source *network_source;  /* the next look whether a network has come */

        bool ready;
        bool finished; /* all is said, only the journal has to take it */
        int exit_status;
        sd_event_source *flush_source;
        unsigned flush_ticks;
} Runner;

int runner_new(const char *name, Runner **ret_runner);
void runner_free(Runner *runner);

/* Starts the guest, or adopts that of a runner that died, and comes back when it has ended: the unit's exit
 * status. */
int runner_run(Runner *runner);

/* Between the files of the runner. */

/* What systemd had stored for us, or negative. */
typedef struct RunnerStored {
        int console;
        int liveness;
} RunnerStored;

void runner_begin(Runner *runner, const RunnerStored *stored);

#define RUNNER_STORED_CONSOLE "console"
#define RUNNER_STORED_LIVENESS "life"
void runner_find_stored(RunnerStored *ret_stored);
void runner_store(const char *name, int fd);
void runner_unstore(const char *name);

/* For the domain of the run before, which is being swept, or that of this one, which is being prepared. */
#define RUNNER_LIFE_PATIENCE_USEC (90 * G_USEC_PER_SEC)

/* Whether the signal has come, as long as no event loop has read it. */
bool runner_is_told_to_stop(void);

/* Has the guest started by a helper. */
int runner_ask_start(Runner *runner);

/* The start was refused: whether that is for want of a network which may come yet, and it is tried again in
 * a moment. The second gives that up. */
bool runner_wait_for_network(Runner *runner);
bool runner_stop_waiting(Runner *runner);

/* For an answer of systemd's. */
#define RUNNER_QUESTION_TIMEOUT_USEC (20 * G_USEC_PER_SEC)

/* Says that the unit is on, until the descriptor is closed here and in systemd's store. */
int runner_take_life(Runner *runner, int stored);

/* Looks at all facts and does what follows from them; called after each change of one. */
void runner_check(Runner *runner);

void runner_on_terminate(Runner *runner);

/* Listens to what is said about the domain; passes over what was said before a start. */
void runner_listen(Runner *runner);

/* Whether somebody is there who would say it. */
bool runner_may_be_told(const Runner *runner);

/* Now that there is a guest. */
void runner_show_pause(Runner *runner);

/* Tells systemd in words how the guest is, and what else there is to say to it ("READY=1\n"). */
void runner_tell_status(Runner *runner, const char *more);

/* The runner's own failure. */
void runner_fail(Runner *runner, Result result, int exit_status, const char *format, ...)
                __attribute__((format(printf, 4, 5)));

/* Whether the file system of its volumes is full, which is told once; the second when it has said something
 * that may be about that. */
bool runner_look_at_room(Runner *runner);
void runner_look_at_room_soon(Runner *runner);

void runner_save(Runner *runner);
void runner_notify(Runner *runner, const char *format, ...) __attribute__((format(printf, 2, 3)));

extern const ConsoleHooks runner_console_hooks;
