/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* The count of what one user and all have under way. Each call is kept as the message it came in: what is
 * large counts for several. */
int calls_check(Manager *manager, uid_t uid, Error *ret_error);
void calls_enter(Manager *manager, uid_t uid, unsigned weight);
void calls_leave(Manager *manager, uid_t uid, unsigned weight);

/* For how many calls it counts, at least 1; the message is rewound. */
unsigned message_weight(sd_bus_message *message);

/* Whether what a call carries in its body is at most max bytes; the message is rewound. Returns 0, -EMSGSIZE
 * or another errno. */
int message_check_size(sd_bus_message *message, uint64_t max);
