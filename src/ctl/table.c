/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tables for people and, from the same cells, for programs. */

#include "ctl/table.h"

#include <stdio.h>
#include <string.h>

#include "common/string-util.h"

#define CELL_LENGTH_MAX 4096

typedef struct Cell {
        char *text;
        Color color;
        JsonNode *json;
} Cell;

struct Table {
        const char *const *headers;
        guint columns;
        GPtrArray *cells; /* Cell, row by row */
};

static void cell_free(Cell *cell)
{
        g_free(cell->text);
        json_node_unref(cell->json);
        g_free(cell);
}

Table *table_new(const char *const *headers)
{
        Table *table = g_new0(Table, 1);

        table->headers = headers;
        table->columns = g_strv_length((char **) headers);
        table->cells = g_ptr_array_new_with_free_func((GDestroyNotify) cell_free);
        return table;
}

void table_free(Table *table)
{
        if (!table)
                return;

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

static guint table_rows(const Table *table)
{
        return table->cells->len / table->columns;
}

static const Cell *table_cell(const Table *table, guint row, guint column)
{
        return table->cells->pdata[row * table->columns + column];
}

/* The last column is not padded, so that no line ends in white space. */
static void print_cell(const Table *table, const char *text, Color color, guint column, size_t width)
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
                print_cell(table, table->headers[column], COLOR_BOLD, column, widths[column]);
        for (guint row = 0; row < rows; row++)
                for (guint column = 0; column < table->columns; column++) {
                        const Cell *cell = table_cell(table, row, column);

                        print_cell(table, cell->text, cell->color, column, widths[column]);
                }

        if (legend && sum)
                printf("%s%u %s.\n", rows > 0 ? "\n" : "", rows, sum);
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
                        g_autofree char *key = g_ascii_strdown(table->headers[column], -1);

                        json_object_set_member(
                                        object, key, json_node_copy(table_cell(table, row, column)->json));
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

JsonNode *json_text(const char *text)
{
        JsonNode *node = json_node_new(JSON_NODE_VALUE);

        json_node_set_string(node, text ?: "");
        return node;
}

/* JSON-GLib has 64 bits with a sign; what is beyond is systemd's "no limit" and becomes null. */
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
