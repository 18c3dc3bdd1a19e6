/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

/* How full the host's network is: its bridges, and the kernel's neighbour tables, which all interfaces
 * share. Read by shruthi-neighbours for doctor, whose sandbox has no network. */

#define BRIDGE_PORTS_MAX 1023 /* BR_MAX_PORTS of the kernel less port 0, which is not used */

typedef struct HostBridge {
        char *name;
        unsigned ports;
} HostBridge;

typedef struct NeighbourTable {
        uint64_t used, most; /* entries; most is 0 if not known, as in a separate network namespace */
} NeighbourTable;

typedef struct HostNetwork {
        GPtrArray *bridges;               /* HostBridge, by name */
        NeighbourTable ipv4, ipv6;
} HostNetwork;

void host_network_free(HostNetwork *network);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HostNetwork, host_network_free)

/* root: "", or for tests the folder that stands in for "/". Missing files are left out. */
HostNetwork *host_network_read(const char *root);

const HostBridge *host_network_find_bridge(const HostNetwork *network, const char *name);

/* Convert to text and back: -EBADMSG if text is malformed or incomplete. Pure. */
char *host_network_format(const HostNetwork *network);
int host_network_parse(const char *text, HostNetwork **ret_network);
