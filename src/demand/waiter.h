/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* A unikernel with Activation=traffic: what is known of it, and what is to be done next. Pure: service.c
 * finds the facts out, and does it. */

typedef enum WaiterState {
        WAITER_UNKNOWN,
        WAITER_STOPPED,  /* its unit is inactive or failed */
        WAITER_CHANGING, /* it starts, stops, or waits for a restart */
        WAITER_READY,    /* its unit is active */
} WaiterState;

/* From ActiveState of systemd. */
WaiterState waiter_state_from_unit(const char *active_state);

typedef enum WaiterAction {
        WAITER_NOTHING,
        WAITER_OPEN,         /* let pass what is held, and what comes */
        WAITER_HOLD,         /* hold what comes */
        WAITER_START,        /* have its unit started, and then call waiter_job_ended() */
        WAITER_LIMIT,        /* hold what comes: it was started too often, and is not now; say so */
        WAITER_REFUSE,       /* refuse what is held and what comes: its starts have failed; say so */
        WAITER_REFUSE_STILL, /* the same, and it was said already */
} WaiterAction;

/* What comes is refused for so long, unless somebody starts it, or its definition changes. */
#define WAITER_REFUSE_USEC (60 * G_USEC_PER_SEC)
/* From one start that fails to the next. */
#define WAITER_PAUSE_USEC G_USEC_PER_SEC

typedef struct DemandWaiter {
        WaiterState state;
        bool wanted;    /* something is held for it */
        bool starting;  /* we have asked for a start that has not ended */
        bool tried;     /* so far without it being ready */
        bool final;     /* systemd would not start it again either: its start limit, or a refusal */
        bool stopping;  /* we have asked for a stop that has not ended */
        bool limited;   /* that it was started too often was said */
        int64_t refused; /* until then, in µs; 0: it is not */
        int64_t next;    /* when to decide again though no fact has changed; INT64_MAX: not */
        GArray *starts; /* int64_t: when those of the last minute were, in µs */
} DemandWaiter;

void waiter_init(DemandWaiter *waiter);
void waiter_clear(DemandWaiter *waiter);

/* After any of its facts have changed. limit: starts a minute; now: in µs. */
WaiterAction waiter_decide(DemandWaiter *waiter, unsigned limit, int64_t now);

/* The start or the stop that we have asked for has ended, or could not be asked for. */
void waiter_job_ended(DemandWaiter *waiter);

/* Its definition is another, with which it may well start. */
void waiter_changed(DemandWaiter *waiter);
