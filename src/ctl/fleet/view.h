/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/fleet/run.h"

/* What a run shows while it goes on: on a terminal a table of groups and states that is drawn again and
 * again, else a line for each thing that happens; with --json= each is an object. */

/* Draws the table if it is time, or now. */
void fleet_view_show(FleetRun *run, bool now);

/* Removes the table, before anything else is printed. */
void fleet_view_clear(FleetRun *run);

/* The run is in another phase: "creating", "starting", … */
void fleet_view_phase(FleetRun *run, const char *phase);

/* Something happened to who (NULL: to the run); problem NULL: it went well. */
void fleet_view_note(FleetRun *run, const char *what, const char *who, const char *problem);
