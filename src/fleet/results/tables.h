/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fleet/results/record.h"

/* The files of a run's results, as text; shruthi.fleet(5) describes them. Free with g_free(). */

char *fleet_format_run(const FleetRecord *record);     /* run.json */
char *fleet_format_members(const FleetRecord *record); /* members.csv */
char *fleet_format_events(const FleetRecord *record);  /* events.jsonl */
char *fleet_format_metrics(const FleetRecord *record); /* metrics.csv */
char *fleet_format_states(const FleetRecord *record);  /* states.csv */
char *fleet_format_junit(const FleetRecord *record);   /* junit.xml */
