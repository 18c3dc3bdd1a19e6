/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* GraphML (graphml.graphdrawing.org), by GLib's parser, which resolves no entities of a document's own. */

#include <string.h>

#include "common/keyfile.h"
#include "common/string-util.h"
#include "fleet/plan/graph-private.h"

#define LATENCY_UNIT 1e3        /* ms */
#define BITS_OF_KIB  (1024 * 8) /* bandwidths are in KiB/s */
#define BITS_MAX     1e15

typedef struct GraphmlReader {
        GraphReader *reader;
        GHashTable *keys; /* id → attr.name */
        FleetGraphNode node;
        FleetGraphEdge edge;
        char *source, *target;
        bool in_node, in_edge;
        const char *attribute; /* of the <data> that is open; owned by keys */
        GString *data;
        unsigned line;
        int r; /* the error that was set already */
} GraphmlReader;

static unsigned graphml_line(GMarkupParseContext *context)
{
        int line = 1;

        g_markup_parse_context_get_position(context, &line, NULL);
        return (unsigned) line;
}

static const char *attribute_of(const char **names, const char **values, const char *name)
{
        for (size_t i = 0; names[i]; i++)
                if (g_str_equal(names[i], name))
                        return values[i];

        return NULL;
}

/* GLib wants an error of its own to stop. */
static void graphml_stop(GraphmlReader *graphml, int r, GError **error)
{
        if (r >= 0)
                return;
        graphml->r = r;
        g_set_error_literal(error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT, "refused");
}

static void on_start(GMarkupParseContext *context, const char *element, const char **names,
                const char **values, gpointer userdata, GError **error)
{
        GraphmlReader *graphml = userdata;
        const char *id = attribute_of(names, values, "id");

        if (g_str_equal(element, "key")) {
                const char *name = attribute_of(names, values, "attr.name");

                if (id && name)
                        g_hash_table_insert(graphml->keys, g_strdup(id), g_strdup(name));
        } else if (g_str_equal(element, "graph")) {
                graphml->reader->graph->directed =
                                g_strcmp0(attribute_of(names, values, "edgedefault"), "directed") == 0;
        } else if (g_str_equal(element, "node") && !graphml->in_node && !graphml->in_edge) {
                graphml->in_node = true;
                graphml->line = graphml_line(context);
                graphml->node = (FleetGraphNode){.id = g_strdup(id)};
        } else if (g_str_equal(element, "edge") && !graphml->in_node && !graphml->in_edge) {
                graphml->in_edge = true;
                graphml->line = graphml_line(context);
                graphml->edge = (FleetGraphEdge){.line = graphml->line};
                graphml->source = g_strdup(attribute_of(names, values, "source"));
                graphml->target = g_strdup(attribute_of(names, values, "target"));
        } else if (g_str_equal(element, "data")) {
                const char *key = attribute_of(names, values, "key");

                graphml->attribute = key ? g_hash_table_lookup(graphml->keys, key) : NULL;
                g_string_truncate(graphml->data, 0);
        } else if (graphml->in_node || graphml->in_edge)
                graphml_stop(graphml,
                                key_file_error(graphml->reader->path, graphml_line(context),
                                                graphml->reader->ret_error,
                                                "a node or an edge has no other element than <data>"),
                                error);
}

static void on_text(GMarkupParseContext *context, const char *text, gsize size, gpointer userdata,
                GError **error)
{
        GraphmlReader *graphml = userdata;

        if (graphml->attribute)
                g_string_append_len(graphml->data, text, (gssize) size);
}

static int graphml_take_bits(const GraphmlReader *graphml, unsigned line, uint64_t *ret_bits)
{
        char *end = NULL;
        double kib = g_ascii_strtod(graphml->data->str, &end);
        g_autofree char *shown = text_for_display(graphml->data->str, 40);

        if (end == graphml->data->str || *end || !(kib * BITS_OF_KIB >= 1 && kib * BITS_OF_KIB <= BITS_MAX))
                return key_file_error(graphml->reader->path, line, graphml->reader->ret_error,
                                "%s %s: not a bandwidth: write a number of KiB a second", graphml->attribute,
                                shown);
        *ret_bits = (uint64_t) (kib * BITS_OF_KIB + 0.5);
        return 0;
}

static int graphml_take_data(GraphmlReader *graphml, unsigned line)
{
        const char *name = graphml->attribute;

        g_strstrip(graphml->data->str);
        if (graphml->in_edge && g_str_equal(name, "latency"))
                return graph_parse_latency(graphml->reader, line, graphml->data->str, LATENCY_UNIT,
                                &graphml->edge.latency);
        if (graphml->in_edge && g_str_equal(name, "packetloss"))
                return graph_parse_share(
                                graphml->reader, line, name, graphml->data->str, &graphml->edge.loss);
        if (graphml->in_node && g_str_equal(name, "bandwidthup"))
                return graphml_take_bits(graphml, line, &graphml->node.up);
        if (graphml->in_node && g_str_equal(name, "bandwidthdown"))
                return graphml_take_bits(graphml, line, &graphml->node.down);
        return 0;
}

static void on_end(GMarkupParseContext *context, const char *element, gpointer userdata, GError **error)
{
        GraphmlReader *graphml = userdata;
        int r = 0;

        if (g_str_equal(element, "data")) {
                if (graphml->attribute)
                        r = graphml_take_data(graphml, graphml_line(context));
                graphml->attribute = NULL;
        } else if (g_str_equal(element, "node") && graphml->in_node) {
                graphml->in_node = false;
                r = graph_add_node(graphml->reader, &graphml->node, graphml->line);
                g_clear_pointer(&graphml->node.id, g_free);
        } else if (g_str_equal(element, "edge") && graphml->in_edge) {
                graphml->in_edge = false;
                r = graph_add_edge(graphml->reader, &graphml->edge, g_steal_pointer(&graphml->source),
                                g_steal_pointer(&graphml->target));
        }
        graphml_stop(graphml, r, error);
}

int graph_read_graphml(GraphReader *reader, const char *text, size_t size)
{
        static const GMarkupParser parser = {
                        .start_element = on_start, .end_element = on_end, .text = on_text};
        g_autoptr(GHashTable) keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_autoptr(GString) data = g_string_new(NULL);
        GraphmlReader graphml = {.reader = reader, .keys = keys, .data = data};
        g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(&parser, 0, &graphml, NULL);
        g_autoptr(GError) error = NULL;

        if ((!g_markup_parse_context_parse(context, text, (gssize) size, &error) ||
                            !g_markup_parse_context_end_parse(context, &error)) &&
                        graphml.r >= 0)
                graphml.r = key_file_error(reader->path, graphml_line(context), reader->ret_error,
                                "not XML: %s", error->message);
        g_free(graphml.node.id);
        g_free(graphml.source);
        g_free(graphml.target);
        return graphml.r;
}
