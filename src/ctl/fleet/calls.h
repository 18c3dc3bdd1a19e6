/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/fleet/run.h"

/* Calls for many members, as many in flight as the bus takes, and the loop that waits for their
 * answers. */

#define FLEET_PATIENCE_USEC (UINT64_C(30) * 1000 * 1000)
/* The system bus lets a connection wait for 128 answers (dbus-daemon(1), max_replies_per_connection), and
 * shruthid takes 256 calls of one user. Logs and counters are asked for beside these. */
#define FLEET_IN_FLIGHT_MAX 112

/* reply is NULL if the call failed, with the error. */
typedef void (*FleetAnswer)(
                FleetRun *run, guint member, void *userdata, sd_bus_message *reply, const Error *error);

/* Queues a call; it takes a reference to the message. sent (or NULL) becomes the time at which it is sent.
 */
void fleet_call(FleetRun *run, sd_bus_message *message, FleetAnswer answer, guint member, void *userdata,
                int64_t *sent);

/* The same, before all others and whatever is in flight. */
void fleet_call_now(
                FleetRun *run, sd_bus_message *message, FleetAnswer answer, guint member, void *userdata);

/* The same for a method of the Manager that takes the member's name, and flags if with_flags. */
int fleet_call_member(FleetRun *run, const char *member_method, guint member, bool with_flags,
                FleetAnswer answer, void *userdata, int64_t *sent);

/* Handles messages until deadline (CLOCK_MONOTONIC in µs, 0: only those that are here); returns earlier when
 * something was handled. Shows the view. When the run is to end and shruthid has said nothing for
 * FLEET_PATIENCE_USEC while calls wait for it, that is an error, and run->silent. */
int fleet_pump(FleetRun *run, uint64_t deadline, Error *ret_error);

/* Handles messages until all calls are answered. */
int fleet_finish_calls(FleetRun *run, Error *ret_error);

/* Drops those that are not sent. */
void fleet_calls_drop_waiting(FleetRun *run);

/* Answers those that are not sent with an error. */
void fleet_calls_refuse_waiting(FleetRun *run);

/* Drops all; answers that come later are nobody's. */
void fleet_calls_drop(FleetRun *run);

/* After the connection was lost: drops all calls and connects anew, for some seconds. What changes meanwhile
 * is not followed any more. */
void fleet_reconnect(FleetRun *run);
