/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Addresses of a network. */

#include "fleet/expansion/network-addresses.h"

#include <string.h>

static void address_increment(Address *address)
{
        size_t size = address->family == AF_INET ? 4 : 16;

        for (size_t i = size; i > 0 && ++address->bytes[i - 1] == 0; i--)
                ;
}

bool fleet_network_take(const Subnet *subnet, Address *next, Address *ret_address)
{
        while (address_contains(&subnet->network, next)) {
                Address address = *next;

                address_increment(next);
                if (subnet_check_host(subnet, &address, NULL) >= 0) {
                        *ret_address = address;
                        return true;
                }
        }

        return false;
}

/* Calls found for each IPv4 address of a member on the network, until it returns true. */
static bool network_find(const FleetExpansion *expansion, const FleetNetwork *network,
                bool (*found)(const Address *address, void *userdata), void *userdata)
{
        for (guint i = 0; i < expansion->members->len; i++) {
                const FleetMember *member = fleet_member_at(expansion, i);

                for (guint k = 0; k < member->group->links->len; k++) {
                        const FleetLink *link = member->group->links->pdata[k];
                        const Address *address = &g_array_index(member->addresses, FleetAddresses, k).v4;

                        if (link->network == network && address_is_set(address) && found(address, userdata))
                                return true;
                }
        }

        return false;
}

static bool take_highest(const Address *address, void *userdata)
{
        Address *highest = userdata;

        if (!address_is_set(highest) || memcmp(address->bytes, highest->bytes, 4) > 0)
                *highest = *address;
        return false;
}

Address fleet_network_next(const FleetExpansion *expansion, const FleetNetwork *network)
{
        Address next = ADDRESS_NONE;

        (void) network_find(expansion, network, take_highest, &next);
        if (!address_is_set(&next))
                return address_is_set(&network->first4) ? network->first4 : network->subnet4.network;

        address_increment(&next);
        return next;
}

static bool is_same(const Address *address, void *userdata)
{
        return address_equal(address, userdata);
}

bool fleet_network_has(const FleetExpansion *expansion, const FleetNetwork *network, const Address *address)
{
        return network_find(expansion, network, is_same, (void *) address);
}
