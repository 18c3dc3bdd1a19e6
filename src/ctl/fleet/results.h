/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/fleet/run.h"

/* The folder of results. */

/* Makes it, with consoles/ in it, for its owner only, and opens both; nothing may be there. name NULL:
 * FLEET-DATE in the current folder. Free *ret_folder with g_free(); it is absolute. */
int fleet_results_make(FleetRun *run, const char *name, char **ret_folder, Error *ret_error);

/* Reads the consoles, if shruthid can be reached, and writes everything. */
int fleet_results_write(FleetRun *run, Error *ret_error);
