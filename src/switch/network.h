/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* The process of one network: it forwards the frames of the bridge's ports, and serves the network's clients
 * (protocol.h). One thread does that; others only read rules and write captures. */

#define NETWORK_CLIENTS_MAX 64

/* What its parent has made it for. */
typedef struct SwitchedNetwork {
        const char *name, *bridge;
        const char *directory; /* where the rules are kept, in a file of that name: its bridge, and the rules
                                */
        int control;           /* from which clients come: one with each message */
} SwitchedNetwork;

/* Runs until the network is ended, or nobody uses it, which returns 0, or its parent has ended. */
int network_run(const SwitchedNetwork *request);
