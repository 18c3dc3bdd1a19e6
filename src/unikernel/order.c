/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names of other units in definitions, and the graph that After= and Before= make of them. */

#include "unikernel/order.h"

#include <string.h>

#include "common/unikernel-name.h"

#define SHOWN_MAX 24 /* names of a loop that are shown */

char *order_name_unit(const char *name)
{
        return order_name_is_unikernel(name) ? unit_name_for(name) : g_strdup(name);
}

char **order_names(const Definition *definition, OrderKey key)
{
        return definition->order[key] ? g_strsplit(definition->order[key], " ", -1) : g_new0(char *, 1);
}

bool order_is_any(const Definition *definition)
{
        for (OrderKey key = 0; key < _ORDER_KEY_MAX; key++)
                if (definition->order[key])
                        return true;

        return false;
}

OrderNode *order_node_new(const Definition *definition)
{
        OrderNode *node = g_new0(OrderNode, 1);

        *node = (OrderNode){.name = g_strdup(definition->name),
                        .owner = definition->owner,
                        .group = definition->group};
        for (OrderKey key = 0; key < _ORDER_KEY_MAX; key++)
                node->lists[key] = g_strdup(definition->order[key]);
        return node;
}

void order_node_free(OrderNode *node)
{
        if (!node)
                return;

        g_free(node->name);
        for (OrderKey key = 0; key < _ORDER_KEY_MAX; key++)
                g_free(node->lists[key]);
        g_free(node);
}

/* --- Loops --- */

/* name → the names (GPtrArray, interned) that it starts after. */
typedef GHashTable OrderGraph;

static void order_graph_add(OrderGraph *graph, const char *later, const char *earlier)
{
        GPtrArray *names = g_hash_table_lookup(graph, later);

        if (!names) {
                names = g_ptr_array_new_with_free_func(g_free);
                g_hash_table_insert(graph, g_strdup(later), names);
        }
        g_ptr_array_add(names, g_strdup(earlier));
}

static void order_array_destroy(gpointer data)
{
        g_ptr_array_unref(data);
}

static OrderGraph *order_graph_new(const GPtrArray *nodes)
{
        OrderGraph *graph = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, order_array_destroy);

        for (guint i = 0; i < nodes->len; i++) {
                const OrderNode *node = nodes->pdata[i];

                for (OrderKey key = ORDER_AFTER; key <= ORDER_BEFORE; key++) {
                        g_auto(GStrv) names = g_strsplit(node->lists[key] ?: "", " ", -1);

                        for (char **name = names; *name; name++)
                                if (**name)
                                        order_graph_add(graph, key == ORDER_AFTER ? node->name : *name,
                                                        key == ORDER_AFTER ? *name : node->name);
                }
        }

        return graph;
}

typedef struct OrderStep {
        const char *name;
        guint next; /* the next of those that it starts after */
} OrderStep;

/* The path from step first on, and back to it. */
static char *order_path_format(const GArray *path, guint first)
{
        g_autoptr(GString) text = g_string_new(NULL);

        for (guint i = first; i < path->len; i++)
                if (i < first + SHOWN_MAX / 2 || i >= path->len - SHOWN_MAX / 2)
                        g_string_append_printf(text, "%s → ", g_array_index(path, OrderStep, i).name);
                else if (i == first + SHOWN_MAX / 2)
                        g_string_append(text, "… → ");
        g_string_append(text, g_array_index(path, OrderStep, first).name);
        return g_string_free(g_steal_pointer(&text), FALSE);
}

/* Depth first, with the path as a stack of its own: a chain of definitions may have any length. only: only
 * loops through root. on_path and seen: sets of names. */
static char *order_search(OrderGraph *graph, const char *root, bool only, GHashTable *seen)
{
        g_autoptr(GHashTable) on_path = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(GArray) path = g_array_new(FALSE, FALSE, sizeof(OrderStep));
        OrderStep step = {.name = root};

        if (!g_hash_table_add(seen, (gpointer) root))
                return NULL;
        g_array_append_val(path, step);
        g_hash_table_add(on_path, (gpointer) root);
        while (path->len > 0) {
                OrderStep *last = &g_array_index(path, OrderStep, path->len - 1);
                const GPtrArray *earlier = g_hash_table_lookup(graph, last->name);
                const char *name;

                if (!earlier || last->next >= earlier->len) {
                        g_hash_table_remove(on_path, last->name);
                        g_array_set_size(path, path->len - 1);
                        continue;
                }
                name = earlier->pdata[last->next++];
                if (only ? g_str_equal(name, root) : g_hash_table_contains(on_path, name))
                        for (guint i = 0; i < path->len; i++)
                                if (g_str_equal(g_array_index(path, OrderStep, i).name, name))
                                        return order_path_format(path, i);
                if (g_hash_table_add(seen, (gpointer) name)) {
                        step = (OrderStep){.name = name};
                        g_array_append_val(path, step);
                        g_hash_table_add(on_path, (gpointer) name);
                }
        }

        return NULL;
}

char *order_find_loop(const GPtrArray *nodes, const char *from)
{
        g_autoptr(GHashTable) graph = order_graph_new(nodes);
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
        char *loop = NULL;

        if (from)
                return order_search(graph, from, true, seen);

        for (guint i = 0; !loop && i < nodes->len; i++)
                loop = order_search(graph, ((const OrderNode *) nodes->pdata[i])->name, false, seen);

        return loop;
}
