/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "common/address.h"
#include "common/error.h"
#include "common/users.h"

/* Libvirt networks of ours: a file for each, /var/lib/shruthi/networks/NAME, says whose it is and what it
 * shall be. libvirt is made to follow it. Written by shruthid and, once, by the helper that chooses a free
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

/* What a crash leaves in another state than ready is taken back, or brought to its end. */
typedef enum NetworkState {
        NETWORK_READY,
        NETWORK_CREATING, /* asked for: its subnets are not chosen or not known to be free yet */
        NETWORK_REMOVING,
        _NETWORK_STATE_MAX,
        _NETWORK_STATE_INVALID = -EINVAL,
} NetworkState;

/* A name that a unikernel could have too, with a message: INVALID_NAME. */
int network_name_check(const char *name, Error *ret_error);

typedef struct NetworkRecord {
        char *name;
        uid_t owner;
        gid_t group; /* GID_INVALID: none */
        NetworkMode mode;
        NetworkState state;
        char *bridge;            /* NULL: libvirt chooses virbrN */
        Subnet subnet4, subnet6; /* family AF_UNSPEC: none. Else with subnet_set_defaults() */
        bool choose4, choose6;   /* a free one is to be chosen; only while it is being created */
} NetworkRecord;

/* For a name that is valid: nat, owned by root, ready, without subnets. */
NetworkRecord *network_record_new(const char *name);
NetworkRecord *network_record_copy(const NetworkRecord *record);
NetworkRecord *network_record_free(NetworkRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetworkRecord, network_record_free)

/* "10.0.0.0/24", "auto" (a free one) or "none", as people write it; family AF_INET or AF_INET6.
 * INVALID_ARGS. */
int network_record_set_subnet(NetworkRecord *record, int family, const char *text, Error *ret_error);

/* Lines KEY=VALUE. INVALID_DEFINITION where a file is none of ours. Pure. */
char *network_record_format(const NetworkRecord *record);
int network_record_parse(const char *name, const char *text, NetworkRecord **ret_record, Error *ret_error);

/* The files. NO_SUCH_NETWORK; with create, NETWORK_EXISTS where there is one. */
int network_record_load(const char *name, NetworkRecord **ret_record, Error *ret_error);
int network_record_write(const NetworkRecord *record, bool create, Error *ret_error);
int network_record_remove(const char *name, Error *ret_error); /* that there is none is no error */
int network_record_list(char ***ret_names, Error *ret_error);

/* Removes what a writer left that died before its file was whole. Only while nobody writes. */
void network_records_tidy(void);

/* One at a time: who makes or removes a network in libvirt holds this lock of all. Blocks. Returns the
 * descriptor; closing it unlocks. */
int network_records_lock(Error *ret_error);

/* A network that addresses are in use in, and by what: "libvirt's network 'default'". */
typedef struct TakenSubnet {
        Address network;
        char *by;
} TakenSubnet;

GArray *taken_subnets_new(void); /* TakenSubnet; frees what is in it */
void taken_subnets_add(GArray *taken, const Address *network, const char *format, ...)
                __attribute__((format(printf, 3, 4)));

/* ADDRESS_IN_USE with what the subnet overlaps with. Pure. */
int subnet_check_free(const Subnet *subnet, const GArray *taken, Error *ret_error);

/* A subnet of the pools (NetworkPool= of shruthi.conf) that overlaps with nothing: of IPv4 the first /24, of
 * IPv6 a /64 at random (RFC 4193, 3.2.2: so that two hosts that are joined one day differ). NO_FREE_ADDRESS.
 */
int subnet_choose(char *const *pools, int family, const GArray *taken, Subnet *ret_subnet, Error *ret_error);

/* Whether a subnet lies in one of the pools, and is no larger than what users may have. */
#define NETWORK_PREFIX_MIN_USER 20 /* IPv4; of IPv6 no network has more than a /64 */
bool subnet_in_pools(char *const *pools, const Subnet *subnet);
