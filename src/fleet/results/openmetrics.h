/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fleet/results/record.h"

/* The series of a run in the text format of OpenMetrics 1.0, each point with its time of day, for Prometheus
 * (promtool tsdb create-blocks-from openmetrics) and others. Pure. */

/* openmetrics.txt. Free with g_free(). */
char *fleet_format_openmetrics(const FleetRecord *record);
