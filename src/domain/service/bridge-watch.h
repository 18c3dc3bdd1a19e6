/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Hears from shruthi-antispoof, which sees the host's network, that taps have lost their bridge or can be
 * put back on one, so that guests are attached again (reattach.h). Called by serve.c. Times are monotonic,
 * in µs. */

typedef struct BridgeWatch BridgeWatch;

int bridge_watch_new(BridgeWatch **ret_watch);
void bridge_watch_free(BridgeWatch *watch);

/* Whether to listen at all: while there are unikernels. Where shruthi-antispoof was not there it is tried
 * again. */
void bridge_watch_set_wanted(BridgeWatch *watch, bool wanted, int64_t now);

/* To be polled for POLLIN, and heard then. */
int bridge_watch_fd(const BridgeWatch *watch);
void bridge_watch_hear(BridgeWatch *watch, int64_t now);

/* When something has to be done without that; INT64_MAX: never. */
int64_t bridge_watch_next(const BridgeWatch *watch);

/* Whether somebody is to look at it now. Who does it says so on socket, as an answer of helper/request.h;
 * without a socket (negative) it is tried again later. */
bool bridge_watch_is_due(BridgeWatch *watch, int64_t now);
void bridge_watch_set_asked(BridgeWatch *watch, int socket, int64_t now);
