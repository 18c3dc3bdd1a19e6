/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unikernel/definition.h"

/* Addresses that are typed into a definition's arguments (MirageOS' --ipv4= and --ipv6=) instead of being
 * given to a device by Address=, and whether packets that the guest sends from them get through. Pure. */

typedef struct TypedAddress {
        Address address;
        bool blocked; /* no network device may send from it */
} TypedAddress;

/* Whether a guest may send only from addresses that it is given, even if it is given none: StrictAddresses=
 * of shruthi.conf, for definitions that users have made. */
bool definition_is_strict(const Definition *definition, bool strict_addresses);

/* Elements TypedAddress; words that are no address are left out, as are placeholders. leases: Lease, or NULL
 * if they are not known. strict: definition_is_strict(). */
GArray *typed_addresses_read(const Definition *definition, const GPtrArray *leases, bool strict);
