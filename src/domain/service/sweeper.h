/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Sees whose unit is over (unikernel/liveness.h) and says whose domain is therefore to be swept. It knows
 * nothing that is not in /run/shruthi/lives, so that it may die at any instant. Times are monotonic, in
 * µs. */

typedef struct Sweeper Sweeper;

int sweeper_new(int64_t now, Sweeper **ret_keeper);
void sweeper_free(Sweeper *sweeper);

/* To be polled for POLLIN, and heard then. */
int sweeper_fd(const Sweeper *sweeper);
void sweeper_hear(Sweeper *sweeper, int64_t now);

/* Tells NAME's runner what has become of its domain: one of the words of unikernel/liveness.h. Who is about
 * to be on is told as soon as they are. */
void sweeper_tell(Sweeper *sweeper, const char *name, const char *word, int64_t now);

/* When something has to be done without that; INT64_MAX: never. */
int64_t sweeper_next(const Sweeper *sweeper);

/* One whose domain is to be swept now, or NULL. *ret_unclaimed: also one that was prepared for a start. The
 * name stays valid until the next call. Who does it says so on socket, as an answer of helper/request.h;
 * without a socket (negative) it is tried again later. */
const char *sweeper_find_over(Sweeper *sweeper, int64_t now, bool *ret_unclaimed);
void sweeper_set_sweeping(Sweeper *sweeper, const char *name, int socket, int64_t now);

/* Whether there are any units that are on, or domains to be swept. */
bool sweeper_is_needed(const Sweeper *sweeper);

/* Whether a domain is to be swept or being swept, but for those with which it failed before. */
bool sweeper_is_busy(const Sweeper *sweeper);
