/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tree: the dependencies of unikernels, and theirs in turn, from the definitions that the caller may
 * read. */

#include <stdio.h>
#include <string.h>

#include "common/string-util.h"
#include "ctl/bus/client.h"
#include "ctl/output/pager.h"
#include "ctl/output/table.h"
#include "ctl/output/terminal.h"
#include "ctl/output/value.h"
#include "unikernel/order-key.h"

/* In the order in which they are shown. */
static const struct {
        OrderKey key;
        const char *word;
        bool leaf; /* do not show the dependencies of such a unit */
} tree_keys[] = {
                {ORDER_REQUIRES, "requires"},
                {ORDER_BINDS_TO, "binds to"},
                {ORDER_WANTS, "wants"},
                {ORDER_UPHOLDS, "upholds"},
                {ORDER_PART_OF, "part of"},
                {ORDER_AFTER, "after"},
                {ORDER_CONFLICTS, "conflicts", true},
                {ORDER_ON_FAILURE, "on failure", true},
};

typedef struct TreeEdge {
        char *name;
        GString *words;
        JsonArray *kinds;
        bool leaf; /* by all keys that name it */
} TreeEdge;

typedef struct TreeNode {
        const char *state;
        GPtrArray *edges; /* TreeEdge */
        bool child, shown;
} TreeNode;

typedef struct Tree {
        const Options *options;
        GPtrArray *rows;   /* UnikernelRow, by name */
        GHashTable *nodes; /* name → TreeNode, of all rows */
} Tree;

static void tree_edge_free(gpointer data)
{
        TreeEdge *edge = data;

        g_string_free(edge->words, TRUE);
        json_array_unref(edge->kinds);
        g_free(edge->name);
        g_free(edge);
}

static void tree_node_free(gpointer data)
{
        TreeNode *node = data;

        g_ptr_array_unref(node->edges);
        g_free(node);
}

static void tree_node_add(TreeNode *node, const char *name, size_t kind)
{
        TreeEdge *edge = NULL;

        for (guint i = 0; i < node->edges->len && !edge; i++)
                if (g_str_equal(((TreeEdge *) node->edges->pdata[i])->name, name))
                        edge = node->edges->pdata[i];
        if (!edge) {
                edge = g_new0(TreeEdge, 1);
                *edge = (TreeEdge){.name = g_strdup(name),
                                .words = g_string_new(NULL),
                                .kinds = json_array_new(),
                                .leaf = true};
                g_ptr_array_add(node->edges, edge);
        }

        edge->leaf = edge->leaf && tree_keys[kind].leaf;
        g_string_append_printf(edge->words, "%s%s", edge->words->len > 0 ? ", " : "", tree_keys[kind].word);
        json_array_add_string_element(edge->kinds, order_key_to_string(tree_keys[kind].key));
}

static void tree_add_key(Tree *tree, const char *name, JsonObject *details, size_t kind)
{
        JsonArray *array = value_array(details, order_key_to_string(tree_keys[kind].key));

        for (guint i = 0; array && i < json_array_get_length(array); i++)
                tree_node_add(g_hash_table_lookup(tree->nodes, name),
                                json_array_get_string_element(array, i), kind);
}

/* Before= means that the other one comes after. */
static void tree_add_before(Tree *tree, const char *name, JsonObject *details)
{
        JsonArray *array = value_array(details, order_key_to_string(ORDER_BEFORE));

        for (guint i = 0; array && i < json_array_get_length(array); i++) {
                TreeNode *node = g_hash_table_lookup(tree->nodes, json_array_get_string_element(array, i));

                for (size_t kind = 0; node && kind < G_N_ELEMENTS(tree_keys); kind++)
                        if (tree_keys[kind].key == ORDER_AFTER)
                                tree_node_add(node, name, kind);
        }
}

/* Adds what its definition says about itself and others. */
static void tree_add_details(Tree *tree, const char *name, JsonObject *all, bool others)
{
        JsonObject *details =
                        json_object_has_member(all, name) ? json_object_get_object_member(all, name) : NULL;

        if (details && others)
                tree_add_before(tree, name, details);
        for (size_t kind = 0; details && !others && kind < G_N_ELEMENTS(tree_keys); kind++)
                tree_add_key(tree, name, details, kind);
}

static int tree_read(Ctl *ctl, Tree *tree, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        g_autoptr(JsonObject) all = NULL;
        int r;

        r = client_list(ctl, &tree->rows, ret_error);
        if (r >= 0)
                r = client_call(ctl, "ListUnikernelDetails", &reply, ret_error, "as", 0);
        if (r < 0)
                return r;
        r = value_read_object(reply, &all);
        if (r < 0)
                return client_message_error(r, ret_error);

        for (guint i = 0; i < tree->rows->len; i++) {
                const UnikernelRow *row = tree->rows->pdata[i];
                TreeNode *node = g_new0(TreeNode, 1);

                *node = (TreeNode){.state = row->state,
                                .edges = g_ptr_array_new_with_free_func(tree_edge_free)};
                g_hash_table_insert(tree->nodes, row->name, node);
        }
        for (int others = 0; others < 2; others++)
                for (guint i = 0; i < tree->rows->len; i++)
                        tree_add_details(tree, ((const UnikernelRow *) tree->rows->pdata[i])->name, all,
                                        others);

        return 0;
}

