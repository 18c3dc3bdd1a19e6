/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/address.h"
#include "daemon/core/manager.h"

/* Which addresses the DHCP server of a network has given to which unikernels. */

/* A network device of ours. */
typedef struct DhcpDevice {
        char *unikernel, *name;
} DhcpDevice;

/* The devices on the libvirt network with that name and bridge ("" if not known), by their MAC addresses in
 * lower case; if several have the same, the first by its unikernel's name. */
GHashTable *dhcp_devices_find(Manager *manager, const char *network, const char *bridge);

/* Returns an empty table for dhcp_devices_add(). */
GHashTable *dhcp_devices_new(void);
void dhcp_devices_add(GHashTable *devices, const char *mac, const char *unikernel, const char *name);

typedef struct DeviceLease {
        const DhcpDevice *device; /* of devices */
        Address address;
} DeviceLease;

/* Parses the output of "shruthi-domain network-leases" for devices. Returns elements DeviceLease, sorted by
 * unikernel and device. Omits devices that have an address of the same family in leases (Lease; NULL if
 * none), and returns at most the first eight of each device. Pure. */
GPtrArray *dhcp_leases_match(const char *output, GHashTable *devices, const GPtrArray *leases);
