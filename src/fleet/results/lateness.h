/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fleet/results/record.h"

/* Whether the host was quick enough for the emulated links of a run, by what shruthi-switch has counted
 * (switch/protocol.h, "summary"). If it was not, the run proves nothing. Pure. */

#define FLEET_LATE_USEC 1000 /* that one packet of a hundred may be behind its time */

/* Takes the summary of a network, lines KEY=VALUE; or, with summary NULL, why there is none. */
void fleet_record_add_links(
                FleetRecord *record, const FleetNetwork *network, const char *summary, const char *problem);

/* A number of the summary; 0 if it does not have it. */
uint64_t fleet_links_number(const FleetLinksRecord *links, const char *key);

/* Why what was seen of the network proves nothing, as sentences (char *); empty: it was in time. */
GPtrArray *fleet_links_problems(const FleetRecord *record, const FleetLinksRecord *links);

/* All of these, of all networks, in one text, and how busy the processors were; NULL: all were in time. Free
 * with g_free(). */
char *fleet_record_lateness(const FleetRecord *record);

/* From the first line of /proc/stat (proc_stat(5)). -EBADMSG if it is none. */
int fleet_load_parse(const char *text, FleetLoad *ret_load);

/* What was between two of them. */
FleetLoad fleet_load_between(const FleetLoad *begin, const FleetLoad *end);

/* "95% busy, 3% taken by a host above". Free with g_free(). */
char *fleet_load_format(const FleetLoad *load);
