/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints tables as text and, from the same cells, as JSON. */

#include "ctl/output/table.h"

#include <stdio.h>
#include <string.h>

#include "common/string-util.h"
#include "ctl/output/format.h"

#define CELL_LENGTH_MAX 4096

typedef struct Cell {
        char *text;
        Color color;
        JsonNode *json;
        JsonObject *facts; /* further values for JSON; NULL if none */
} Cell;

struct Table {
        const char *const *headers;
        guint columns;
        char **keys;
        GPtrArray *cells; /* Cell, row by row */
};

static void cell_free(gpointer data)
{
        Cell *cell = data;

        g_free(cell->text);
        json_node_unref(cell->json);
        g_clear_pointer(&cell->facts, json_object_unref);
        g_free(cell);
}

Table *table_new(const char *const *headers)
{
        Table *table = g_new0(Table, 1);

        table->headers = headers;
        table->columns = g_strv_length((char **) headers);
        table->keys = g_new0(char *, table->columns + 1);
        for (guint i = 0; i < table->columns; i++) {
                table->keys[i] = g_ascii_strdown(headers[i], -1);
                table->keys[i][0] = g_ascii_toupper(table->keys[i][0]);
        }
        table->cells = g_ptr_array_new_with_free_func(cell_free);
        return table;
}

void table_free(Table *table)
{
        if (!table)
                return;

        g_strfreev(table->keys);
        g_ptr_array_unref(table->cells);
        g_free(table);
}

void table_add(Table *table, const char *text, Color color, JsonNode *json)
{
        Cell *cell = g_new0(Cell, 1);

        cell->text = text && *text ? text_for_display(text, CELL_LENGTH_MAX) : g_strdup("-");
        cell->color = color;
        cell->json = json ?: json_text(text);
        g_ptr_array_add(table->cells, cell);
}

void table_set_key(Table *table, guint column, const char *key)
{
        g_free(table->keys[column]);
        table->keys[column] = g_strdup(key);
}

void table_add_fact(Table *table, const char *key, JsonNode *json)
{
        Cell *cell = table->cells->pdata[table->cells->len - 1];

        if (!cell->facts)
                cell->facts = json_object_new();
        json_object_set_member(cell->facts, key, json);
}

void table_add_owner(Table *table, uid_t owner)
{
        g_autofree char *name = format_user(owner);

        table_add(table, name, COLOR_NONE, json_number(owner));
        table_add_fact(table, "OwnerName", json_text(name));
}

static guint table_rows(const Table *table)
{
        return table->cells->len / table->columns;
}

static const Cell *table_cell(const Table *table, guint row, guint column)
{
        return table->cells->pdata[row * table->columns + column];
}

/* The last column is not padded, so that no line ends with white space. */
static void table_print_cell(const Table *table, const char *text, Color color, guint column, size_t width)
{
        bool last = column + 1 == table->columns;

        printf("%s%s%s%*s", color_on(color), text, color_off(color),
                        last ? 0 : (int) (width - text_width(text) + 1), "");
        if (last)
                putchar('\n');
}

static void table_print_text(const Table *table, bool legend, const char *sum)
{
        g_autofree size_t *widths = g_new0(size_t, table->columns);
        guint rows = table_rows(table);

        for (guint column = 0; column < table->columns; column++) {
                widths[column] = legend ? text_width(table->headers[column]) : 0;
                for (guint row = 0; row < rows; row++)
                        widths[column] = MAX(
                                        widths[column], text_width(table_cell(table, row, column)->text));
        }

        for (guint column = 0; column < table->columns && legend && rows > 0; column++)
                table_print_cell(table, table->headers[column], COLOR_BOLD, column, widths[column]);
        for (guint row = 0; row < rows; row++)
                for (guint column = 0; column < table->columns; column++) {
                        const Cell *cell = table_cell(table, row, column);

                        table_print_cell(table, cell->text, cell->color, column, widths[column]);
                }

        if (legend && sum)
                printf("%s%u %s.\n", rows > 0 ? "\n" : "", rows, sum);
}

static void add_facts(JsonObject *to, JsonObject *from)
{
        JsonObjectIter iter;
        const char *key;
        JsonNode *value;

        json_object_iter_init(&iter, from);
        while (json_object_iter_next(&iter, &key, &value))
                json_object_set_member(to, key, json_node_copy(value));
}

void table_print(const Table *table, const Options *options, const char *sum)
{
        g_autoptr(JsonNode) root = NULL;
        JsonArray *array;

        if (options->json == JSON_OFF) {
                table_print_text(table, !options->no_legend, sum);
                return;
        }

        array = json_array_new();
        for (guint row = 0; row < table_rows(table); row++) {
                JsonObject *object = json_object_new();

                for (guint column = 0; column < table->columns; column++) {
                        const Cell *cell = table_cell(table, row, column);

                        json_object_set_member(object, table->keys[column], json_node_copy(cell->json));
                        if (cell->facts)
                                add_facts(object, cell->facts);
                }
                json_array_add_object_element(array, object);
        }

        root = json_node_new(JSON_NODE_ARRAY);
        json_node_take_array(root, array);
        json_print(options, root);
}

void json_print(const Options *options, JsonNode *node)
{
        g_autoptr(JsonGenerator) generator = json_generator_new();
        g_autofree char *text = NULL, *shown = NULL;

        json_generator_set_pretty(generator, options->json == JSON_PRETTY);
        json_generator_set_indent(generator, 8);
        json_generator_set_root(generator, node);
        text = json_generator_to_data(generator, NULL);
        shown = json_for_display(text);
        puts(shown);
}

void json_print_array(const Options *options, JsonArray *array, bool single)
{
        g_autoptr(JsonNode) node = NULL;

        if (single && json_array_get_length(array) == 0)
                return;

        node = single ? json_node_copy(json_array_get_element(array, 0))
                      : json_node_init_array(json_node_alloc(), array);
        json_print(options, node);
}

void json_name_members(JsonObject *object, const char *member, const char *const *keys)
{
        JsonNode *node = json_object_get_member(object, member);
        JsonArray *structs = node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
        JsonArray *objects;

        if (!structs)
                return;

        objects = json_array_new();
        for (guint i = 0; i < json_array_get_length(structs); i++) {
                JsonArray *values = json_array_get_array_element(structs, i);
                JsonObject *one = json_object_new();

                for (guint k = 0; keys[k] && k < json_array_get_length(values); k++)
                        json_object_set_member(
                                        one, keys[k], json_node_copy(json_array_get_element(values, k)));
                json_array_add_object_element(objects, one);
        }
        json_object_set_array_member(object, member, objects);
}

JsonNode *json_text(const char *text)
{
        JsonNode *node = json_node_new(JSON_NODE_VALUE);

        json_node_set_string(node, text ?: "");
        return node;
}

/* JSON-GLib has signed 64-bit numbers; a larger one is systemd's "no limit" and becomes null. */
JsonNode *json_number(uint64_t number)
{
        JsonNode *node;

        if (number > INT64_MAX)
                return json_node_new(JSON_NODE_NULL);

        node = json_node_new(JSON_NODE_VALUE);
        json_node_set_int(node, (gint64) number);
        return node;
}

JsonNode *json_flag(bool flag)
{
        JsonNode *node = json_node_new(JSON_NODE_VALUE);

        json_node_set_boolean(node, flag);
        return node;
}
