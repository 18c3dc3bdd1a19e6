/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/address.h"
#include "daemon/core/manager.h"

/* Which unikernel the DHCP server of a network has given which address. */

/* A network device of ours. */
typedef struct DhcpDevice {
        char *unikernel, *name;
} DhcpDevice;

/* Those on libvirt's network of that name and bridge ("": not known), by their MAC addresses in lower case;
 * of several with one the first by its unikernel's name. */
GHashTable *dhcp_devices_find(Manager *manager, const char *network, const char *bridge);

/* Without any. For dhcp_devices_add(). */
GHashTable *dhcp_devices_new(void);
void dhcp_devices_add(GHashTable *devices, const char *mac, const char *unikernel, const char *name);

typedef struct DeviceLease {
        const DhcpDevice *device; /* of devices */
        Address address;
} DeviceLease;

/* What "shruthi-domain network-leases" has said about devices, sorted by unikernel and device: elements
 * DeviceLease. Devices that have an address of that family in leases (Lease; NULL: none) are left out, and
 * of each no more than its first eight are told. Pure. */
GPtrArray *dhcp_leases_match(const char *output, GHashTable *devices, const GPtrArray *leases);
