/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"
#include "fleet/results/record.h"

/* A folder of results, read again: what tables.h wrote becomes a record. A folder may be of a run that was
 * killed, cut off, edited or made up: what is not there, or not as it should be, is left out and noted, and
 * all of it has limits. */

/* Sums of a column of links.csv. */
typedef struct FleetLinkSum {
        char *name;
        double sum;
} FleetLinkSum;

typedef struct FleetResults {
        char *folder; /* as it was given */
        FleetPlan *plan;
        FleetExpansion *expansion;
        FleetRecord *record;
        bool success;     /* as run.json says */
        GPtrArray *links; /* FleetLinkSum; empty without links.csv */
        GPtrArray *notes; /* char *: what is wrong with the folder */
} FleetResults;

/* INVALID_ARGS if it is no folder, or has neither run.json nor members.csv that can be read. */
int fleet_results_read(const char *folder, FleetResults **ret_results, Error *ret_error);

void fleet_results_free(FleetResults *results);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetResults, fleet_results_free)
