/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/containers.h"
#include "daemon/state/network.h"

/* The records of all networks, and which of them libvirt has. */

/* Reads all records synchronously, for our start. */
void networks_load(Manager *manager);

/* Reads them again in a thread, then calls done and starts networks_repair(). */
void networks_refresh(Manager *manager, void (*done)(void *userdata), void *userdata);

/* Asks libvirt for its networks, and finishes what a crash or a user of virsh has left half-done.
 * Asynchronous. */
void networks_repair(Manager *manager);

/* A network of libvirt, ours or not; strings are "" if there is no value. */
typedef struct SeenNetwork {
        char *name, *mode, *bridge;
        char *subnet, *gateway, *dns;
        char *subnet6, *gateway6, *dns6;
        bool active;
        bool former; /* ours, created by a former version */
} SeenNetwork;

SeenNetwork *seen_network_copy(const SeenNetwork *seen); /* Returns NULL for NULL. */
void seen_network_free(SeenNetwork *seen);
DEFINE_DESTROY(seen_network)

/* Parses the output of "shruthi-domain network-list". Returns elements SeenNetwork, sorted by name. Pure. */
GPtrArray *seen_networks_parse(const char *output);
const SeenNetwork *seen_networks_find(const GPtrArray *seen, const char *name);

/* Asks libvirt when it is uid's turn, records which of our networks are active, and repairs those that are
 * not. seen is what libvirt had before the repair; NULL, with error set, if r is a negative errno. */
typedef void (*NetworksLooked)(int r, Error *error, const GPtrArray *seen, void *userdata);
void networks_look(Manager *manager, uid_t uid, NetworksLooked done, void *userdata);
