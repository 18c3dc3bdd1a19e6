/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>

/* The life of a run: one state, and a table of what each event leads to. Pure: the runner (runner.c)
 * feeds it events and carries out its actions; nothing else decides what comes next.
 *
 * A guest is started, runs, and ends by itself:
 *
 *   NEW ─start─► STARTING ─guest up─► UNREADY ─ready─► RUNNING ──console closed─► ENDED ─settled─► FINISHED
 *    │            │    ▲               ▲ ▲ │            │ ▲                       ▲ ▲
 *    │    network │    │ network       │ │ │            │ └─goes on─┐             │ │
 *    │    missing ▼    │ due           │ │ │            └─halted─► HALTED ─closed─┘ │
 *    │     AWAITING_NETWORK            │ │ └─halted─► UNREADY_HALTED ─────closed────┤
 *    │                                 │ └──goes on──────┘                          │
 *    └─adopt─► ADOPTING ────guest up───┘                                            │
 *                 └─console closed─► ADOPTING_CLOSED ─────────────answered──────────┘
 *
 * It is stopped:
 *
 *   STARTING ─stop requested─► CANCELLING ─up, or refused─┐
 *   NEW, AWAITING_NETWORK, ADOPTING,                      │    ┌─stop failed─► RETRYING ─stop due─► STOPPING
 *   UNREADY, RUNNING, HALTED ─stop requested──────────────┼─► STOPPING ─stop done─► DRAINING ─closed─► ENDED
 *   HALTED ─halt due; UNREADY ─ready due; RUNNING ─sick───┘    └─closed─► STOPPING_CLOSED ─done─► ENDED
 *
 * A guest that has nothing to wait for is ready at once. If its console closes while UNREADY, that leads to
 * ENDED. A domain that libvirt reports as gone leads to DRAINING. A failure of the runner itself leads from
 * every state to FINISHED, and so does a start that is refused, except in CANCELLING. Paused is not a state:
 * a guest may be paused in each state in which there is one. The console is closed when nobody has it open
 * for writing any more and all of it has been read. */

typedef enum RunnerState {
        RUNNER_NEW,
        RUNNER_STARTING,         /* shruthi-domain starts the guest */
        RUNNER_AWAITING_NETWORK, /* it refused, since a network is missing; asked again in a moment */
        RUNNER_CANCELLING,       /* asked to stop, but a start in progress is not interrupted: that would
                                  * leave a domain that nobody knows of */
        RUNNER_ADOPTING,         /* libvirt is asked whether the last runner's guest is there */
        RUNNER_ADOPTING_CLOSED,  /* … and its console was closed meanwhile */
        RUNNER_UNREADY,          /* the guest runs, and a check of Ready= has not held yet */
        RUNNER_UNREADY_HALTED,   /* … it said that it has halted, and gets time to power off */
        RUNNER_RUNNING,
        RUNNER_HALTED,           /* it said that it has halted, and gets time to power off */
        RUNNER_STOPPING,         /* a helper ends the domain: we were asked to, or the guest had halted */
        RUNNER_RETRYING,         /* the stop has failed and is tried again in a moment */
        RUNNER_STOPPING_CLOSED,  /* the console is closed, and the helper waits until libvirt has cleaned
                                  * up */
        RUNNER_DRAINING,         /* the domain is gone; the rest of the console is still to be read */
        RUNNER_ENDED,            /* somebody may still say how it ended */
        RUNNER_FINISHED,         /* all is reported; only the journal has to accept it */
        _RUNNER_STATE_MAX,
        _RUNNER_STATE_INVALID = -EINVAL,
} RunnerState;

