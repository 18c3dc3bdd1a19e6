/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/fleet/run.h"

/* Starts one member, or has it start again; its record has when, and event (or NULL) how that went. */
void fleet_member_start(FleetRun *run, guint member, bool again, FleetEventRecord *event);
