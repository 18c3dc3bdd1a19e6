/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* Who is told of volumes and images that come and go. These are not for everybody: a volume is its owner's,
 * and who knows the digest of an image can use it. So their signals are no broadcasts: each goes to one
 * client alone that has asked for them by Subscribe(), about what is theirs; root is told of all. */

typedef struct Subscribers Subscribers;

Subscribers *subscribers_free(Subscribers *subscribers);

/* The client of that name has left the bus. */
void subscribers_forget(Manager *manager, const char *sender);

int method_subscribe(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);

/* Whether one more client of uid may subscribe, which has own already, beside of_users of all users but
 * root: these never take root's places. Pure. */
bool subscribers_accept(uid_t uid, unsigned own, unsigned of_users);
