/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/containers.h"
#include "daemon/core/manager.h"

/* The callers. Every client that has ever sent us a call is remembered while it is on the bus: clients that
 * watch our objects lose them all when the owner of our name goes, so shruthid stays while one is left. The
 * bus is asked once for their user and groups, asynchronously; it never reuses a unique name. */

typedef enum ClientState {
        CLIENT_ASKED, /* the bus has not answered yet */
        CLIENT_KNOWN,
        CLIENT_GONE,
} ClientState;

typedef struct Client {
        Manager *manager;
        char *name;
        ClientState state;
        int *gone; /* nonzero once it has left; shared with calls and threads: g_atomic_rc_box_*() */
        uid_t uid;
        gid_t *gids;
        size_t n_gids;
        sd_bus_slot *credentials_slot;
        GPtrArray *waiting; /* sd_bus_message: dispatched (again) once the client is known */
} Client;

void client_free(Client *client);
DEFINE_DESTROY(client)

/* Called before anything else on the bus. */
int clients_watch(Manager *manager);

/* Called for each method call that arrives on the bus. */
int client_notice(Manager *manager, sd_bus_message *message);

/* Gets the client that sent message; NULL if it came over the private socket, where the kernel says that the
 * peer is root. Returns 1 if the client is known, 0 if the message will be dispatched again once it is, or a
 * negative errno. */
int client_identify(Manager *manager, sd_bus_message *message, Client **ret_client);

/* Rewinds message and dispatches it to its handler again. */
int message_redispatch(sd_bus_message *message);

bool message_is_private(Manager *manager, sd_bus_message *message);
