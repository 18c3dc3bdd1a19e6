/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fleet/expansion/members.h"

/* Addresses of a network, in ascending order. */

/* The next one that a host may have, from next on, which moves behind it. False: there is none left. */
bool fleet_network_take(const Subnet *subnet, Address *next, Address *ret_address);

/* The IPv4 address behind the highest of the network's members; without any, where theirs would begin. */
Address fleet_network_next(const FleetExpansion *expansion, const FleetNetwork *network);

/* Whether a member has this IPv4 address on the network. */
bool fleet_network_has(const FleetExpansion *expansion, const FleetNetwork *network, const Address *address);
