/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

/* Sees whose unit has ended (unikernel/liveness.h) and says whose domain is therefore to be swept. It knows
 * nothing that is not in /run/shruthi/lives, so that it may die at any instant. Times are monotonic, in
 * µs. */

typedef struct Sweeper Sweeper;

/* What is known of one unikernel. sweeper.c draws what leads from one state to the next. */
typedef enum SweeperState {
        SWEEPER_UNKNOWN,  /* its file is to be looked at */
        SWEEPER_ACTIVE,   /* its unit runs, or its runner is being restarted */
        SWEEPER_PREPARED, /* its unit is about to run: its domain was made beforehand */
        SWEEPER_ENDED,    /* its unit has ended: its domain is to be swept, if there is one */
        SWEEPER_SWEEPING, /* somebody does that */
        SWEEPER_GONE,     /* its domain is gone, too */
        _SWEEPER_STATE_MAX,
        _SWEEPER_STATE_INVALID = -EINVAL,
} SweeperState;

/* What happens to it. */
typedef enum SweeperEvent {
        SWEEPER_EVENT_SEEN,     /* there is a file of its name, which may be a new one */
        SWEEPER_EVENT_UNSURE,   /* the file cannot be read, or is so new that it may not be held yet */
        SWEEPER_EVENT_ACTIVE,   /* somebody holds the file */
        SWEEPER_EVENT_PREPARED, /* nobody does, but a start is on its way */
        SWEEPER_EVENT_RELEASED, /* nobody does */
        SWEEPER_EVENT_GONE,     /* there is no file */
        SWEEPER_EVENT_TAKEN,    /* somebody sweeps it */
        SWEEPER_EVENT_FAILED,   /* nobody takes it, or who did has failed */
        _SWEEPER_EVENT_MAX,
} SweeperEvent;

/* _SWEEPER_STATE_INVALID: the event means nothing in that state, which stays. Pure. */
SweeperState sweeper_state_next(SweeperState state, SweeperEvent event);

int sweeper_new(int64_t now, Sweeper **ret_sweeper);
void sweeper_free(Sweeper *sweeper);

/* To be polled for POLLIN, and heard then. */
int sweeper_fd(const Sweeper *sweeper);
void sweeper_hear(Sweeper *sweeper, int64_t now);

/* Tells NAME's runner what has become of its domain: one of the words of unikernel/liveness.h. One that is
 * about to run is told as soon as it does. */
void sweeper_tell(Sweeper *sweeper, const char *name, const char *word, int64_t now);

/* When something has to be done without that; INT64_MAX: never. */
int64_t sweeper_next(const Sweeper *sweeper);

/* One whose domain is to be swept now, or NULL. *ret_unclaimed: also one that was prepared for a start. The
 * name stays valid until the next call. Who does it says so on socket, as an answer of helper/request.h;
 * without a socket (negative) it is tried again later. */
const char *sweeper_find_ended(Sweeper *sweeper, int64_t now, bool *ret_unclaimed);
void sweeper_set_sweeping(Sweeper *sweeper, const char *name, int socket, int64_t now);

/* Whether there are any units that run, or domains to be swept. */
bool sweeper_is_needed(const Sweeper *sweeper);

/* Whether a domain is to be swept or being swept, but for those with which it failed before. */
bool sweeper_is_busy(const Sweeper *sweeper);
