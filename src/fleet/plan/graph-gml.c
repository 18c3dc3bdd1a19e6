/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* GML (Himsolt, 1997): keys with numbers, strings in quotes, and lists in brackets. Keys that are not known
 * are skipped, as the format demands. */

#include <string.h>

#include "common/keyfile.h"
#include "common/string-util.h"
#include "fleet/plan/graph-private.h"

#define DEPTH_MAX    16
#define LATENCY_UNIT 1e6 /* a number without a unit is seconds */
#define BITS_MAX     1e15

typedef enum GmlKind {
        GML_END,
        GML_WORD, /* a key or a number */
        GML_STRING,
        GML_OPEN,
        GML_CLOSE,
} GmlKind;

/* With the token that was read last. */
typedef struct GmlReader {
        GraphReader *reader;
        const char *p, *end;
        unsigned line;
        GmlKind kind;
        char *text;
        unsigned text_line;
} GmlReader;

static int gml_refuse(const GmlReader *gml, const char *what)
{
        g_autofree char *shown = gml->text ? text_for_display(gml->text, 40) : NULL;

        return key_file_error(gml->reader->path, gml->text_line, gml->reader->ret_error, "%s%s%s%s", what,
                        shown ? ", and this is '" : "", shown ?: "", shown ? "'" : "");
}

static void gml_skip_space(GmlReader *gml)
{
        while (gml->p < gml->end && (g_ascii_isspace(*gml->p) || *gml->p == '#')) {
                if (*gml->p == '#')
                        gml->p = memchr(gml->p, '\n', (size_t) (gml->end - gml->p)) ?: gml->end;
                else
                        gml->line += *gml->p++ == '\n';
        }
}

static int gml_next(GmlReader *gml)
{
        const char *begin;

        gml_skip_space(gml);
        g_clear_pointer(&gml->text, g_free);
        gml->text_line = gml->line;
        gml->kind = GML_END;
        if (gml->p == gml->end)
                return 0;

        begin = gml->p;
        if (*begin == '[' || *begin == ']') {
                gml->kind = *gml->p++ == '[' ? GML_OPEN : GML_CLOSE;
        } else if (*begin == '"') {
                const char *quote = memchr(begin + 1, '"', (size_t) (gml->end - begin - 1));

                if (!quote)
                        return gml_refuse(gml, "a string is not closed: write '\"' at its end");
                gml->kind = GML_STRING;
                gml->p = quote + 1;
                for (const char *p = begin; p < quote; p++)
                        gml->line += *p == '\n';
                begin++;
                gml->text = g_strndup(begin, (size_t) (quote - begin));
                return 0;
        } else {
                while (gml->p < gml->end && !g_ascii_isspace(*gml->p) && !strchr("[]\"#", *gml->p))
                        gml->p++;
                gml->kind = GML_WORD;
        }
        gml->text = g_strndup(begin, (size_t) (gml->p - begin));
        return 0;
}

/* A key, of which the token is the name. */
static int gml_skip_value(GmlReader *gml)
{
        unsigned depth = 0;

        do {
                int r = gml_next(gml);

                if (r < 0)
                        return r;
                if (gml->kind == GML_END || (gml->kind == GML_CLOSE && depth == 0))
                        return gml_refuse(gml, "a key has no value");
                if (gml->kind == GML_OPEN && ++depth > DEPTH_MAX)
                        return gml_refuse(gml, "the lists are nested too deep");
                if (gml->kind == GML_CLOSE)
                        depth--;
        } while (depth > 0);

        return 0;
}

/* "100 Mbit", "1 Gbit", "1000 bit". */
static int gml_parse_bits(const GmlReader *gml, uint64_t *ret_bits)
{
        static const struct {
                const char *name;
                double factor;
        } units[] = {{"bit", 1}, {"Kbit", 1e3}, {"kbit", 1e3}, {"kilobit", 1e3}, {"Mbit", 1e6},
                        {"megabit", 1e6}, {"Gbit", 1e9}, {"gigabit", 1e9}, {"Tbit", 1e12}, {"Kibit", 1024.0},
                        {"kibibit", 1024.0}, {"Mibit", 1048576.0}, {"mebibit", 1048576.0},
                        {"Gibit", 1073741824.0}, {"gibibit", 1073741824.0}};
        char *end = NULL;
        double number = g_ascii_strtod(gml->text, &end), bits = *end ? -1 : number;

        while (*end == ' ')
                end++;
        for (size_t i = 0; end != gml->text && i < G_N_ELEMENTS(units); i++)
                if (g_str_equal(end, units[i].name))
                        bits = number * units[i].factor;
        if (!(bits >= 1 && bits <= BITS_MAX))
                return gml_refuse(gml, "not a bandwidth: write such as \"100 Mbit\"");

        *ret_bits = (uint64_t) (bits + 0.5);
        return 0;
}

