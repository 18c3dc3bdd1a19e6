/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/fleet/run.h"

/* Programs of ExecStart= of an event. They run as the caller, with the caller's rights. */

/* Starts one; its end is noted in event. Its environment has SHRUTHI_FLEET, SHRUTHI_SEED and, if there is
 * one, SHRUTHI_RESULTS; its output goes to standard error. */
void fleet_programs_start(FleetRun *run, char **command, FleetEventRecord *event);

/* Notes those that have ended. */
void fleet_programs_reap(FleetRun *run);

/* Ends those that still run, with their children and those that others have left, all at once. */
void fleet_programs_end(FleetRun *run);
