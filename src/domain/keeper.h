/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Sees whose unit is over (unikernel/liveness.h) and says whose domain is therefore to be swept. It knows
 * nothing that is not in /run/shruthi/lives, so that it may die at any instant. Times are monotonic, in
 * µs. */

typedef struct Keeper Keeper;

int keeper_new(int64_t now, Keeper **ret_keeper);
void keeper_free(Keeper *keeper);

/* To be polled for POLLIN, and heard then. */
int keeper_fd(const Keeper *keeper);
void keeper_hear(Keeper *keeper, int64_t now);

/* Tells NAME's runner what has become of its domain: one of the words of unikernel/liveness.h. Who is about
 * to be on is told as soon as they are. */
void keeper_tell(Keeper *keeper, const char *name, const char *word, int64_t now);

/* When something has to be done without that; INT64_MAX: never. */
int64_t keeper_next(const Keeper *keeper);

/* One whose domain is to be swept now, or NULL. *ret_unclaimed: also one that was prepared for a start. The
 * name stays valid until the next call. Who does it says so on socket, as an answer of helper/request.h;
 * without a socket (negative) it is tried again later. */
const char *keeper_find_over(Keeper *keeper, int64_t now, bool *ret_unclaimed);
void keeper_set_sweeping(Keeper *keeper, const char *name, int socket, int64_t now);

/* Whether there are any units that are on, or domains to be swept. */
bool keeper_is_needed(const Keeper *keeper);

/* Whether a domain is to be swept or being swept, but for those with which it failed before. */
bool keeper_is_busy(const Keeper *keeper);
