/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "common/address.h"
#include "unikernel/host-network.h"
#include "unikernel/listeners.h"

/* Asks the host's network namespace, which our services do not see: shruthi-neighbours.socket. */

/* Appends to seen (SeenAddress) whose addresses the kernel knows on the bridge, its own too. FAILED where
 * nobody answers in time, with the unit to look at, and where there is no such bridge. */
int neighbours_ask(const char *bridge, GArray *seen, Error *ret_error);

/* The answer's text, pure: lines "ADDRESS MAC|- neighbour|host|route", ended by a line "end"; or one line
 * "error MESSAGE". FAILED for that and for all else. */
int neighbours_parse_answer(const char *text, GArray *seen, Error *ret_error);

/* Appends to routes (Address) the networks that the host has routes to, its own addresses among them. */
int neighbours_ask_routes(GArray *routes, Error *ret_error);

/* The text of that answer, pure: lines "ADDRESS/PREFIX", ended or failing as the other. */
int neighbours_parse_routes(const char *text, GArray *routes, Error *ret_error);

/* Appends to listeners (Listener) which ports of the host programs listen on. */
int neighbours_ask_listeners(GArray *listeners, Error *ret_error);

/* The text of that answer, pure: lines of listener_format(), ended or failing as the others. */
int neighbours_parse_listeners(const char *text, GArray *listeners, Error *ret_error);

/* The host's bridges and tables of neighbours. */
int neighbours_ask_host(HostNetwork **ret_network, Error *ret_error);
