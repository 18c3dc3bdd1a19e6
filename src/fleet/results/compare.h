/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fleet/results/folder.h"

/* What two or more runs have in common, and in what they differ. Pure. */

typedef struct FleetFinding {
        const char *section; /* "Groups", "Metrics", "Links", or NULL */
        char *name;          /* in that section: of the group, the metric; NULL in none */
        const char *key;     /* as in JSON: "ImageDigest" */
        const char *label;   /* for people: "image" */
        char **texts;        /* for each run; NULL: it has none */
        double *numbers;     /* for each run; NAN: none. NULL: it is text */
        bool differs;
} FleetFinding;

typedef struct FleetComparison {
        FleetResults **runs; /* the caller's */
        guint n;
        GPtrArray *findings; /* FleetFinding, in their order */
} FleetComparison;

FleetComparison *fleet_compare(FleetResults **runs, guint n);
void fleet_comparison_free(FleetComparison *comparison);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetComparison, fleet_comparison_free)

/* What a number is against that of the first run: "+5%"; NULL if there is nothing to say. Free with
 * g_free(). */
char *fleet_finding_change(const FleetFinding *finding, guint run);

/* One file for a reader, as report.h makes it of one run. Free with g_free(). */
char *fleet_format_comparison(const FleetComparison *comparison);
