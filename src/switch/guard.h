/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "antispoof/protocol.h"
#include "link/frame.h"

/* What a guest may send to others: only from its own addresses, as antispoof/ruleset.c has it on other
 * networks, since a packet socket hears a frame before any rule does. What hosts ask and tell the network
 * itself is told apart here, too, and answered by neighbours.h. Pure. */

typedef struct GuardAddresses {
        uint8_t mac[FRAME_MAC_SIZE];
        bool any4, any6; /* from whichever address */
        bool has4, has6; /* else from this one; from none where neither is set */
        uint32_t ip4;
        uint8_t ip6[16], link_local[16];
} GuardAddresses;

void guard_addresses_init(GuardAddresses *addresses, const AntispoofFilter *filter);

typedef enum GuardWord {
        GUARD_FORGED, /* from an address that is not the sender's, or what no guest may send */
        GUARD_PACKET, /* for other members */
        GUARD_ASKS4,  /* who has an IPv4 address */
        GUARD_TELLS4, /* that somebody has */
        GUARD_ASKS6,
        GUARD_TELLS6,
        GUARD_HOSTS, /* only for the host: DHCP, routers, groups that it is in */
} GuardWord;

/* frame has size bytes, FRAME_HEADER_SIZE at least. */
GuardWord guard_look(const GuardAddresses *addresses, const uint8_t *frame, size_t size);
