/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Graphs of either format, and paths in them. */

#include "fleet/plan/graph.h"

#include <string.h>

#include "common/keyfile.h"
#include "common/string-util.h"
#include "fleet/plan/graph-private.h"

#define LATENCY_MAX_USEC 3600e6

static void graph_node_clear(gpointer data)
{
        g_free(((FleetGraphNode *) data)->id);
}

void fleet_graph_free(FleetGraph *graph)
{
        if (!graph)
                return;

        g_array_unref(graph->nodes);
        g_hash_table_unref(graph->names);
        g_array_unref(graph->edges);
        g_free(graph->first);
        g_free(graph);
}

int graph_parse_share(
                const GraphReader *reader, unsigned line, const char *key, const char *text, double *ret)
{
        g_autofree char *shown = text_for_display(text, 40);
        char *end = NULL;
        double share = g_ascii_strtod(text, &end);

        if (end == text || *end || !(share >= 0 && share <= 1))
                return key_file_error(reader->path, line, reader->ret_error,
                                "%s %s: not a share: write a number from 0 to 1, such as 0.01", key, shown);
        *ret = share;
        return 0;
}

/* "10 ms", "10ms", "10": in the unit that has no name. */
int graph_parse_latency(const GraphReader *reader, unsigned line, const char *text, double unit_usec,
                uint64_t *ret_usec)
{
        static const struct {
                const char *name;
                double usec;
        } units[] = {{"ns", 1e-3}, {"us", 1}, {"μs", 1}, {"µs", 1}, {"ms", 1e3}, {"s", 1e6}, {"sec", 1e6},
                        {"secs", 1e6}, {"second", 1e6}, {"seconds", 1e6}, {"millisecond", 1e3},
                        {"milliseconds", 1e3}, {"microsecond", 1}, {"microseconds", 1}, {"min", 60e6}};
        g_autofree char *shown = text_for_display(text, 40);
        char *end = NULL;
        double number = g_ascii_strtod(text, &end), usec = *end ? -1 : number * unit_usec;

        if (end == text)
                usec = -1;
        while (*end == ' ')
                end++;
        for (size_t i = 0; end != text && i < G_N_ELEMENTS(units); i++)
                if (g_str_equal(end, units[i].name))
                        usec = number * units[i].usec;
        if (!(usec > 0 && usec <= LATENCY_MAX_USEC))
                return key_file_error(reader->path, line, reader->ret_error,
                                "latency %s: not a latency above 0 and up to an hour: write such as \"10 "
                                "ms\"",
                                shown);

        *ret_usec = MAX((uint64_t) (usec + 0.5), 1);
        return 0;
}

int graph_add_node(GraphReader *reader, FleetGraphNode *node, unsigned line)
{
        FleetGraph *graph = reader->graph;
        g_autofree char *shown = node->id ? text_for_display(node->id, 40) : NULL;

        if (!node->id)
                return key_file_error(reader->path, line, reader->ret_error, "a node without an id");
        if (graph->nodes->len >= FLEET_GRAPH_NODES_MAX)
                return key_file_error(reader->path, line, reader->ret_error, "more than %d nodes",
                                FLEET_GRAPH_NODES_MAX);
        if (g_hash_table_contains(graph->names, node->id))
                return key_file_error(
                                reader->path, line, reader->ret_error, "the node %s is there twice", shown);

        g_array_append_val(graph->nodes, *node);
        g_hash_table_insert(graph->names, node->id, GUINT_TO_POINTER(graph->nodes->len));
        node->id = NULL;
        return 0;
}

int graph_add_edge(GraphReader *reader, const FleetGraphEdge *edge, char *source, char *target)
{
        g_ptr_array_add(reader->ends, source);
        g_ptr_array_add(reader->ends, target);
        g_array_append_val(reader->graph->edges, *edge);
        if (!source || !target)
                return key_file_error(reader->path, edge->line, reader->ret_error,
                                "an edge without source or target");
        if (edge->latency == 0)
                return key_file_error(reader->path, edge->line, reader->ret_error,
                                "an edge without latency: write such as latency \"10 ms\"");
        if (reader->graph->edges->len > FLEET_GRAPH_EDGES_MAX)
                return key_file_error(reader->path, edge->line, reader->ret_error, "more than %d edges",
                                FLEET_GRAPH_EDGES_MAX);
        return 0;
}

static int graph_find_end(const GraphReader *reader, guint i, guint end, guint *ret_node)
{
        const char *id = reader->ends->pdata[2 * i + end];
        int node = fleet_graph_find(reader->graph, id);
        g_autofree char *shown = text_for_display(id, 40);

        if (node < 0)
                return key_file_error(reader->path,
                                g_array_index(reader->graph->edges, FleetGraphEdge, i).line,
                                reader->ret_error, "an edge %s node %s, which is not there",
                                end == 0 ? "from the" : "to the", shown);
        *ret_node = (guint) node;
        return 0;
}

static int compare_edges(gconstpointer a, gconstpointer b)
{
        const FleetGraphEdge *x = a, *y = b;

        if (x->from != y->from)
                return x->from < y->from ? -1 : 1;
        if (x->to != y->to)
                return x->to < y->to ? -1 : 1;
        return x->latency < y->latency ? -1 : x->latency > y->latency;
}