typedef enum RunnerEvent {
        RUNNER_EVENT_START,           /* no guest was left behind */
        RUNNER_EVENT_ADOPT,           /* one was */
        RUNNER_EVENT_NETWORK_MISSING, /* the start was refused because of that, and may be tried again */
        RUNNER_EVENT_NETWORK_DUE,     /* time to try again */
        RUNNER_EVENT_START_REFUSED,   /* there is no guest, or nobody knows whether there is one */
        RUNNER_EVENT_GUEST_UP,        /* there is a guest */
        RUNNER_EVENT_GUEST_UP_CLOSED, /* there was one, but its console is closed */
        RUNNER_EVENT_READY,           /* all checks of Ready= have held */
        RUNNER_EVENT_READY_DUE,       /* the time for that is over */
        RUNNER_EVENT_SICK,            /* a check of Healthy= has failed too often */
        RUNNER_EVENT_HALTED,          /* the guest said so */
        RUNNER_EVENT_GOES_ON,         /* it printed something else after that */
        RUNNER_EVENT_HALT_DUE,        /* its time to power off is over */
        RUNNER_EVENT_STOP_REQUESTED,
        RUNNER_EVENT_STOP_DONE,       /* the helper has stopped it: there is no domain any more */
        RUNNER_EVENT_STOP_FAILED,     /* … or could not stop it */
        RUNNER_EVENT_STOP_DUE,        /* time for the next attempt */
        RUNNER_EVENT_STOP_SLOW,       /* the stop takes long */
        RUNNER_EVENT_DOMAIN_GONE,     /* the monitor says that there is no domain */
        RUNNER_EVENT_CONSOLE_CLOSED,  /* may come more than once */
        RUNNER_EVENT_TOLD,            /* new evidence of how it ended, see evidence.h */
        RUNNER_EVENT_TIMEOUT,         /* of the wait in DRAINING and ENDED */
        RUNNER_EVENT_PAUSE_CHANGED,   /* the guest was paused or resumed */
        RUNNER_EVENT_SETTLED,         /* how it ended is known as well as it ever will be */
        RUNNER_EVENT_FAILED,          /* the runner itself has failed */
        _RUNNER_EVENT_MAX,
        _RUNNER_EVENT_INVALID = -EINVAL,
} RunnerEvent;

/* Carried out in this order. */
typedef enum RunnerAction {
        RUNNER_ACTION_START = 1 << 0,            /* open the console, ask for the guest */
        RUNNER_ACTION_ADOPT = 1 << 1,            /* open the stored console, ask for the guest */
        RUNNER_ACTION_START_AGAIN = 1 << 2,      /* ask for the guest */
        RUNNER_ACTION_AWAIT_NETWORK = 1 << 3,    /* set the time of the next attempt */
        RUNNER_ACTION_FORGET_NETWORK = 1 << 4,   /* stop waiting for it */
        RUNNER_ACTION_SHORTEN_START = 1 << 5,    /* give the start less time */
        RUNNER_ACTION_DROP_ADOPTION = 1 << 6,    /* ask libvirt no longer */
        RUNNER_ACTION_MEET = 1 << 7,             /* note that the guest runs */
        RUNNER_ACTION_ANNOUNCE = 1 << 8,         /* report that it runs, and whether it is ready: to systemd
                                                  * and the journal */
        RUNNER_ACTION_REVIEW = 1 << 9,           /* feed what the guest said before it was known to run */
        RUNNER_ACTION_FORGET_READY = 1 << 10,    /* stop waiting for it */
        RUNNER_ACTION_REJECT = 1 << 11,          /* record why it is stopped, which is its result */
        RUNNER_ACTION_AWAIT_POWER_OFF = 1 << 12, /* give it time for that */
        RUNNER_ACTION_FORGET_POWER_OFF = 1 << 13,
        RUNNER_ACTION_AWAIT_READY = 1 << 14,     /* wait until it is ready; feed the event if it is, or what
                                                  * it said */
        RUNNER_ACTION_STOP_DOMAIN = 1 << 15,     /* have a helper end it */
        RUNNER_ACTION_AWAIT_RETRY = 1 << 16,     /* set the time of the next attempt */
        RUNNER_ACTION_TELL_SLOW_STOP = 1 << 17,
        RUNNER_ACTION_AWAIT_CONSOLE = 1 << 18,   /* wait until it is closed; feed the event if it is */
        RUNNER_ACTION_SHOW_PAUSE = 1 << 19,
        RUNNER_ACTION_WEIGH = 1 << 20,           /* settle how it ended, or wait for evidence */
        RUNNER_ACTION_TELL_END = 1 << 21,        /* how the guest ended: to systemd, journal and shruthid */
        RUNNER_ACTION_TELL_FAILURE = 1 << 22,    /* how the runner itself failed */
} RunnerAction;

typedef struct RunnerTransition {
        RunnerState next;
        unsigned actions; /* a set of RunnerAction */
} RunnerTransition;

/* What an event leads to. An event that means nothing in that state changes nothing: the same state, no
 * action. */
RunnerTransition runner_state_transition(RunnerState state, RunnerEvent event);

/* Whether the runner waits for a helper to say whether there is a guest. */
bool runner_state_is_beginning(RunnerState state);

/* "awaiting-network" and the like, for messages and tests. */
const char *runner_state_to_string(RunnerState state);
const char *runner_event_to_string(RunnerEvent event);
