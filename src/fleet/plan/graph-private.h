/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fleet/plan/graph.h"

/* The readers of both formats, for fleet_graph_parse(). */

/* A graph while it is read: edges name their nodes, which may come later. */
typedef struct GraphReader {
        const char *path;
        FleetGraph *graph;
        GPtrArray *ends; /* char *: source and target of each edge */
        Error *ret_error;
} GraphReader;

int graph_read_gml(GraphReader *reader, const char *text, size_t size);
int graph_read_graphml(GraphReader *reader, const char *text, size_t size);

/* Take the strings. An edge's from and to are filled in later. */
int graph_add_node(GraphReader *reader, FleetGraphNode *node, unsigned line);
int graph_add_edge(GraphReader *reader, const FleetGraphEdge *edge, char *source, char *target);

/* Values that both have. */
int graph_parse_share(
                const GraphReader *reader, unsigned line, const char *key, const char *text, double *ret);
int graph_parse_latency(const GraphReader *reader, unsigned line, const char *text, double unit_usec,
                uint64_t *ret_usec);
