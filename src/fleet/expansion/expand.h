/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fleet/expansion/members.h"

/* The room expansion owns what a plan means, and all chance of it (random.h): its members with their
 * addresses, settings and arguments, the schedule, and the rules of emulated links (links.h). All of it
 * depends on the plan, its seed and the files that it names alone. Called by ctl/fleet. */

/* INVALID_DEFINITION with the member and its value. */
int fleet_expand(const FleetPlan *plan, FleetExpansion **ret_expansion, Error *ret_error);

/* The plan written out, a line of JSON for each member and each entry of the schedule. Free with g_free().
 */
char *fleet_expansion_format(const FleetExpansion *expansion);
