/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/* What has passed guests' interfaces since they are there, as the guests see it: what the host receives on a
 * tap is what the guest has sent. Read by shruthi-neighbours, since the other services do not see the host's
 * network. */

typedef struct InterfaceCounters {
        char interface[IF_NAMESIZE];
        uint64_t received_bytes, received_packets, received_dropped;
        uint64_t sent_bytes, sent_packets, sent_dropped;
} InterfaceCounters;

/* Whether that can be the name of a guest's interface: it begins with SHRUTHI_TAP_PREFIX. Pure. */
bool interface_name_is_guests(const char *name);

/* Appends those of the interfaces that are there, in the kernel's order; one that is gone is left out.
 * FAILED. */
int interface_counters_read(const char *const *interfaces, GArray *counters, Error *ret_error);

/* Those of the interface; NULL: there are none. Pure. */
const InterfaceCounters *interface_counters_find(const GArray *counters, const char *interface);

/* "INTERFACE BYTES PACKETS DROPPED BYTES PACKETS DROPPED", first what was received, then what was sent.
 * -EINVAL. Pure. */
char *interface_counters_format(const InterfaceCounters *counters);
int interface_counters_parse(const char *text, InterfaceCounters *ret_counters);

/* What recv(2) gave of the kernel's answer, as netlink_parse() has it: appends those whose index is in names
 * (index → name). Pure. */
int interface_counters_parse_netlink(const void *data, size_t size, GHashTable *names, GArray *counters);