/* Reads "[ KEY VALUE … ]", and has take see each value that is no list. */
static int gml_read_list(GmlReader *gml, const char *what,
                int (*take)(GmlReader *gml, const char *key, gpointer userdata), gpointer userdata)
{
        int r;

        r = gml_next(gml);
        if (r < 0)
                return r;
        if (gml->kind != GML_OPEN)
                return gml_refuse(gml, what);

        for (;;) {
                g_autofree char *key = NULL;

                r = gml_next(gml);
                if (r < 0)
                        return r;
                if (gml->kind == GML_CLOSE)
                        return 0;
                if (gml->kind != GML_WORD)
                        return gml_refuse(gml, "write the name of a key, or ']'");
                key = g_steal_pointer(&gml->text);
                r = take(gml, key, userdata);
                if (r < 0)
                        return r;
        }
}

/* The value of a key that has no list. */
static int gml_next_plain(GmlReader *gml)
{
        int r = gml_next(gml);

        if (r >= 0 && gml->kind != GML_WORD && gml->kind != GML_STRING)
                return gml_refuse(gml, "write a number or a string");
        return r;
}

static int gml_take_of_node(GmlReader *gml, const char *key, gpointer userdata)
{
        FleetGraphNode *node = userdata;
        bool up = g_str_equal(key, "host_bandwidth_up"), down = g_str_equal(key, "host_bandwidth_down");
        int r;

        if (!up && !down && !g_str_equal(key, "id"))
                return gml_skip_value(gml);

        r = gml_next_plain(gml);
        if (r < 0 || up || down)
                return r < 0 ? r : gml_parse_bits(gml, up ? &node->up : &node->down);
        g_free(node->id);
        node->id = g_steal_pointer(&gml->text);
        return 0;
}

typedef struct GmlEdge {
        FleetGraphEdge edge;
        char *source, *target;
} GmlEdge;

static int gml_take_of_edge(GmlReader *gml, const char *key, gpointer userdata)
{
        static const char *const known[] = {"source", "target", "latency", "packet_loss", NULL};
        GmlEdge *edge = userdata;
        char **end;
        int r;

        if (!g_strv_contains(known, key))
                return gml_skip_value(gml);

        r = gml_next_plain(gml);
        if (r < 0)
                return r;
        if (*key == 'l')
                return graph_parse_latency(
                                gml->reader, gml->text_line, gml->text, LATENCY_UNIT, &edge->edge.latency);
        if (*key == 'p')
                return graph_parse_share(gml->reader, gml->text_line, key, gml->text, &edge->edge.loss);

        end = *key == 's' ? &edge->source : &edge->target;
        g_free(*end);
        *end = g_steal_pointer(&gml->text);
        return 0;
}

static int gml_take_of_graph(GmlReader *gml, const char *key, gpointer userdata)
{
        unsigned line = gml->text_line;
        int r;

        if (g_str_equal(key, "node")) {
                FleetGraphNode node = {};

                r = gml_read_list(gml, "write node [ id NUMBER … ]", gml_take_of_node, &node);
                if (r >= 0)
                        r = graph_add_node(gml->reader, &node, line);
                g_free(node.id);
                return r;
        }
        if (g_str_equal(key, "edge")) {
                GmlEdge edge = {.edge.line = line};

                r = gml_read_list(gml, "write edge [ source NUMBER target NUMBER … ]", gml_take_of_edge,
                                &edge);
                if (r >= 0)
                        return graph_add_edge(gml->reader, &edge.edge, edge.source, edge.target);
                g_free(edge.source);
                g_free(edge.target);
                return r;
        }
        if (!g_str_equal(key, "directed"))
                return gml_skip_value(gml);

        r = gml_next_plain(gml);
        if (r < 0)
                return r;
        if (!g_str_equal(gml->text, "0") && !g_str_equal(gml->text, "1"))
                return gml_refuse(gml, "write directed 0 or directed 1");
        gml->reader->graph->directed = *gml->text == '1';
        return 0;
}

static int gml_read(GmlReader *gml)
{
        bool seen = false;

        for (;;) {
                int r = gml_next(gml);

                if (r < 0)
                        return r;
                if (gml->kind == GML_END)
                        return 0;
                if (gml->kind != GML_WORD)
                        return gml_refuse(gml, "write graph [ … ]");
                if (!g_str_equal(gml->text, "graph"))
                        r = gml_skip_value(gml);
                else if (seen)
                        return gml_refuse(gml, "a second graph: write one");
                else {
                        seen = true;
                        r = gml_read_list(gml, "write graph [ … ]", gml_take_of_graph, NULL);
                }
                if (r < 0)
                        return r;
        }
}

int graph_read_gml(GraphReader *reader, const char *text, size_t size)
{
        GmlReader gml = {.reader = reader, .p = text, .end = text + size, .line = 1};
        int r = gml_read(&gml);

        g_free(gml.text);
        return r;
}
