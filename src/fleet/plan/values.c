/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A reader of CSV. */

#include "fleet/plan/values.h"

#include <stdbool.h>
#include <string.h>

#include "common/keyfile.h"
#include "common/string-util.h"

typedef struct ValuesReader {
        const char *path, *p, *end;
        unsigned line;
        Error *ret_error;
} ValuesReader;

/* Reads one field; *ret_last: it is the last of its line. */
static int values_read_field(ValuesReader *reader, char **ret_field, bool *ret_last)
{
        g_autoptr(GString) field = g_string_new(NULL);
        unsigned began = reader->line;
        bool quoted = reader->p < reader->end && *reader->p == '"';

        if (quoted)
                reader->p++;
        for (; quoted; reader->p++) {
                if (reader->p == reader->end)
                        return key_file_error(reader->path, began, reader->ret_error,
                                        "a quote is not closed: write '\"' at the end of the field");
                if (*reader->p == '"') {
                        if (reader->p + 1 == reader->end || reader->p[1] != '"') {
                                reader->p++;
                                break;
                        }
                        reader->p++;
                }
                if (*reader->p == '\n' || *reader->p == '\r')
                        return key_file_error(reader->path, began, reader->ret_error,
                                        "a field of several lines: write it on one");
                g_string_append_c(field, *reader->p);
        }
        for (; reader->p < reader->end && !strchr(",\r\n", *reader->p); reader->p++) {
                if (quoted || *reader->p == '"')
                        return key_file_error(reader->path, reader->line, reader->ret_error,
                                        "a quote within a field: write the field in quotes, and '\"\"' for "
                                        "one "
                                        "in it");
                g_string_append_c(field, *reader->p);
        }

        *ret_last = reader->p == reader->end || *reader->p != ',';
        if (reader->p < reader->end && *reader->p == '\r')
                reader->p++;
        if (reader->p < reader->end) {
                reader->line += *reader->p == '\n';
                reader->p++;
        }
        *ret_field = g_string_free(g_steal_pointer(&field), FALSE);
        return 0;
}

static int values_read_line(ValuesReader *reader, char ***ret_fields)
{
        g_autoptr(GPtrArray) fields = g_ptr_array_new_with_free_func(g_free);
        bool last = false;

        while (!last) {
                char *field = NULL;
                int r = values_read_field(reader, &field, &last);

                if (r < 0)
                        return r;
                g_ptr_array_add(fields, field);
        }

        g_ptr_array_add(fields, NULL);
        *ret_fields = (char **) g_ptr_array_steal(fields, NULL);
        return 0;
}

static int values_check_columns(const ValuesReader *reader, char **columns)
{
        static const char *const own[] = {"index", "count", "group", "seed", "fleet", "choose", "choose6",
                        "name", "uuid", "owner", NULL};

        if (g_strv_length(columns) > FLEET_COLUMNS_MAX)
                return key_file_error(reader->path, 1, reader->ret_error, "more than %d columns",
                                FLEET_COLUMNS_MAX);
        for (char **column = columns; *column; column++) {
                g_autofree char *shown = text_for_display(*column, 40);

                if (!**column || strspn(*column, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-_") !=
                                                 strlen(*column))
                        return key_file_error(reader->path, 1, reader->ret_error,
                                        "'%s' is not the name of a field: write letters, digits, '-' and "
                                        "'_'",
                                        shown);
                if (g_strv_contains(own, *column))
                        return key_file_error(reader->path, 1, reader->ret_error,
                                        "each member has a field '%s' already: name the column otherwise",
                                        shown);
                if (g_strv_contains((const char *const *) column + 1, *column))
                        return key_file_error(reader->path, 1, reader->ret_error,
                                        "the column '%s' is there twice: rename one", shown);
        }

        return 0;
}

static void values_row_free(gpointer data)
{
        g_strfreev(data);
}

int fleet_table_parse(
                const char *path, const char *text, size_t size, GPtrArray **ret_rows, Error *ret_error)
{
        ValuesReader reader = {
                        .path = path, .p = text, .end = text + size, .line = 1, .ret_error = ret_error};
        g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(values_row_free);
        guint n = 0;

        for (size_t i = 0; i < size; i++)
                if ((unsigned char) text[i] < ' ' && !strchr("\t\r\n", text[i]))
                        return key_file_error(
                                        path, 1, ret_error, "the file has control characters: remove them");
        if (memchr(text, 0, size) || !g_utf8_validate(text, (gssize) size, NULL))
                return key_file_error(path, 1, ret_error, "the file is not text in UTF-8");
        if (size == 0)
                return key_file_error(path, 1, ret_error,
                                "the file is empty: write a line with the names of the fields, and one for "
                                "each member");

        while (reader.p < reader.end) {
                unsigned line = reader.line;
                char **row = NULL;
                int r;

                r = values_read_line(&reader, &row);
                if (r < 0)
                        return r;
                g_ptr_array_add(rows, row);
                if (rows->len == 1)
                        n = g_strv_length(row);
                if (g_strv_length(row) != n)
                        return key_file_error(path, line, ret_error, "%u fields, and the head has %u",
                                        g_strv_length(row), n);
        }

        *ret_rows = g_steal_pointer(&rows);
        return 0;
}

int fleet_values_parse(const char *path, const char *text, size_t size, GPtrArray **ret_columns,
                GPtrArray **ret_rows, Error *ret_error)
{
        ValuesReader reader = {.path = path, .ret_error = ret_error};
        g_autoptr(GPtrArray) rows = NULL;
        g_auto(GStrv) head = NULL;
        GPtrArray *columns;
        int r;

        r = fleet_table_parse(path, text, size, &rows, ret_error);
        if (r < 0)
                return r;
        head = g_ptr_array_steal_index(rows, 0);
        r = values_check_columns(&reader, head);
        if (r < 0)
                return r;

        columns = g_ptr_array_new_with_free_func(g_free);
        for (char **column = head; *column; column++)
                g_ptr_array_add(columns, g_strdup(*column));
        *ret_columns = columns;
        *ret_rows = g_steal_pointer(&rows);
        return 0;
}
