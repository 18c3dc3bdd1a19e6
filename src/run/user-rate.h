/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

/* How fast the consoles of one user's guests are read together. Their runners share one number in a file
 * below /run/shruthi/rates: when all that was read will have been paid for. Whoever takes adds to it; while
 * it is further ahead than the burst allows, all of them wait. */

typedef struct UserRate UserRate;

/* owner: the user ID in digits, as it stands in the runner's state. rate: bytes a second, burst: bytes. */
int user_rate_open(const char *owner, uint64_t rate, uint64_t burst, UserRate **ret_rate);
void user_rate_free(UserRate *rate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UserRate, user_rate_free)

/* How many µs to wait, 0: none. */
uint64_t user_rate_wait(const UserRate *rate, uint64_t now_usec);

void user_rate_take(UserRate *rate, uint64_t size, uint64_t now_usec);
