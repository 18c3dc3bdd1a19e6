/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>

/* The states of a twin in a rolling update. Pure.
 *
 *     WRITING ──► READING ──► RELOADING ──► STARTING ──► PROVING ──► MOVING ──► DRAINING ──► SERVING
 *        │                        │            │            │           │
 *        └────────────────────────┴────────────┴────────────┴───────────┴── failed ──► FAILED
 *
 *     LEAVING ──► EMPTYING ──► STOPPING ──► REMOVING ──► FORGETTING ──► UNLOADING ──► RELEASING ──► ENDED
 *        └─────── failed ─────►┘  └──────────────────────── failed ─────────────────────────────────►
 *
 * The first row is the trial: rolling_try() begins with WRITING, and it is over in SERVING or FAILED. The
 * second row is the end of a twin, whatever has become of it: rolling_retire() begins with LEAVING, and
 * nothing keeps it from ENDED. */
typedef enum RollingState {
        ROLLING_WRITING,   /* a thread writes the definition of the twin */
        ROLLING_READING,   /* the registry reads it */
        ROLLING_RELOADING, /* systemd reloads its units, if needed */
        ROLLING_STARTING,  /* systemd starts the twin */
        ROLLING_PROVING,   /* it became ready, and is watched */
        ROLLING_MOVING,    /* new connections are led to the twin */
        ROLLING_DRAINING,  /* those of the unikernel itself come to an end */
        ROLLING_SERVING,
        ROLLING_FAILED,
        ROLLING_LEAVING,  /* new connections are led to the unikernel itself */
        ROLLING_EMPTYING, /* those of the twin come to an end */
        ROLLING_STOPPING,
        ROLLING_REMOVING,   /* a thread removes the definition of the twin */
        ROLLING_FORGETTING, /* the registry finds it gone */
        ROLLING_UNLOADING,  /* systemd reloads its units, if needed */
        ROLLING_RELEASING,  /* the addresses of the twin are released */
        ROLLING_ENDED,
        _ROLLING_STATE_MAX,
        _ROLLING_STATE_INVALID = -EINVAL,
} RollingState;

typedef enum RollingEvent {
        ROLLING_EVENT_DONE,
        ROLLING_EVENT_FAILED,
        _ROLLING_EVENT_MAX,
} RollingEvent;

/* Returns _ROLLING_STATE_INVALID if the event is not valid in that state. */
RollingState rolling_state_next(RollingState state, RollingEvent event);
