/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* File= of a [Topology]: a graph as Shadow takes it, GML of its version 3 or GraphML of its version 1, and
 * the paths in it. Pure: text in, graph out.
 *
 * GML: "node [ id 0 host_bandwidth_up "100 Mbit" host_bandwidth_down "1 Gbit" ]", "edge [ source 0 target 1
 * latency "10 ms" packet_loss 0.01 ]", "directed 1". GraphML: the attributes latency (ms) and packetloss of
 * edges, bandwidthup and bandwidthdown (KiB/s) of nodes. What else nodes and edges say is not read. */

#define FLEET_GRAPH_NODES_MAX 10000
#define FLEET_GRAPH_EDGES_MAX 1000000

typedef struct FleetGraphNode {
        char *id;
        uint64_t up, down; /* bits a second; 0: not said */
} FleetGraphNode;

typedef struct FleetGraphEdge {
        guint from, to;
        uint64_t latency; /* µs */
        double loss;      /* 0 to 1 */
        unsigned line;
} FleetGraphEdge;

typedef struct FleetGraph {
        GArray *nodes;     /* FleetGraphNode */
        GHashTable *names; /* id → place among the nodes + 1 */
        GArray *edges;     /* FleetGraphEdge, by from: both directions of each, unless it is directed */
        guint *first;      /* of each node's edges, and their end */
        bool directed;
} FleetGraph;

/* INVALID_DEFINITION with "PATH:LINE: …". */
int fleet_graph_parse(
                const char *path, const char *text, size_t size, FleetGraph **ret_graph, Error *ret_error);

void fleet_graph_free(FleetGraph *graph);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetGraph, fleet_graph_free)

/* The place of a node; -ENOENT if there is none of this id. */
int fleet_graph_find(const FleetGraph *graph, const char *id);

/* The paths of least latency from one node to all: their latency (UINT64_MAX: there is none) and the share
 * that is lost on them. That of the node to itself is its loop. Both have as many elements as the graph has
 * nodes. */
void fleet_graph_paths(const FleetGraph *graph, guint from, uint64_t *ret_latency, double *ret_loss);
