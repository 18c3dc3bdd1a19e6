/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/containers.h"
#include "daemon/state/network.h"

/* The records of all networks, and what libvirt has of them. */

/* Reads all records before it returns, for the start. */
void networks_load(Manager *manager);

/* Reads them again in a thread, and goes on with networks_repair(); done is called when they are read. */
void networks_refresh(Manager *manager, void (*done)(void *userdata), void *userdata);

/* Looks what libvirt has, and brings to its end what a crash or somebody's virsh has left half-way. Goes on
 * by itself. */
void networks_repair(Manager *manager);

/* One network of libvirt's, ours or not; all texts "" where there is none. */
typedef struct SeenNetwork {
        char *name, *mode, *bridge;
        char *subnet, *gateway, *dns;
        char *subnet6, *gateway6, *dns6;
        bool active;
        bool former; /* ours, as a former version made it */
} SeenNetwork;

SeenNetwork *seen_network_copy(const SeenNetwork *seen); /* NULL of NULL */
void seen_network_free(SeenNetwork *seen);
DEFINE_DESTROY(seen_network)

/* What "shruthi-domain network-list" has said: elements SeenNetwork, sorted by name. Pure. */
GPtrArray *seen_networks_parse(const char *output);
const SeenNetwork *seen_networks_find(const GPtrArray *seen, const char *name);

/* Asks libvirt when uid's turn has come, and takes over whether ours are active; those that are not are
 * repaired. seen is what libvirt had before that, NULL where r is a negative errno, with error set. */
typedef void (*NetworksLooked)(int r, Error *error, const GPtrArray *seen, void *userdata);
void networks_look(Manager *manager, uid_t uid, NetworksLooked done, void *userdata);
