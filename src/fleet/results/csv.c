/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Comma-separated values, as they come. */

#include "fleet/results/csv.h"

#include <string.h>

#define FIELDS_MAX 256

static void reader_add(GPtrArray *fields, GString *field)
{
        if (fields->len < FIELDS_MAX)
                g_ptr_array_add(fields, g_utf8_make_valid(field->str, (gssize) field->len));
        g_string_truncate(field, 0);
}

static bool reader_read(CsvReader *reader, GPtrArray *fields)
{
        g_autoptr(GString) field = g_string_new(NULL);
        bool quoted = false;

        g_ptr_array_set_size(fields, 0);
        if (reader->p == reader->end)
                return false;

        for (; reader->p < reader->end; reader->p++) {
                char c = *reader->p;

                if (quoted && c == '"' && reader->p + 1 < reader->end && reader->p[1] == '"') {
                        g_string_append_c(field, '"');
                        reader->p++;
                } else if (c == '"')
                        quoted = !quoted;
                else if (!quoted && c == ',')
                        reader_add(fields, field);
                else if (!quoted && c == '\n')
                        break;
                else if (c != '\0' && (quoted || c != '\r'))
                        g_string_append_c(field, c);
        }
        if (reader->p < reader->end)
                reader->p++;
        reader_add(fields, field);
        return true;
}

void csv_reader_init(CsvReader *reader, const char *text, size_t size)
{
        *reader = (CsvReader){.p = text,
                        .end = text + size,
                        .fields = g_ptr_array_new_with_free_func(g_free),
                        .head = g_ptr_array_new_with_free_func(g_free)};
        (void) reader_read(reader, reader->head);
}

void csv_reader_clear(CsvReader *reader)
{
        g_clear_pointer(&reader->fields, g_ptr_array_unref);
        g_clear_pointer(&reader->head, g_ptr_array_unref);
}

bool csv_reader_next(CsvReader *reader)
{
        return reader_read(reader, reader->fields);
}

const char *csv_reader_field(const CsvReader *reader, const char *name)
{
        for (guint i = 0; i < MIN(reader->head->len, reader->fields->len); i++)
                if (g_str_equal(reader->head->pdata[i], name))
                        return reader->fields->pdata[i];

        return "";
}
