/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rules of a network at a moment of the schedule. Members that nothing tells apart are one class, so
 * that a fleet of thousands has few lines; only a topology needs lines for pairs. */

#include <string.h>

#include "common/keyfile.h"
#include "fleet/expansion/links.h"
#include "fleet/expansion/topology.h"
#include "fleet/plan/graph.h"
#include "fleet/plan/link-shape.h"
#include "link/rules.h"

#define SHAPE_DIRECT_ID  0
#define SHAPE_BLOCKED_ID 1
#define CLASSES_MAX      (RULES_CLASSES_MAX - 1) /* "-" is one, too */

/* What tells members apart without any event. */
typedef struct BaseClass {
        const FleetGroup *group;
        const FleetRegion *region;
        guint node; /* 0 without a graph */
} BaseClass;

/* And which partitions have it on which side. */
typedef struct LinkClass {
        guint base;
        const char *sides;
} LinkClass;

typedef struct RulesWriter {
        const FleetExpansion *expansion;
        const FleetLinks *links;
        const FleetMatrix *matrix; /* NULL: none is about this network */
        GPtrArray *cuts;           /* bool *: by members of the fleet, who is apart */
        GPtrArray *events;         /* const FleetPath */
        GArray *bases, *classes;   /* BaseClass, LinkClass */
        guint *class_of, *base_of; /* of each member, by its place */
        GStringChunk *words;
        GPtrArray *shapes;  /* char *: the words of each shape */
        GHashTable *known;  /* those → their number */
        guint *base_shapes; /* by two bases */
        GString *out;
        Error *ret_error;
} RulesWriter;

/* What the entries have done to this network. */
static void writer_take_entries(RulesWriter *writer, guint n_entries)
{
        const FleetExpansion *expansion = writer->expansion;

        for (guint i = 0; i < MIN(n_entries, expansion->schedule->len); i++) {
                const FleetEntry *entry = &g_array_index(expansion->schedule, FleetEntry, i);

                if (entry->verb == FLEET_LINK)
                        g_ptr_array_add(writer->events, entry->action->path);
                else if (entry->verb == FLEET_PARTITION) {
                        bool *apart = g_new0(bool, expansion->members->len + 1);

                        for (guint k = 0; k < entry->members->len; k++)
                                apart[g_array_index(entry->members, guint, k)] = true;
                        g_ptr_array_add(writer->cuts, apart);
                } else if (entry->verb == FLEET_HEAL && !entry->members)
                        g_ptr_array_set_size(writer->cuts, 0);
                else if (entry->verb == FLEET_HEAL)
                        for (guint cut = 0; cut < writer->cuts->len; cut++)
                                for (guint k = 0; k < entry->members->len; k++)
                                        ((bool *) writer->cuts->pdata[cut])[g_array_index(
                                                        entry->members, guint, k)] = false;
        }
}

static guint writer_find_base(RulesWriter *writer, GHashTable *known, const BaseClass *base)
{
        g_autofree char *key = g_strdup_printf(
                        "%p %p %u", (const void *) base->group, (const void *) base->region, base->node);
        guint number = GPOINTER_TO_UINT(g_hash_table_lookup(known, key));

        if (number == 0) {
                g_array_append_val(writer->bases, *base);
                number = writer->bases->len;
                g_hash_table_insert(known, g_steal_pointer(&key), GUINT_TO_POINTER(number));
        }
        return number - 1;
}

static guint writer_find_class(RulesWriter *writer, GHashTable *known, guint base, guint member)
{
        g_autoptr(GString) sides = g_string_new(NULL);
        g_autofree char *key = NULL;
        guint number;

        for (guint cut = 0; cut < writer->cuts->len; cut++)
                g_string_append_c(sides, ((const bool *) writer->cuts->pdata[cut])[member] ? '1' : '0');
        key = g_strdup_printf("%u %s", base, sides->str);
        number = GPOINTER_TO_UINT(g_hash_table_lookup(known, key));
        if (number == 0) {
                LinkClass class = {.base = base,
                                .sides = g_string_chunk_insert_const(writer->words, sides->str)};

                g_array_append_val(writer->classes, class);
                number = writer->classes->len;
                g_hash_table_insert(known, g_steal_pointer(&key), GUINT_TO_POINTER(number));
        }
        return number - 1;
}