static void tree_mark_children(Tree *tree)
{
        for (guint i = 0; i < tree->rows->len; i++) {
                const UnikernelRow *row = tree->rows->pdata[i];
                const TreeNode *node = g_hash_table_lookup(tree->nodes, row->name);

                for (guint j = 0; j < node->edges->len; j++) {
                        TreeNode *child = g_hash_table_lookup(
                                        tree->nodes, ((TreeEdge *) node->edges->pdata[j])->name);

                        if (child && child != node)
                                child->child = true;
                }
        }
}

/* Prints the rest of a line: the dot, the name, and how the line above depends on it. */
static void tree_print_name(const TreeNode *node, const char *name, const TreeEdge *edge)
{
        g_autofree char *shown = text_for_display(name, 256);
        bool again = node && node->shown && node->edges->len > 0,
             ghost = !node && order_name_is_unikernel(name);
        Color color = node ? state_color(node->state) : COLOR_NONE;

        printf("%s%s%s %s", color_on(color), node ? state_dot(node->state) : " ", color_off(color), shown);
        if (edge)
                printf(" %s(%s)%s", color_on(COLOR_GREY), edge->words->str, color_off(COLOR_GREY));
        puts(ghost ? ": there is no such unikernel" : again && !(edge && edge->leaf) ? ": see above" : "");
}

static void tree_print(const Tree *tree, const char *name, const TreeEdge *edge, const char *indent)
{
        TreeNode *node = g_hash_table_lookup(tree->nodes, name);
        bool utf8 = terminal_has_utf8();

        tree_print_name(node, name, edge);
        if (!node || node->shown || (edge && edge->leaf))
                return;
        node->shown = true;

        for (guint i = 0; i < node->edges->len; i++) {
                const TreeEdge *below = node->edges->pdata[i];
                bool last = i + 1 == node->edges->len;
                g_autofree char *further = g_strconcat(indent, last ? "  " : utf8 ? "│ " : "| ", NULL);

                printf("%s%s", indent, utf8 ? (last ? "└─" : "├─") : (last ? "`-" : "|-"));
                tree_print(tree, below->name, below, further);
        }
}

/* Appends a node and everything that it depends on, each once. */
static void tree_append_json(const Tree *tree, const char *name, JsonArray *array)
{
        TreeNode *node = g_hash_table_lookup(tree->nodes, name);
        JsonArray *dependencies;
        JsonObject *object;

        if (!node || node->shown)
                return;
        node->shown = true;

        object = json_object_new();
        dependencies = json_array_new();
        json_object_set_string_member(object, "Name", name);
        json_object_set_string_member(object, "State", node->state);
        for (guint i = 0; i < node->edges->len; i++) {
                const TreeEdge *edge = node->edges->pdata[i];
                JsonObject *dependency = json_object_new();

                json_object_set_string_member(dependency, "Name", edge->name);
                json_object_set_array_member(dependency, "Kinds", json_array_ref(edge->kinds));
                json_array_add_object_element(dependencies, dependency);
        }
        json_object_set_array_member(object, "Dependencies", dependencies);
        json_array_add_object_element(array, object);
        for (guint i = 0; i < node->edges->len; i++)
                if (!((TreeEdge *) node->edges->pdata[i])->leaf)
                        tree_append_json(tree, ((TreeEdge *) node->edges->pdata[i])->name, array);
}

static void tree_show(const Tree *tree, const char *name, JsonArray *array)
{
        if (tree->options->json != JSON_OFF)
                tree_append_json(tree, name, array);
        else
                tree_print(tree, name, NULL, "");
}

/* Shows the nodes that no other names, then the rest: cycles of Requires= and similar keys, which have no
 * beginning. */
static void tree_show_all(const Tree *tree, JsonArray *array)
{
        for (int rest = 0; rest < 2; rest++)
                for (guint i = 0; i < tree->rows->len; i++) {
                        const char *name = ((const UnikernelRow *) tree->rows->pdata[i])->name;
                        const TreeNode *node = g_hash_table_lookup(tree->nodes, name);

                        if (!node->shown && (rest || !node->child))
                                tree_show(tree, name, array);
                }
}

int verb_tree(Ctl *ctl, char **operands, Error *ret_error)
{
        g_autoptr(GHashTable) nodes = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, tree_node_free);
        g_autoptr(JsonArray) array = json_array_new();
        Tree tree = {.options = &ctl->options, .nodes = nodes};
        g_autoptr(GPtrArray) rows = NULL;
        g_auto(GStrv) names = NULL;
        int r;

        r = client_expand(ctl, operands, &names, ret_error);
        if (r >= 0)
                r = tree_read(ctl, &tree, ret_error);
        rows = tree.rows;
        if (r < 0)
                return r;
        for (char **name = names; *name; name++)
                if (!g_hash_table_contains(nodes, *name))
                        return client_refuse_name(*name, ret_error);

        pager_open(&ctl->options);
        tree_mark_children(&tree);
        if (!names[0])
                tree_show_all(&tree, array);
        for (char **name = names; *name; name++)
                tree_show(&tree, *name, array);
        if (ctl->options.json != JSON_OFF)
                json_print_array(&ctl->options, array, false);
        return CTL_EXIT_SUCCESS;
}
