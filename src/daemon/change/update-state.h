/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/state/unikernel.h"

/* The states of an update, and the verdict on a new generation. Pure.
 *
 *     CHANGING ──► TRYING ──► NOTING ──► STARTING ──► PROVING ──► KEEPING ──► RETIRING ──► CLEARING ──►
 * ENDED │           │                    ▲   │          │           ▲            ▲                       ▲
 *        │           │            LOOKING ┘   │ stopped, │           │            │                       │
 *        │           │               │        │ failed   │           │            │                       │
 *        │           └───────────────┴────────┴────┬─────┘           │            │                       │
 *        │                                         ▼                 │            │                       │
 *        │      INTERRUPTED ◄── SUSPENDING ◄──── ASKING ── stopped ──┘            │                       │
 *        │                               shutdown  │ failed                       │                       │
 *        │                                         ▼                              │                       │
 *        │                                     RETURNING ──► READING ──► RELOADING ──► RESTARTING         │
 *        └─ refused, or nothing is to be proven ──────────────────────────────────────────────────────────┘
 *
 * An update begins with CHANGING. One that shruthid finds at its start begins with TRYING, LOOKING or
 * RETURNING, depending on its record (unikernel/update-record.h). LOOKING may lead to STARTING, PROVING or
 * ASKING. A shutdown stops all guests, and that is nobody's verdict on the new generation: the record of
 * an INTERRUPTED update stays, and the shruthid of the next boot goes on with it; or this one does, as if
 * it had just been started, if the shutdown is canceled. TRYING, NOTING and RETIRING are passed at once if
 * the update is not a rolling one.
 */
typedef enum UpdateState {
        UPDATE_CHANGING,    /* the definition is being changed, see change.h */
        UPDATE_TRYING,      /* the new generation runs beside the former one, see rolling.h */
        UPDATE_NOTING,      /* a thread notes that the twin serves */
        UPDATE_LOOKING,     /* finds out how far a former shruthid came */
        UPDATE_STARTING,    /* systemd starts the new generation */
        UPDATE_PROVING,     /* it became ready, and is watched */
        UPDATE_ASKING,      /* it ended or was stopped: whether systemd shuts down is being asked */
        UPDATE_SUSPENDING,  /* a thread notes that a shutdown has interrupted it */
        UPDATE_KEEPING,     /* a thread writes the outcome */
        UPDATE_RETURNING,   /* a thread restores the former definition */
        UPDATE_READING,     /* the registry reads it */
        UPDATE_RELOADING,   /* systemd reloads its units, if needed */
        UPDATE_RESTARTING,  /* systemd starts the former generation */
        UPDATE_RETIRING,    /* the twin is removed */
        UPDATE_CLEARING,    /* a thread removes the record */
        UPDATE_ENDED,       /* it is answered */
        UPDATE_INTERRUPTED, /* it is answered, and goes on at the next boot, or when no shutdown is left */
        _UPDATE_STATE_MAX,
        _UPDATE_STATE_INVALID = -EINVAL,
} UpdateState;

typedef enum UpdateEvent {
        UPDATE_EVENT_DONE,
        UPDATE_EVENT_FAILED,
        UPDATE_EVENT_STOPPED,  /* it need not be proven, or somebody has stopped it */
        UPDATE_EVENT_READY,    /* LOOKING: the new generation runs */
        UPDATE_EVENT_SHUTDOWN, /* ASKING: systemd stops everything */
        _UPDATE_EVENT_MAX,
} UpdateEvent;

/* Returns _UPDATE_STATE_INVALID if the event is not valid in that state. */
UpdateState update_state_next(UpdateState state, UpdateEvent event);

/* What is known of the unikernel while a generation is being proven. */
typedef struct UpdateFacts {
        UnikernelState state;
        uint64_t started;     /* when its guest began to run, as in Guest; 0 if none */
        uint64_t old_started; /* the same for the former generation; 0 if not known */
        uint64_t new_started; /* … for the guest being proven; 0 if not seen ready yet */
        bool have_end;        /* a guest other than the former one has ended since */
        bool stopped;         /* … and it was asked to */
        bool failing;         /* a check of its health fails */
        bool due;             /* the probation is over */
} UpdateFacts;

typedef enum UpdateVerdict {
        UPDATE_WAIT,
        UPDATE_START, /* the new generation has not started yet, or is starting */
        UPDATE_HELD,
        UPDATE_WAS_STOPPED, /* by somebody, which is no failure */
        UPDATE_FAILED,
        _UPDATE_VERDICT_MAX,
} UpdateVerdict;

UpdateVerdict update_judge(const UpdateFacts *facts);
