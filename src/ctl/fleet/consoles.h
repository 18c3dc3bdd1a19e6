/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/fleet/run.h"

/* What members have printed, from their logs. */

/* Reads the consoles of those members that count for a barrier and have not passed it, and sets seen[] for
 * those of which a line matches. */
int fleet_consoles_match(FleetRun *run, const FleetBarrier *barrier, bool *seen, Error *ret_error);

/* Writes MEMBER.log for each member that was created into folder, a line "SECONDS TEXT" for each line that
 * it printed, and adds its metrics to the record. A log that cannot be read is noted in *ret_problem (NULL:
 * none). */
int fleet_consoles_collect(FleetRun *run, const char *folder, char **ret_problem, Error *ret_error);
