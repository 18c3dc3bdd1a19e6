/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fleet/plan/plan.h"

/* The graphs of [Topology], drawn by the seed. Pure. */

/* A link between two members, by their places among those of the network; a < b. */
typedef struct FleetEdge {
        guint a, b;
} FleetEdge;

#define FLEET_EDGES_MAX 250000

/* The edges among n members, ascending, of all types but full and gml, which have none. centre: the place of
 * that of a star. INVALID_DEFINITION if the type has no graph of n members. Elements FleetEdge. */
int fleet_topology_make(const FleetPlan *plan, const FleetTopology *topology, guint n, guint centre,
                GArray **ret_edges, Error *ret_error);