static int writer_classify(RulesWriter *writer)
{
        g_autoptr(GHashTable) bases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                              classes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        const FleetLinks *links = writer->links;

        for (guint place = 0; place < links->members->len; place++) {
                guint number = g_array_index(links->members, guint, place);
                const FleetMember *member = fleet_member_at(writer->expansion, number);
                BaseClass base = {.group = member->group,
                                .region = member->region,
                                .node = links->nodes ? links->nodes[place] : 0};

                writer->base_of[place] = writer_find_base(writer, bases, &base);
                writer->class_of[place] = writer_find_class(writer, classes, writer->base_of[place], number);
        }
        if (writer->classes->len > CLASSES_MAX)
                return key_file_error(writer->expansion->plan->path, links->network->line, writer->ret_error,
                                "[Network %s]: its members are of %u kinds by groups, regions, nodes and "
                                "partitions, and %d is the most: write fewer of them",
                                links->network->name, writer->classes->len, CLASSES_MAX);
        return 0;
}

static bool side_has(const FleetSide *side, const BaseClass *base)
{
        return side->group ? side->group == base->group : !side->region || side->region == base->region;
}

static bool path_has(
                const FleetPath *path, const FleetLinks *links, const BaseClass *from, const BaseClass *to)
{
        if (path->network && path->network != links->network)
                return false;
        return (side_has(&path->from, from) && side_has(&path->to, to)) ||
               (path->both && side_has(&path->from, to) && side_has(&path->to, from));
}

/* Of all round trips, half. */
static void add_matrix(const FleetMatrix *matrix, const BaseClass *from, const BaseClass *to, Shape *shape)
{
        guint a, b;

        if (!from->region || !to->region || !g_ptr_array_find(matrix->regions, from->region, &a) ||
                        !g_ptr_array_find(matrix->regions, to->region, &b))
                return;

        shape->latency_usec = (uint64_t) (matrix->rtt[(gsize) a * matrix->regions->len + b] * 500 + 0.5);
        shape->jitter_usec = (uint64_t) ((double) shape->latency_usec * matrix->jitter / 100 + 0.5);
        shape->distribution = matrix->jitter > 0 ? matrix->distribution : SHAPE_UNIFORM;
}

static void add_graph(const FleetLinks *links, const BaseClass *from, const BaseClass *to, Shape *shape)
{
        const GArray *nodes = links->topology->graph->nodes;
        gsize cell = (gsize) from->node * links->used->len + to->node;
        uint64_t up = g_array_index(nodes, FleetGraphNode, g_array_index(links->used, guint, from->node)).up,
                 down = g_array_index(nodes, FleetGraphNode, g_array_index(links->used, guint, to->node))
                                        .down,
                 rate = up > 0 && down > 0 ? MIN(up, down) : MAX(up, down);

        shape->latency_usec = links->latency[cell];
        shape->loss = (uint32_t) (links->loss[cell] * SHAPE_WHOLE + 0.5);
        shape->rate = rate > 0 ? CLAMP(rate, SHAPE_RATE_MIN, SHAPE_RATE_MAX) : 0;
}

static void writer_plan_shape(
                const RulesWriter *writer, const BaseClass *from, const BaseClass *to, FleetShape *shape)
{
        const GPtrArray *paths = writer->expansion->plan->paths;

        *shape = (FleetShape){.shape = SHAPE_DIRECT};
        if (writer->matrix)
                add_matrix(writer->matrix, from, to, &shape->shape);
        if (writer->links->nodes)
                add_graph(writer->links, from, to, &shape->shape);
        for (guint i = 0; i < paths->len; i++) {
                const FleetPath *path = paths->pdata[i];

                if (path_has(path, writer->links, from, to))
                        fleet_shape_merge(shape, &path->shape);
        }
}

/* The number of a shape. */
static guint writer_find_shape(RulesWriter *writer, const Shape *shape)
{
        g_autofree char *words = shape_format(shape);
        gpointer number;

        if (shape->blocked)
                return SHAPE_BLOCKED_ID;
        if (!*words)
                return SHAPE_DIRECT_ID;
        if (!g_hash_table_lookup_extended(writer->known, words, NULL, &number)) {
                number = GUINT_TO_POINTER(writer->shapes->len + 2);
                g_hash_table_insert(writer->known, words, number);
                g_ptr_array_add(writer->shapes, g_steal_pointer(&words));
        }
        return GPOINTER_TO_UINT(number);
}

