/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "link/chance.h"
#include "link/nat.h"
#include "switch/lateness.h"
#include "switch/pairs.h"
#include "switch/plane.h"

/* What plane.c, plane-send.c and plane-report.c share. */

#define PLANE_KEYS 16384 /* of links, that are remembered */

typedef struct PlaneMember {
        char *name;
        uint32_t rules_index;
        uint32_t outer; /* of the box that it is behind, or 0 */
        uint64_t sent_to_all, sent_to_all_bytes;
} PlaneMember;

typedef struct PlaneBox {
        NatBox *nat;
        uint32_t a_member; /* one behind it, or PLANE_NOBODY */
} PlaneBox;

typedef struct PlaneKey {
        uint64_t pair; /* + 1; 0: none */
        LinkKey key;
} PlaneKey;

struct Plane {
        Rules *rules;
        GArray *members;             /* PlaneMember */
        GHashTable *members_by_name; /* name → index + 1 */
        GPtrArray *ports;
        GHashTable *ports_by_interface;
        GHashTable *ports_by_mac;      /* as in its first bytes; the value is owned by ports */
        GHashTable *ports_by_address4; /* in host order */
        GHashTable *ports_by_address6; /* 16 bytes */
        GHashTable *boxes;             /* outer address → PlaneBox */
        uint32_t nat_entries;
        uint32_t n_pairs; /* that have sent something */
        Pairs *pairs;
        Flight *flight;
        PlaneKey *keys;
        Lateness *lateness;
        uint64_t totals[_PLANE_TOTAL_MAX];
        PlaneSeen seen;
        void *seen_userdata;
        PlaneLinkSeen link_seen;
        void *link_seen_userdata;
};

static inline PlaneMember *plane_member(const Plane *plane, uint32_t index)
{
        return &g_array_index(plane->members, PlaneMember, index);
}

static inline uint8_t *packet_frame(uint8_t *packet)
{
        return packet + PLANE_HEADER_SIZE;
}

PlanePort *plane_find_mac(const Plane *plane, const uint8_t *mac);
PlanePort *plane_find_address4(const Plane *plane, uint32_t address);
PlanePort *plane_find_address6(const Plane *plane, const uint8_t *address);

/* NULL: there is no such box. */
PlaneBox *plane_find_box(const Plane *plane, uint32_t outer);

/* That of a box is made of its outer address: a locally administered one. */
void plane_box_mac(uint32_t outer, uint8_t ret_mac[static FRAME_MAC_SIZE]);
bool plane_box_of_mac(const uint8_t *mac, uint32_t *ret_outer);

/* Whether the checksum of UDP or TCP in the packet, of IPv4, is left to its receiver. -EACCES: that of
 * something else is. */
int packet_is_partial(const uint8_t *packet, size_t size);
