/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/containers.h"
#include "daemon/access/polkit.h"
#include "unikernel/definition.h"
#include "unikernel/network.h"

/* A libvirt network of ours: its record as last read or written, and what libvirt last said about it.
 * network-bus.c shows it on the bus; network-change.c creates, removes and repairs it. */

/* What was read in a thread. */
typedef struct LoadedNetwork {
        NetworkRecord *record;
        char *owner_name, *group_name; /* "" if none */
} LoadedNetwork;

void loaded_network_clear(LoadedNetwork *loaded);

/* Reads the record, in a thread. Errors: NO_SUCH_NETWORK and others. */
int loaded_network_read(const char *name, LoadedNetwork *ret_loaded, Error *ret_error);

struct Network {
        Manager *manager;
        char *name, *path;
        LoadedNetwork loaded; /* without a record while it is being created */
        char *bridge;         /* as libvirt has it; NULL if not known (yet) */
        bool active;
        bool announced;               /* NetworkNew was sent: others can see it */
        bool changing;                /* being created, removed or repaired */
        struct NetworkChange *repair; /* the repair in progress, or NULL */
};

/* Creates a network and adds it to the manager's table, which must not have one with that name. */
Network *network_new(Manager *manager, const char *name);
void network_free(Network *network);
DEFINE_DESTROY(network)

Network *network_get(Manager *manager, const char *name);

/* Errors: INVALID_NAME, NO_SUCH_NETWORK. */
int network_find(Manager *manager, const char *name, Network **ret_network, Error *ret_error);

/* What polkit is told about the network. */
PolkitDetails network_polkit_details(const Network *network, const char *verb);

/* Takes the contents of loaded, and tells the bus. */
void network_apply(Network *network, LoadedNetwork *loaded);

/* Sets what libvirt says about it, and tells the bus. bridge is NULL if libvirt has no network with that
 * name. */
void network_set_active(Network *network, bool active, const char *bridge);

/* Sets the bridge that libvirt has given it; NULL or "" if not known. */
void network_set_bridge(Network *network, const char *bridge);

/* The network was removed: tells the bus, and frees it. */
void network_gone(Network *network);

/* The names of the unikernels whose definitions attach to it: "'a', 'b'", or "" if none. Free with
 * g_free(). */
char *network_users(const Network *network);

/* Whether the device is on the libvirt network with that name and bridge (NULL or "" if not known). */
bool network_device_is_on(
                Manager *manager, const char *network, const char *bridge, const DefinitionDevice *device);

/* Who owns which network, for threads. network_claims_*() return elements NetworkClaim. */
typedef struct NetworkClaim {
        char *name;
        char *bridge;         /* NULL if not known */
        bool bridge_is_named; /* by an administrator; otherwise libvirt chose a free one */
        uid_t owner;
        gid_t group;
} NetworkClaim;

GPtrArray *network_claims(Manager *manager);

/* Finds our network that a device will be attached to, by its name or (if not NULL) its bridge; NULL if it
 * is none of ours. */
const NetworkClaim *network_claim_find(
                const GPtrArray *claims, const DefinitionDevice *device, const char *bridge);

/* Counts the network devices on networks that are not the owner's, where each can take an address that
 * others want. */
unsigned network_count_addresses(const GPtrArray *claims, const Conf *conf, const Definition *definition);

/* "/org/dream/Shruthi/network/ESCAPED". Free with g_free(). */
char *network_path(const char *name);
