/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fleet/expansion/members.h"
#include "fleet/expansion/random.h"

/* Who is meant by "10% of peer". */

/* Keeps of the members (guint, all of the target's group) as many as the target says, drawn, in ascending
 * order. A share is one of the whole group, rounded, and at least one. */
void fleet_draw(const FleetTarget *target, GArray *members, FleetRandom *random);

/* All that a list of targets means, among those that are not taken. A member that is named is taken as it
 * is; -EEXIST with it in *ret_taken if it is taken. taken (or NULL) has an element for each member of the
 * fleet, and those drawn become taken. Elements guint. */
int fleet_draw_all(const FleetExpansion *expansion, const GArray *targets, bool *taken, FleetRandom *random,
                GArray **ret_members, guint *ret_taken);
