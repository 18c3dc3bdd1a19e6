/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stddef.h>

#include "common/address.h"
#include "common/containers.h"
#include "common/error.h"

/* Which unikernel has which address of which network: a file per address,
 * /var/lib/shruthi/leases/NETWORK/ADDRESS, made under a lock of the network and fsynced, so that any number
 * of processes may ask at once and a power cut leaves no address with two owners. shruthid asks when a
 * unikernel is created, the runner's helper at each start. A lease stays until it is released.
 *
 * The calls block for as long as others hold the network's lock, which is a few fsyncs. */

/* Where leases are kept for a libvirt network or a plain bridge: one segment must always go by the same key
 * (a bridge that libvirt made, by its network). NULL if the name is empty or too long. Free with g_free().
 */
char *lease_network_key(bool libvirt_network, const char *name);

/* The libvirt network of a key, NULL where it is a plain bridge's. Free with g_free(). */
char *lease_key_network(const char *key);

/* Who asks. By its MAC address a device's own traces are told from those of others. */
typedef struct LeaseOwner {
        const char *unikernel;
        const char *device;
        const char *mac; /* "52:54:00:…", lower case */
} LeaseOwner;

typedef struct Lease {
        char *network; /* the key */
        Address address;
        char *unikernel, *device, *mac; /* NULL: the file cannot be read; the address counts as taken */
} Lease;

void lease_free(Lease *lease);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Lease, lease_free)
DEFINE_DESTROY(lease)

typedef struct LeaseRequest {
        const char *network; /* its key, see lease_network_key() */
        const Subnet *subnet;
        const Address *asked; /* NULL: any */
        LeaseOwner owner;
        const SeenAddress *seen; /* by whom addresses are in use */
        size_t n_seen;
} LeaseRequest;

/* Acquires an address of the subnet for a device: the one that is asked for, or with none asked the one that
 * it already has, else a free one that nobody in seen has. One lease per device and family: another one of
 * this network is given back once the new is on disk. ADDRESS_IN_USE with who has it, NO_FREE_ADDRESS,
 * INVALID_ARGS (asked is none of subnet_check_host()). When it returns 0 the lease is on disk. */
int lease_acquire(const LeaseRequest *request, Address *ret_address, Error *ret_error);

/* Gives back one of the leases that lease_list() gave. That it is another's by now, or nobody's, is no
 * error. Neighbour tables remember a guest for a while; what is seen of it there no longer counts. */
int lease_give_back(const Lease *lease, Error *ret_error);

/* Leases of one network (NULL: all) and one unikernel (NULL: all), sorted by network and address: elements
 * Lease. */
int lease_list(const char *network, const char *unikernel, GPtrArray **ret_leases, Error *ret_error);

/* Forgets a network that is no more. -EBUSY (ADDRESS_IN_USE) while somebody has an address in it. */
int lease_forget_network(const char *network, Error *ret_error);
