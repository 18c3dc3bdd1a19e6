/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* Tells clients about volumes and images that come and go. Not everybody may know of them: a volume belongs
 * to its owner, and whoever knows the digest of an image can use it. So these signals are not broadcast:
 * each goes only to a client that called Subscribe(), about what belongs to that caller; root is told of
 * all. */

typedef struct Subscribers Subscribers;

Subscribers *subscribers_free(Subscribers *subscribers);

/* The client with that name has left the bus. */
void subscribers_forget(Manager *manager, const char *sender);

int method_subscribe(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);

/* Whether one more client of uid may subscribe. uid has own subscriptions, all users except root have
 * of_users; users never take root's places. Pure. */
bool subscribers_accept(uid_t uid, unsigned own, unsigned of_users);
