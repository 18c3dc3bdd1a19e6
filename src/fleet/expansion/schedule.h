/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fleet/expansion/members.h"

/* Makes the schedule of an expansion whose members are complete: starts that are not at the beginning,
 * churn, and events, whose members are drawn among those that the plan has in a state for it at that time.
 * What is later than Duration= never happens: it is left out, and counted. */
int fleet_schedule(FleetExpansion *expansion, Error *ret_error);

/* Who an entry is about: a member, a command, or what the plan says of links. Free with g_free(). */
char *fleet_entry_who(const FleetExpansion *expansion, const FleetEntry *entry);

/* One entry as a line of JSON. */
void fleet_schedule_append_entry(GString *out, const FleetExpansion *expansion, const FleetEntry *entry);
