/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "common/address.h"
#include "unikernel/host-network.h"
#include "unikernel/interface-counters.h"
#include "unikernel/listeners.h"

/* The client of shruthi-neighbours.socket, which reads the host's network namespace: our services do not see
 * it. */

/* Appends to seen (SeenAddress) the addresses that the kernel knows on the bridge, including its own. FAILED
 * if nobody answers in time, with the unit to check, or if there is no such bridge. */
int neighbours_ask(const char *bridge, GArray *seen, Error *ret_error);

/* Parses the text of the answer: lines "ADDRESS MAC|- neighbour|host|route", terminated by a line "end"; or
 * one line "error MESSAGE". FAILED for the latter and for anything else. Pure. */
int neighbours_parse_answer(const char *text, GArray *seen, Error *ret_error);

/* Appends to routes (Address) the networks that the host has routes to, including its own addresses. */
int neighbours_ask_routes(GArray *routes, Error *ret_error);

/* Parses the text of that answer: lines "ADDRESS/PREFIX", with the same end and errors as above. Pure. */
int neighbours_parse_routes(const char *text, GArray *routes, Error *ret_error);

/* Appends to listeners (Listener) which ports of the host programs listen on. */
int neighbours_ask_listeners(GArray *listeners, Error *ret_error);

/* The text of that answer, pure: lines of listener_format(), ended or failing as the others. */
int neighbours_parse_listeners(const char *text, GArray *listeners, Error *ret_error);

/* Appends to counters (InterfaceCounters) what has passed those of the interfaces that are there, which are
 * guests' (interface_name_is_guests()). FAILED. */
int neighbours_ask_counters(const char *const *interfaces, GArray *counters, Error *ret_error);

/* The text of that answer, pure: lines of interface_counters_format(), ended or failing as the others. */
int neighbours_parse_counters(const char *text, GArray *counters, Error *ret_error);

/* How many names one request may have; more take several. */
#define NEIGHBOURS_COUNTERS_MAX 1024

/* The host's bridges and tables of neighbours. */
int neighbours_ask_host(HostNetwork **ret_network, Error *ret_error);