static int writer_shape_pair(RulesWriter *writer, guint a, guint b)
{
        const BaseClass *from = &g_array_index(writer->bases, BaseClass, a),
                        *to = &g_array_index(writer->bases, BaseClass, b);
        _cleanup_error_ Error error = ERROR_INIT;
        FleetShape shape, planned;
        int r;

        writer_plan_shape(writer, from, to, &planned);
        shape = planned;
        for (guint i = 0; i < writer->events->len; i++) {
                const FleetPath *path = writer->events->pdata[i];

                if (!path_has(path, writer->links, from, to))
                        continue;
                shape.shape.blocked = false;
                if (path->change == FLEET_PATH_SHAPED)
                        fleet_shape_merge(&shape, &path->shape);
                else if (path->change == FLEET_PATH_PLANNED)
                        shape = planned;
                else
                        shape = (FleetShape){.shape.blocked = path->change == FLEET_PATH_BLOCKED};
        }
        r = shape_check(&shape.shape, &error);
        if (r < 0)
                return key_file_error(writer->expansion->plan->path, writer->links->network->line,
                                writer->ret_error, "[Network %s]: a link from %s to %s: %s",
                                writer->links->network->name, from->group->name, to->group->name,
                                error_message(&error, r));

        writer->base_shapes[(gsize) a * writer->bases->len + b] = writer_find_shape(writer, &shape.shape);
        return 0;
}

static void append_shape_name(GString *out, guint shape)
{
        if (shape == SHAPE_DIRECT_ID)
                g_string_append(out, "direct");
        else if (shape == SHAPE_BLOCKED_ID)
                g_string_append(out, "blocked");
        else
                g_string_append_printf(out, "s%u", shape - 1);
}

static int writer_check_size(const RulesWriter *writer)
{
        if (writer->out->len > RULES_SIZE_MAX)
                return key_file_error(writer->expansion->plan->path, writer->links->network->line,
                                writer->ret_error,
                                "[Network %s]: the rules of its links are larger than 16 MiB: write a "
                                "topology "
                                "with fewer links or nodes",
                                writer->links->network->name);
        return 0;
}

static void writer_append_head(RulesWriter *writer)
{
        const FleetPlan *plan = writer->expansion->plan;
        GString *out = writer->out;

        g_string_append_printf(out, "# Links of [Network %s] of the fleet %s\nseed %s\n",
                        writer->links->network->name, plan->name, plan->seed);
        for (guint i = 0; i < writer->classes->len; i++) {
                const LinkClass *class = &g_array_index(writer->classes, LinkClass, i);
                const BaseClass *base = &g_array_index(writer->bases, BaseClass, class->base);

                g_string_append_printf(out, "# class %u: %s", i, base->group->name);
                if (base->region)
                        g_string_append_printf(out, ", region %s", base->region->name);
                if (writer->links->nodes) {
                        guint node = g_array_index(writer->links->used, guint, base->node);
                        g_autofree char *id = g_strdelimit(
                                        g_strdup(g_array_index(writer->links->topology->graph->nodes,
                                                        FleetGraphNode, node)
                                                                        .id),
                                        "\n\r\t", ' ');

                        g_string_append_printf(out, ", node %s", id);
                }
                if (*class->sides)
                        g_string_append_printf(out, ", partitions %s", class->sides);
                g_string_append_c(out, '\n');
        }
        for (guint place = 0; place < writer->links->members->len; place++)
                g_string_append_printf(out, "member %s %u\n",
                                fleet_member_at(writer->expansion,
                                                g_array_index(writer->links->members, guint, place))
                                                ->name,
                                writer->class_of[place]);
        for (guint i = 0; i < writer->shapes->len; i++)
                g_string_append_printf(
                                out, "shape s%u %s\n", i + 1, (const char *) writer->shapes->pdata[i]);
}

static guint writer_class_shape(const RulesWriter *writer, guint a, guint b)
{
        const LinkClass *from = &g_array_index(writer->classes, LinkClass, a),
                        *to = &g_array_index(writer->classes, LinkClass, b);

        /* The same text is the same pointer: writer_find_class(). */
        if (from->sides != to->sides)
                return SHAPE_BLOCKED_ID;
        return writer->base_shapes[(gsize) from->base * writer->bases->len + to->base];
}

/* The most frequent shape is that of all, the others are lines. */
static int writer_append_links(RulesWriter *writer)
{
        guint n = writer->classes->len, most = SHAPE_DIRECT_ID;
        g_autofree guint *counts = g_new0(guint, writer->shapes->len + 2);
        int r = 0;

        for (guint a = 0; a < n; a++)
                for (guint b = 0; b < n; b++)
                        counts[writer_class_shape(writer, a, b)]++;
        for (guint shape = 0; shape < writer->shapes->len + 2; shape++)
                if (counts[shape] > counts[most])
                        most = shape;

        if (most != SHAPE_DIRECT_ID) {
                g_string_append(writer->out, "link * * ");
                append_shape_name(writer->out, most);
                g_string_append_c(writer->out, '\n');
        }
        for (guint a = 0; r >= 0 && a < n; a++) {
                for (guint b = 0; b < n; b++) {
                        guint shape = writer_class_shape(writer, a, b);

                        if (shape == most)
                                continue;
                        g_string_append_printf(writer->out, "link %u %u ", a, b);
                        append_shape_name(writer->out, shape);
                        g_string_append_c(writer->out, '\n');
                }
                r = writer_check_size(writer);
        }

        return r;
}

