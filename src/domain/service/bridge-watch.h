/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Listens to shruthi-antispoof, which sees the host's network, for taps that have lost their bridge or can
 * be attached to one again, so that guests are reattached (reattach.h). Called by serve.c. Times are
 * monotonic, in µs. */

typedef struct BridgeWatch BridgeWatch;

int bridge_watch_new(BridgeWatch **ret_watch);
void bridge_watch_free(BridgeWatch *watch);

/* Sets whether to listen: while there are unikernels. If shruthi-antispoof did not answer, it is tried
 * again. */
void bridge_watch_set_wanted(BridgeWatch *watch, bool wanted, int64_t now);

/* Poll it for POLLIN, then call bridge_watch_hear(). */
int bridge_watch_fd(const BridgeWatch *watch);
void bridge_watch_hear(BridgeWatch *watch, int64_t now);

/* When something has to be done without an event; INT64_MAX for never. */
int64_t bridge_watch_next(const BridgeWatch *watch);

/* Whether guests must be reattached now. The worker reports on socket, as an answer of helper/request.h;
 * without a socket (negative) it is tried again later. */
bool bridge_watch_is_due(BridgeWatch *watch, int64_t now);
void bridge_watch_set_asked(BridgeWatch *watch, int socket, int64_t now);
