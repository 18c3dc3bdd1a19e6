/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "common/address.h"
#include "common/error.h"
#include "common/users.h"

/* Libvirt networks of ours: a file for each, /var/lib/shruthi/networks/NAME, says who owns it and what it is
 * to be. libvirt is made to follow it. Written by shruthid and, once, by the helper that chooses a free
 * subnet; each write is fsynced. */

typedef enum NetworkMode {
        NETWORK_ISOLATED, /* its guests reach each other and the host */
        NETWORK_NAT,      /* … and the outside, behind the host's address */
        NETWORK_ROUTED,   /* … and the outside, by their own */
        _NETWORK_MODE_MAX,
        _NETWORK_MODE_INVALID = -EINVAL,
} NetworkMode;

const char *network_mode_to_string(NetworkMode mode); /* "isolated", "nat", "routed" */
NetworkMode network_mode_from_string(const char *text);

/* After a crash, a network in another state than ready is undone or completed. */
typedef enum NetworkState {
        NETWORK_READY,
        NETWORK_CREATING, /* requested: its subnets are not chosen, or not known to be free yet */
        NETWORK_REMOVING,
        _NETWORK_STATE_MAX,
        _NETWORK_STATE_INVALID = -EINVAL,
} NetworkState;

/* Checks that a unikernel could have that name, too; with a message: INVALID_NAME. */
int network_name_check(const char *name, Error *ret_error);

typedef struct NetworkRecord {
        char *name;
        uid_t owner;
        gid_t group; /* GID_INVALID if none */
        NetworkMode mode;
        NetworkState state;
        bool emulated; /* its guests reach each other only by shruthi-switch */
        char *fleet;   /* of its owner, for which it was made, and with which it is removed; NULL: none */
        char *bridge;            /* NULL: libvirt chooses virbrN */
        Subnet subnet4, subnet6; /* AF_UNSPEC if none. Else with subnet_set_defaults() */
        bool choose4, choose6;   /* choose a free one; only while it is being created */
} NetworkRecord;

/* A new record for a valid name: nat, owned by root, ready, without subnets. */
NetworkRecord *network_record_new(const char *name);
NetworkRecord *network_record_copy(const NetworkRecord *record);
NetworkRecord *network_record_free(NetworkRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetworkRecord, network_record_free)

/* Sets a subnet as people write it: "10.0.0.0/24", "auto" (a free one) or "none"; family AF_INET or
 * AF_INET6. INVALID_ARGS. */
int network_record_set_subnet(NetworkRecord *record, int family, const char *text, Error *ret_error);

/* Convert to lines KEY=VALUE and back. INVALID_DEFINITION if a file is not one of ours. Pure. */
char *network_record_format(const NetworkRecord *record);
int network_record_parse(const char *name, const char *text, NetworkRecord **ret_record, Error *ret_error);

/* The files. NO_SUCH_NETWORK; with create, NETWORK_EXISTS if there is one. */
int network_record_load(const char *name, NetworkRecord **ret_record, Error *ret_error);
int network_record_write(const NetworkRecord *record, bool create, Error *ret_error);
int network_record_remove(const char *name, Error *ret_error); /* no error if there is none */
int network_record_list(char ***ret_names, Error *ret_error);

/* Removes the remains of writers that died before their file was complete. Only while nobody writes. */
void network_records_tidy(void);

/* One lock for all networks: whoever makes or removes a network in libvirt holds it. Blocks. Returns the
 * descriptor; closing it unlocks. */
int network_records_lock(Error *ret_error);

/* A subnet in which addresses are in use, and what uses it: "libvirt's network 'default'". */
typedef struct TakenSubnet {
        Address network;
        char *by;
} TakenSubnet;

GArray *taken_subnets_new(void); /* TakenSubnet; frees its elements */
void taken_subnets_add(GArray *taken, const Address *network, const char *format, ...)
                __attribute__((format(printf, 3, 4)));

/* ADDRESS_IN_USE with what the subnet overlaps. Pure. */
int subnet_check_free(const Subnet *subnet, const GArray *taken, Error *ret_error);

/* Chooses a subnet of the pools (NetworkPool= of shruthi.conf) that overlaps nothing: for IPv4 the first
 * /24, for IPv6 a random /64 (RFC 4193, 3.2.2: so that two hosts that are joined one day differ).
 * NO_FREE_ADDRESS. */
int subnet_choose(char *const *pools, int family, const GArray *taken, Subnet *ret_subnet, Error *ret_error);

/* Whether a subnet lies in one of the pools, and is no larger than users may have. */
#define NETWORK_PREFIX_MIN_USER 20 /* for IPv4; no IPv6 network is larger than a /64 */
bool subnet_in_pools(char *const *pools, const Subnet *subnet);
