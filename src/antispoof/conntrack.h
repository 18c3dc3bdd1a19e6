/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "common/address.h"

/* Connections that the kernel remembers (conntrack). */

/* Forgets those that were translated to one of these addresses (Address), of either family: they would go on
 * although the port is no longer published. */
int conntrack_forget(const GArray *guests);

/* Tells each that was translated to one of these addresses: which, a number by which it is the same the next
 * time, and its state. One of TCP is closed once both sides have closed it; other protocols know no end. */
typedef enum ConntrackState {
        CONNTRACK_OPEN,
        CONNTRACK_CLOSED,
        CONNTRACK_ENDLESS,
} ConntrackState;
typedef void (*ConntrackSeen)(const Address *guest, uint32_t id, ConntrackState state, void *userdata);
int conntrack_list(const GArray *guests, ConntrackSeen seen, void *userdata);

/* How many TCP connections that were translated to one of these addresses are open. */
int conntrack_count(const GArray *guests, unsigned *ret_count);
