/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/fleet/run.h"

/* The links of a run's networks, as shruthi-switch emulates them: it is told the rules
 * (fleet/expansion/links.h) before the first start and whenever an event changes them, writes the captures,
 * and says at the end what it has counted. Its messages are those of switch/protocol.h, on a connection for
 * each network that shruthid opens.
 */

/* Refuses what there is not with --user. */
int fleet_links_check(
                const Ctl *ctl, const FleetPlan *plan, const FleetExpansion *expansion, Error *ret_error);

/* Connects for each network with emulated links, sends the rules, and begins the captures, if there is a
 * folder of results. */
int fleet_links_begin(FleetRun *run, Error *ret_error);

/* The links change by an event, whose record says how that went when fleet_links_apply() has returned. */
void fleet_links_change(FleetRun *run, FleetEventRecord *event);

/* Sends the rules after the first n_entries of the schedule, if events have changed them. */
void fleet_links_apply(FleetRun *run, guint n_entries);

/* Ends the captures, and takes the counters: links.csv, and the record. */
void fleet_links_finish(FleetRun *run);

/* Ends the emulation of a network that goes; that of any other network is none. */
void fleet_links_end(Ctl *ctl, const char *network);

void fleet_emulation_free(gpointer data);
