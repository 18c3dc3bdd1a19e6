/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "common/error.h"

/* The tables that hold the first packets to guests that are not ready, and refuse those to guests that do
 * not become ready, as commands for nft(8). Pure. */

#define DEMAND_TABLE "shruthi_demand" /* of IPv4, and of IPv6 */
#define DEMAND_CHAIN "hold" /* where a packet ends that is to be held */

/* What it ends by. */
typedef enum DemandMeans {
        DEMAND_QUEUE,  /* nftables' own expression */
        DEMAND_TARGET, /* iptables' target, by nft_compat: demand-target.h adds it */
        DEMAND_LOG,    /* the kernel has no queue: it is told, and the packet dropped */
        _DEMAND_MEANS_MAX,
} DemandMeans;

/* Appends the tables made anew, which hold what goes to one of these guests (Address), or refuse it. */
void demand_ruleset_append_table(
                GString *commands, DemandMeans means, const GArray *held, const GArray *refused);

/* Appends that they hold and refuse what goes to these, and no others, with all else left as it is. */
void demand_ruleset_append_guests(GString *commands, const GArray *held, const GArray *refused);

/* Appends that there are none. */
void demand_ruleset_append_removal(GString *commands);
