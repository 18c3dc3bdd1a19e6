/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fleet/record.h"

/* report.html: one file for a reader, that needs no other file, no network and no script. Text of guests and
 * plans stands in it as text. Free with g_free(). */
char *fleet_format_report(const FleetRecord *record);
