/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/containers.h"
#include "daemon/access/polkit.h"
#include "unikernel/definition.h"
#include "unikernel/network.h"

/* One libvirt network of ours as it is: its record as it was last read or written, and what libvirt last
 * said of it. network-bus.c is how the bus sees it, network-change.c makes, removes and repairs it. */

/* What was read in a thread. */
typedef struct LoadedNetwork {
        NetworkRecord *record;
        char *owner_name, *group_name; /* "" if none */
} LoadedNetwork;

void loaded_network_clear(LoadedNetwork *loaded);

/* For a thread. NO_SUCH_NETWORK and the like. */
int loaded_network_read(const char *name, LoadedNetwork *ret_loaded, Error *ret_error);

struct Network {
        Manager *manager;
        char *name, *path;
        LoadedNetwork loaded; /* without a record while it is being asked for */
        char *bridge;         /* as libvirt has it; NULL: not known (yet) */
        bool active;
        bool announced;               /* NetworkNew was sent: it is there for others */
        bool changing;                /* being made, removed or repaired */
        struct NetworkChange *repair; /* that which repairs it, or NULL */
};

/* Makes one and puts it into the manager's table, where there is none of that name. */
Network *network_new(Manager *manager, const char *name);
void network_free(Network *network);
DEFINE_DESTROY(network)

Network *network_get(Manager *manager, const char *name);

/* INVALID_NAME or NO_SUCH_NETWORK. */
int network_find(Manager *manager, const char *name, Network **ret_network, Error *ret_error);

/* What polkit is told of it. */
PolkitDetails network_polkit_details(const Network *network, const char *verb);

/* Takes what is in loaded; tells the bus. */
void network_apply(Network *network, LoadedNetwork *loaded);

/* What libvirt says of it; tells the bus. bridge NULL: libvirt has none of that name. */
void network_set_active(Network *network, bool active, const char *bridge);

/* Which bridge libvirt has given it; NULL or "": not known. */
void network_set_bridge(Network *network, const char *bridge);

/* It is no more: tells the bus, and lets go of it. */
void network_gone(Network *network);

/* The names of the unikernels whose definitions attach them to it: "'a', 'b'", "" if none. Free with
 * g_free(). */
char *network_users(const Network *network);

/* Whether the device is on libvirt's network of that name, which has that bridge (NULL or "": not known). */
bool network_device_is_on(
                Manager *manager, const char *network, const char *bridge, const DefinitionDevice *device);

/* Whose a network is, for threads: elements NetworkClaim. */
typedef struct NetworkClaim {
        char *name;
        char *bridge;         /* NULL: not known */
        bool bridge_is_named; /* by an administrator; else it is any that libvirt found free */
        uid_t owner;
        gid_t group;
} NetworkClaim;

GPtrArray *network_claims(Manager *manager);

/* Whose the network is that a device is to be on, by its name or (where not NULL) its bridge; NULL: none of
 * ours. */
const NetworkClaim *network_claim_find(
                const GPtrArray *claims, const DefinitionDevice *device, const char *bridge);

/* How many network devices are on networks that are not the owner's, where each can take an address that
 * others want. */
unsigned network_count_addresses(const GPtrArray *claims, const Conf *conf, const Definition *definition);

/* "/org/dream/Shruthi/network/ESCAPED". Free with g_free(). */
char *network_path(const char *name);
