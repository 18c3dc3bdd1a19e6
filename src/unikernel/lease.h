/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stddef.h>

#include "common/address.h"
#include "common/containers.h"
#include "common/error.h"

/* Which unikernel has which address of which network: a file per address,
 * /var/lib/shruthi/leases/NETWORK/ADDRESS, created under a lock of the network and fsynced, so that any
 * number of processes may allocate at once and a power failure leaves no address with two owners. shruthid
 * allocates when a unikernel is created, the runner's helper at each start. A lease stays until it is
 * released.
 *
 * The calls block while others hold the network's lock, which is for a few fsyncs. */

/* The key under which the leases of a libvirt network or a plain bridge are kept: one segment must always
 * have the same key (a bridge that libvirt made has its network's). NULL if the name is empty or too long.
 * Free with g_free(). */
char *lease_network_key(bool libvirt_network, const char *name);

/* The libvirt network of a key, NULL if the key is a plain bridge's. Free with g_free(). */
char *lease_key_network(const char *key);

/* Who requests an address. The MAC address distinguishes a device's own traces from those of others. */
typedef struct LeaseOwner {
        const char *unikernel;
        const char *device;
        const char *mac; /* "52:54:00:…", lower case */
} LeaseOwner;

typedef struct Lease {
        char *network; /* the key */
        Address address;
        char *unikernel, *device, *mac; /* NULL if the file cannot be read; the address counts as taken */
} Lease;

void lease_free(Lease *lease);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Lease, lease_free)
DEFINE_DESTROY(lease)

typedef struct LeaseRequest {
        const char *network; /* its key, see lease_network_key() */
        const Subnet *subnet;
        const Address *asked; /* NULL: any */
        LeaseOwner owner;
        const SeenAddress *seen; /* addresses in use, and by whom */
        size_t n_seen;
} LeaseRequest;

/* Acquires an address of the subnet for a device: the one that is asked for; if none is, the one that the
 * device already has, else a free one that nobody in seen has. One lease per device and family: another one
 * of this network is released once the new one is on disk. ADDRESS_IN_USE with who has it, NO_FREE_ADDRESS,
 * INVALID_ARGS (subnet_check_host() refuses asked). When it returns 0 the lease is on disk. */
int lease_acquire(const LeaseRequest *request, Address *ret_address, Error *ret_error);

/* Releases one of the leases that lease_list() returned. It is no error if the address belongs to another
 * device, or to nobody, by now. Neighbour tables remember a guest for a while; its entries there no longer
 * count. */
int lease_give_back(const Lease *lease, Error *ret_error);

/* Leases of one network (NULL: all) and one unikernel (NULL: all), sorted by network and address: elements
 * Lease. */
int lease_list(const char *network, const char *unikernel, GPtrArray **ret_leases, Error *ret_error);

/* From now on this process keeps what it has read of the leases of a network until they change: with a
 * thousand of them each start would read a thousand files. Not for processes with threads. */
void lease_cache_enable(void);

/* From the first to the second, lease_list() answers from what was there at the first, and was acquired by
 * this process since: for many unikernels in a row whose own leases nobody else changes. */
void lease_list_hold(void);
void lease_list_release(void);

/* Forgets a network that no longer exists. -EBUSY (ADDRESS_IN_USE) while somebody has an address in it. */
int lease_forget_network(const char *network, Error *ret_error);
