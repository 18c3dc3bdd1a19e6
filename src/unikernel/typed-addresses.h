/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unikernel/definition.h"

/* Addresses that are typed into a definition's arguments (MirageOS' --ipv4= and --ipv6=) instead of being
 * given to a device by Address=, and whether what the guest sends from them gets through. Pure. */

typedef struct TypedAddress {
        Address address;
        bool blocked; /* no network device may send from it */
} TypedAddress;

/* Whether a guest may send from what it is given, and from nothing else, where it is given nothing:
 * StrictAddresses= of shruthi.conf, for what users have made. */
bool definition_is_strict(const Definition *definition, bool strict_addresses);

/* Elements TypedAddress; what is no address is left out, as is what is to be filled in. leases: Lease, or
 * NULL where they are not known. strict: definition_is_strict(). */
GArray *typed_addresses_read(const Definition *definition, const GPtrArray *leases, bool strict);
