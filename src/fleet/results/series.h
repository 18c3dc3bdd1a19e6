/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fleet/results/record.h"

/* How load, memory and traffic were over time: looks at the host and at all members, at the same moments.
 * Pure. */

/* Adds a look, with what the members' last counters say. When there are too many, every second one goes. */
void fleet_record_look(FleetRecord *record, const FleetHostSample *host);

/* Of one look, a group by its place in the plan. */
const FleetGroupSample *fleet_record_group_sample(const FleetRecord *record, guint look, guint group);

/* Free with g_free(). */
char *fleet_format_usage(const FleetRecord *record); /* usage.csv */
char *fleet_format_host(const FleetRecord *record);  /* host.csv */