static void append_pair(RulesWriter *writer, guint from, guint to)
{
        const GArray *members = writer->links->members;
        guint shape = writer_class_shape(writer, writer->class_of[from], writer->class_of[to]);

        if (shape == SHAPE_BLOCKED_ID)
                return;
        g_string_append_printf(writer->out, "pair %s %s ",
                        fleet_member_at(writer->expansion, g_array_index(members, guint, from))->name,
                        fleet_member_at(writer->expansion, g_array_index(members, guint, to))->name);
        append_shape_name(writer->out, shape);
        g_string_append_c(writer->out, '\n');
}

static int writer_append_pairs(RulesWriter *writer)
{
        const GArray *edges = writer->links->edges;
        int r = 0;

        g_string_append(writer->out, "link * * blocked\n");
        for (guint i = 0; r >= 0 && i < edges->len; i++) {
                const FleetEdge *edge = &g_array_index(edges, FleetEdge, i);

                append_pair(writer, edge->a, edge->b);
                append_pair(writer, edge->b, edge->a);
                r = writer_check_size(writer);
        }

        return r;
}

static void writer_append_boxes(RulesWriter *writer)
{
        const FleetLinks *links = writer->links;

        for (guint i = 0; i < links->boxes->len; i++) {
                const FleetBox *box = &g_array_index(links->boxes, FleetBox, i);
                g_autofree char *words = nat_behaviour_format(&box->nat->behaviour);
                char address[ADDRESS_TEXT_MAX];

                address_format_ip(&box->address, address);
                g_string_append_printf(writer->out, "nat %s %s%s%s\n", box->name, address, *words ? " " : "",
                                words);
        }
        for (guint place = 0; place < links->members->len; place++)
                if (links->behind[place] != FLEET_BOX_NONE)
                        g_string_append_printf(writer->out, "behind %s %s\n",
                                        fleet_member_at(writer->expansion,
                                                        g_array_index(links->members, guint, place))
                                                        ->name,
                                        g_array_index(links->boxes, FleetBox, links->behind[place]).name);
}

static int writer_write(RulesWriter *writer)
{
        guint n;
        int r;

        r = writer_classify(writer);
        n = writer->bases->len;
        if (r >= 0)
                writer->base_shapes = g_new0(guint, (gsize) n * n + 1);
        for (guint a = 0; r >= 0 && a < n; a++)
                for (guint b = 0; r >= 0 && b < n; b++)
                        r = writer_shape_pair(writer, a, b);
        if (r < 0)
                return r;

        writer_append_head(writer);
        r = writer->links->edges ? writer_append_pairs(writer) : writer_append_links(writer);
        if (r < 0)
                return r;
        writer_append_boxes(writer);
        return writer_check_size(writer);
}

int fleet_links_rules(const FleetExpansion *expansion, const FleetLinks *links, guint n_entries,
                char **ret_text, Error *ret_error)
{
        g_autoptr(GPtrArray) cuts = g_ptr_array_new_with_free_func(g_free), events = g_ptr_array_new(),
                             shapes = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GArray) bases = g_array_new(FALSE, FALSE, sizeof(BaseClass)),
                          classes = g_array_new(FALSE, FALSE, sizeof(LinkClass));
        g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(GString) out = g_string_new(NULL);
        g_autofree guint *class_of = g_new0(guint, links->members->len + 1),
                         *base_of = g_new0(guint, links->members->len + 1);
        RulesWriter writer = {.expansion = expansion,
                        .links = links,
                        .cuts = cuts,
                        .events = events,
                        .bases = bases,
                        .classes = classes,
                        .class_of = class_of,
                        .base_of = base_of,
                        .words = g_string_chunk_new(1024),
                        .shapes = shapes,
                        .known = known,
                        .out = out,
                        .ret_error = ret_error};
        int r;

        for (guint i = 0; i < expansion->plan->matrices->len; i++)
                if (((const FleetMatrix *) expansion->plan->matrices->pdata[i])->network == links->network)
                        writer.matrix = expansion->plan->matrices->pdata[i];
        writer_take_entries(&writer, n_entries);
        r = writer_write(&writer);
        g_free(writer.base_shapes);
        g_string_chunk_free(writer.words);
        if (r < 0)
                return r;

        *ret_text = g_string_free(g_steal_pointer(&out), FALSE);
        return 0;
}
