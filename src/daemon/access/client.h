/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/containers.h"
#include "daemon/core/manager.h"

/* Who calls. Everybody who has ever sent us a call is remembered for as long as they are on the bus, because
 * clients that watch our objects lose them all when our name's owner goes: while there is one, shruthid
 * stays. What the bus says about them (user, groups) is asked for once, without waiting; a unique name is
 * never given to another. */

typedef enum ClientState {
        CLIENT_ASKED, /* the bus has not answered yet */
        CLIENT_KNOWN,
        CLIENT_GONE,
} ClientState;

typedef struct Client {
        Manager *manager;
        char *name;
        ClientState state;
        int *gone; /* not 0 once it has left, for threads too: g_atomic_rc_box_*(); its calls have it as well
                    */
        uid_t uid;
        gid_t *gids;
        size_t n_gids;
        sd_bus_slot *credentials_slot;
        GPtrArray *waiting; /* sd_bus_message: to be dispatched (again) once they are known */
} Client;

void client_free(Client *client);
DEFINE_DESTROY(client)

/* Before anything else on the bus. */
int clients_watch(Manager *manager);

/* To be called for each method call that comes in on the bus. */
int client_notice(Manager *manager, sd_bus_message *message);

/* The identity behind message; NULL if it came by the private socket: root by the kernel's word. Returns 1
 * if it is known, 0 when the message will be dispatched again once it is, or a negative errno. */
int client_identify(Manager *manager, sd_bus_message *message, Client **ret_client);

/* Rewinds message and puts it back in front of its handler. */
int message_redispatch(sd_bus_message *message);

bool message_is_private(Manager *manager, sd_bus_message *message);
