/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/fleet/run.h"

/* What members have printed, from their logs. */

/* Reads the consoles of those members that count for a barrier and have not passed it, and sets seen[] for
 * those of which a line matches. since[] is up to where each was read before (0 at first). */
int fleet_consoles_match(
                FleetRun *run, const FleetBarrier *barrier, bool *seen, uint64_t *since, Error *ret_error);

/* Writes a new file into a folder of results. */
int fleet_results_write_file(int dir_fd, const char *name, const char *text, size_t size);

/* Writes consoles/MEMBER.log for each member that was created, a line "SECONDS TEXT" for each line that it
 * printed with control characters as \xNN, and adds its metrics to the record. Of more than 64 MiB the rest
 * is left out. A log that cannot be read, or not to its end, is noted in *ret_problem (NULL: none). */
int fleet_consoles_collect(FleetRun *run, char **ret_problem, Error *ret_error);
