/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fleet/results/record.h"

/* report.html: one file for a reader, that needs no other file, no network and no script. Text of guests and
 * plans stands in it as text. Free with g_free(). */
char *fleet_format_report(const FleetRecord *record);

/* For each of the shares (0 to 1) the points (PlotPoint) of how that quantile of the last values of all
 * members that have the metric goes over time. */
void fleet_metric_curves(const FleetRecord *record, const char *name, const double *shares, size_t n_shares,
                GArray *const *points);
