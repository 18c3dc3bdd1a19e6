/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

/* Limits how fast the consoles of all guests of one user are read together. Their runners share one number
 * in a file below /run/shruthi/rates: the time when all that was read will have been paid for. Each reader
 * adds to it; while it is further ahead than the burst allows, all of them wait. */

typedef struct UserRate UserRate;

/* owner: the user ID in digits, as in the runner's state. rate: bytes a second, burst: bytes. */
int user_rate_open(const char *owner, uint64_t rate, uint64_t burst, UserRate **ret_rate);
void user_rate_free(UserRate *rate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UserRate, user_rate_free)

/* How many µs to wait; 0: do not wait. */
uint64_t user_rate_wait(const UserRate *rate, uint64_t now_usec);

void user_rate_take(UserRate *rate, uint64_t size, uint64_t now_usec);
