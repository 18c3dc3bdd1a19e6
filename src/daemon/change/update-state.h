/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/state/unikernel.h"

/* Where an update is on its way, and what is to be thought of a new generation. Pure.
 *
 *     CHANGING ──► STARTING ──► PROVING ──► KEEPING ──► ENDED
 *        │          ▲   │          │           ▲          ▲
 *        │  LOOKING ┘   └──┬───────┴─ stopped ─┘          │
 *        │     │           │ failed                       │
 *        │     └────────►──┤                              │
 *        │                 ▼                              │
 *        │             RETURNING ──► READING ──► RELOADING ──► RESTARTING ──► CLEARING
 *        │                 └───────────────────────────────────────────────────►
 *        └─ refused, or nothing is to be proven ──────────┘
 *
 * An update begins with CHANGING, and one that shruthid finds when it has come up with LOOKING, or with
 * RETURNING, by its record (unikernel/update-record.h). From LOOKING all of STARTING, PROVING, KEEPING and
 * RETURNING may follow. */
typedef enum UpdateState {
        UPDATE_CHANGING,   /* the definition is being changed, see change.h */
        UPDATE_LOOKING,    /* how is what a former shruthid has begun? */
        UPDATE_STARTING,   /* systemd starts the new generation */
        UPDATE_PROVING,    /* it was ready, and is watched */
        UPDATE_KEEPING,    /* a thread writes that it is over */
        UPDATE_RETURNING,  /* a thread puts the former definition back */
        UPDATE_READING,    /* the registry reads it */
        UPDATE_RELOADING,  /* systemd reads its units, if it must */
        UPDATE_RESTARTING, /* systemd starts the former generation */
        UPDATE_CLEARING,   /* a thread removes the record */
        UPDATE_ENDED,      /* it is answered */
        _UPDATE_STATE_MAX,
        _UPDATE_STATE_INVALID = -EINVAL,
} UpdateState;

typedef enum UpdateEvent {
        UPDATE_EVENT_DONE,
        UPDATE_EVENT_FAILED,
        UPDATE_EVENT_STOPPED, /* it is not to be proven, or somebody has ended that */
        UPDATE_EVENT_READY,   /* LOOKING: the new generation runs */
        _UPDATE_EVENT_MAX,
} UpdateEvent;

/* _UPDATE_STATE_INVALID where nothing leads on. */
UpdateState update_state_next(UpdateState state, UpdateEvent event);

/* What is known of the unikernel while a generation is being proven. */
typedef struct UpdateFacts {
        UnikernelState state;
        uint64_t started;     /* its guest began to run then, as in Guest; 0: there is none */
        uint64_t old_started; /* the same of the former generation's; 0: not known */
        uint64_t new_started; /* … of the guest that is being proven; 0: none was seen ready yet */
        bool have_end;        /* a guest that is not the former one has ended since */
        bool stopped;         /* … and it was asked to */
        bool failing;         /* a check of its health fails */
        bool due;             /* the probation is over */
} UpdateFacts;

typedef enum UpdateVerdict {
        UPDATE_WAIT,
        UPDATE_START, /* the new generation was not started yet, or is starting */
        UPDATE_HELD,
        UPDATE_WAS_STOPPED, /* by somebody, which is no failure */
        UPDATE_FAILED,
        _UPDATE_VERDICT_MAX,
} UpdateVerdict;

UpdateVerdict update_judge(const UpdateFacts *facts);
