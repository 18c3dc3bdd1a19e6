/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* Counts the calls in progress, of one user and of all. Each call is kept as its message, so a large one
 * counts as several. */
int calls_check(Manager *manager, uid_t uid, Error *ret_error);

/* Whether there is room for n more. */
int calls_check_many(Manager *manager, uid_t uid, unsigned n, Error *ret_error);
void calls_enter(Manager *manager, uid_t uid, unsigned weight);
void calls_leave(Manager *manager, uid_t uid, unsigned weight);

/* Returns how many calls the message counts as, at least 1. Rewinds the message. */
unsigned message_weight(sd_bus_message *message);

/* Checks that the body of a call is at most max bytes. Rewinds the message. Returns 0, -EMSGSIZE or another
 * negative errno. */
int message_check_size(sd_bus_message *message, uint64_t max);
