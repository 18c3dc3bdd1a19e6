/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/network.h"

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
} SeenNetwork;

/* What "shruthi-domain network-list" has said: elements SeenNetwork, sorted by name. Pure. */
GPtrArray *seen_networks_parse(const char *output);
const SeenNetwork *seen_networks_find(const GPtrArray *seen, const char *name);

/* Takes over whether ours are active. */
void networks_apply_seen(Manager *manager, const GPtrArray *seen);
