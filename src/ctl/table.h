/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "ctl/options.h"
#include "ctl/terminal.h"

/* A table that comes out as aligned text or as an array of JSON objects. */

typedef struct Table Table;

/* Column headers, NULL-terminated; in lower case they are the keys of the JSON objects. */
Table *table_new(const char *const *headers);
void table_free(Table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, table_free)

/* The next cell: text as shown (made harmless here), and what it is in JSON (taken over; NULL: the text). */
void table_add(Table *table, const char *text, Color color, JsonNode *json);

/* As text (header and, if sum is given, a last line "N SUM" unless --no-legend; empty cells as "-") or as
 * JSON. */
void table_print(const Table *table, const Options *options, const char *sum);

/* One value as JSON in the mode of the options, with a newline. */
void json_print(const Options *options, JsonNode *node);

/* Nodes of one value. */
JsonNode *json_text(const char *text);
JsonNode *json_number(uint64_t number);
JsonNode *json_flag(bool flag);
