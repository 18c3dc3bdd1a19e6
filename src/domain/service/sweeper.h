/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

/* Watches which units have ended (unikernel/liveness.h), and tells which domains must therefore be swept.
 * All its state comes from /run/shruthi/lives, so it may be killed at any time. Times are monotonic, in
 * µs. */

typedef struct Sweeper Sweeper;

/* What is known about one unikernel. sweeper.c draws the transitions. */
typedef enum SweeperState {
        SWEEPER_UNKNOWN,  /* its file must be checked */
        SWEEPER_ACTIVE,   /* its unit runs, or its runner is being restarted */
        SWEEPER_PREPARED, /* its unit will start soon: its domain is prepared */
        SWEEPER_ENDED,    /* its unit has ended: its domain must be swept, if it exists */
        SWEEPER_SWEEPING, /* a worker is sweeping it */
        SWEEPER_GONE,     /* its domain is gone, too */
        _SWEEPER_STATE_MAX,
        _SWEEPER_STATE_INVALID = -EINVAL,
} SweeperState;

/* What happens to a unikernel. */
typedef enum SweeperEvent {
        SWEEPER_EVENT_SEEN,     /* its file exists, and may be new */
        SWEEPER_EVENT_UNSURE,   /* the file cannot be read, or is so new that nobody may hold it yet */
        SWEEPER_EVENT_ACTIVE,   /* somebody holds the file */
        SWEEPER_EVENT_PREPARED, /* nobody holds it, but a start is in progress */
        SWEEPER_EVENT_RELEASED, /* nobody holds it */
        SWEEPER_EVENT_GONE,     /* there is no file */
        SWEEPER_EVENT_TAKEN,    /* a worker sweeps it */
        SWEEPER_EVENT_FAILED,   /* no worker takes it, or the worker failed */
        _SWEEPER_EVENT_MAX,
} SweeperEvent;

/* Returns _SWEEPER_STATE_INVALID if the event has no effect in that state. Pure. */
SweeperState sweeper_state_next(SweeperState state, SweeperEvent event);

int sweeper_new(int64_t now, Sweeper **ret_sweeper);
void sweeper_free(Sweeper *sweeper);

/* Poll it for POLLIN, then call sweeper_hear(). */
int sweeper_fd(const Sweeper *sweeper);
void sweeper_hear(Sweeper *sweeper, int64_t now);

/* Tells the runner of name what happened to its domain: one of the words of unikernel/liveness.h. A runner
 * that has not started yet is told as soon as it has. */
void sweeper_tell(Sweeper *sweeper, const char *name, const char *word, int64_t now);

/* When something has to be done without an event; INT64_MAX for never. */
int64_t sweeper_next(const Sweeper *sweeper);

/* The name of a unikernel whose domain must be swept now, or NULL; valid until the next call. *ret_unclaimed
 * says that a domain prepared for a start is swept too. The worker reports on socket, as an answer of
 * helper/request.h; without a socket (negative) it is tried again later. */
const char *sweeper_find_ended(Sweeper *sweeper, int64_t now, bool *ret_unclaimed);
void sweeper_set_sweeping(Sweeper *sweeper, const char *name, int socket, int64_t now);

/* Whether any units are running, or domains must be swept. */
bool sweeper_is_needed(const Sweeper *sweeper);

/* Whether a domain must be swept or is being swept, except those for which it failed before. */
bool sweeper_is_busy(const Sweeper *sweeper);