static int graph_connect(const GraphReader *reader)
{
        FleetGraph *graph = reader->graph;
        guint n = graph->edges->len;

        for (guint i = 0; i < n; i++) {
                FleetGraphEdge *edge = &g_array_index(graph->edges, FleetGraphEdge, i), other;
                int r;

                r = graph_find_end(reader, i, 0, &edge->from);
                if (r >= 0)
                        r = graph_find_end(reader, i, 1, &edge->to);
                if (r < 0)
                        return r;
                other = *edge;
                other.from = edge->to;
                other.to = edge->from;
                if (!graph->directed && edge->from != edge->to)
                        g_array_append_val(graph->edges, other);
        }

        g_array_sort(graph->edges, compare_edges);
        graph->first = g_new0(guint, graph->nodes->len + 1);
        for (guint node = 0, i = 0; node <= graph->nodes->len; node++) {
                while (i < graph->edges->len && g_array_index(graph->edges, FleetGraphEdge, i).from < node)
                        i++;
                graph->first[node] = i;
        }

        return 0;
}

int fleet_graph_parse(
                const char *path, const char *text, size_t size, FleetGraph **ret_graph, Error *ret_error)
{
        g_autoptr(FleetGraph) graph = g_new0(FleetGraph, 1);
        g_autoptr(GPtrArray) ends = g_ptr_array_new_with_free_func(g_free);
        GraphReader reader = {.path = path, .graph = graph, .ends = ends, .ret_error = ret_error};
        const char *p = text;
        int r;

        *graph = (FleetGraph){.nodes = g_array_new(FALSE, FALSE, sizeof(FleetGraphNode)),
                        .names = g_hash_table_new(g_str_hash, g_str_equal),
                        .edges = g_array_new(FALSE, FALSE, sizeof(FleetGraphEdge))};
        g_array_set_clear_func(graph->nodes, graph_node_clear);
        if (memchr(text, 0, size) || !g_utf8_validate(text, (gssize) size, NULL))
                return key_file_error(path, 1, ret_error, "the file is not text in UTF-8");

        while (p < text + size && g_ascii_isspace(*p))
                p++;
        r = p < text + size && *p == '<' ? graph_read_graphml(&reader, text, size)
                                         : graph_read_gml(&reader, text, size);
        if (r >= 0 && graph->nodes->len == 0)
                r = key_file_error(path, 1, ret_error,
                                "the graph has no nodes: write it as Shadow takes it, such as graph [ node "
                                "[ "
                                "id 0 ] edge [ source 0 target 0 latency \"10 ms\" ] ]");
        if (r >= 0)
                r = graph_connect(&reader);
        if (r < 0)
                return r;

        *ret_graph = g_steal_pointer(&graph);
        return 0;
}

int fleet_graph_find(const FleetGraph *graph, const char *id)
{
        guint place = GPOINTER_TO_UINT(g_hash_table_lookup(graph->names, id));

        return place > 0 ? (int) place - 1 : -ENOENT;
}

/* A heap of nodes, the nearest first; of equal ones that of the lower number. */
typedef struct HeapEntry {
        uint64_t latency;
        guint node;
} HeapEntry;

static bool heap_is_before(const GArray *heap, guint a, guint b)
{
        const HeapEntry *x = &g_array_index(heap, HeapEntry, a), *y = &g_array_index(heap, HeapEntry, b);

        return x->latency != y->latency ? x->latency < y->latency : x->node < y->node;
}

static void heap_swap(GArray *heap, guint a, guint b)
{
        HeapEntry kept = g_array_index(heap, HeapEntry, a);

        g_array_index(heap, HeapEntry, a) = g_array_index(heap, HeapEntry, b);
        g_array_index(heap, HeapEntry, b) = kept;
}

static void heap_add(GArray *heap, uint64_t latency, guint node)
{
        HeapEntry entry = {latency, node};

        g_array_append_val(heap, entry);
        for (guint i = heap->len - 1; i > 0 && heap_is_before(heap, i, (i - 1) / 2); i = (i - 1) / 2)
                heap_swap(heap, i, (i - 1) / 2);
}

static HeapEntry heap_take(GArray *heap)
{
        HeapEntry entry = g_array_index(heap, HeapEntry, 0);

        heap_swap(heap, 0, heap->len - 1);
        g_array_set_size(heap, heap->len - 1);
        for (guint i = 0, least;; i = least) {
                least = i;
                for (guint child = 2 * i + 1; child <= 2 * i + 2 && child < heap->len; child++)
                        if (heap_is_before(heap, child, least))
                                least = child;
                if (least == i)
                        return entry;
                heap_swap(heap, i, least);
        }
}

void fleet_graph_paths(const FleetGraph *graph, guint from, uint64_t *ret_latency, double *ret_loss)
{
        g_autoptr(GArray) heap = g_array_new(FALSE, FALSE, sizeof(HeapEntry));

        for (guint i = 0; i < graph->nodes->len; i++) {
                ret_latency[i] = UINT64_MAX;
                ret_loss[i] = 0;
        }
        ret_latency[from] = 0;
        heap_add(heap, 0, from);
        while (heap->len > 0) {
                HeapEntry nearest = heap_take(heap);

                if (nearest.latency > ret_latency[nearest.node])
                        continue;
                for (guint i = graph->first[nearest.node]; i < graph->first[nearest.node + 1]; i++) {
                        const FleetGraphEdge *edge = &g_array_index(graph->edges, FleetGraphEdge, i);
                        uint64_t latency = nearest.latency + edge->latency;

                        if (latency >= ret_latency[edge->to])
                                continue;
                        ret_latency[edge->to] = latency;
                        ret_loss[edge->to] = 1 - (1 - ret_loss[nearest.node]) * (1 - edge->loss);
                        heap_add(heap, latency, edge->to);
                }
        }

        ret_latency[from] = UINT64_MAX;
        for (guint i = graph->first[from]; i < graph->first[from + 1]; i++) {
                const FleetGraphEdge *edge = &g_array_index(graph->edges, FleetGraphEdge, i);

                if (edge->to != from || edge->latency >= ret_latency[from])
                        continue;
                ret_latency[from] = edge->latency;
                ret_loss[from] = edge->loss;
        }
}
