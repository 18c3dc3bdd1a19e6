/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fleet/expansion/members.h"

/* What a plan says of the links between its members, for each network whose links are emulated: who is in
 * which region, behind which box and at which node, which members have a link at all, and the rules
 * (link/rules.h) that follow from it at any moment of the schedule. Pure. */

#define FLEET_BOX_NONE  G_MAXUINT
#define FLEET_NODES_MAX 1024 /* of a graph, at which members are */

/* A box of a [NAT NAME]. */
typedef struct FleetBox {
        char *name; /* NAME, or NAME-INDEX with Boxes=each */
        const FleetNat *nat;
        Address address;
} FleetBox;

typedef struct FleetLinks {
        const FleetNetwork *network;
        const FleetTopology *topology; /* NULL: there is none */
        GArray *members;   /* guint: those on the network, ascending; others name their place here */
        GArray *edges;     /* FleetEdge (topology.h); NULL: all have a link */
        GArray *boxes;     /* FleetBox */
        guint *behind;     /* of each member: its box, or FLEET_BOX_NONE */
        guint *nodes;      /* of each member: its place in used; NULL: there is no graph */
        GArray *used;      /* guint: nodes of the graph at which members are */
        uint64_t *latency; /* of the paths among used, in µs */
        double *loss;
} FleetLinks;

/* Draws it all, for an expansion whose members have their addresses. INVALID_DEFINITION with file and line.
 */
int fleet_links_draw(FleetExpansion *expansion, Error *ret_error);

/* The names of those members of the network whose frames are captured, by Capture=, and of those at one end
 * of CaptureLink=; ret_all: they are all that it has. Free with g_ptr_array_unref(). */
GPtrArray *fleet_links_captured(const FleetExpansion *expansion, const FleetLinks *links, bool *ret_all);
GPtrArray *fleet_links_capture_end(const FleetExpansion *expansion, const FleetLinks *links,
                const FleetCaptureEnd *end, bool *ret_all);

/* The rules of a network after the first n_entries of the schedule. INVALID_DEFINITION if they would be
 * larger than rules may be, or if lines of the plan do not go together. Free with g_free(). */
int fleet_links_rules(const FleetExpansion *expansion, const FleetLinks *links, guint n_entries,
                char **ret_text, Error *ret_error);
