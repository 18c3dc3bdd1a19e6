/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <sys/types.h>

#include "ctl/cli/options.h"
#include "ctl/output/terminal.h"

/* A table that is printed as aligned text or as an array of JSON objects, and JSON in general. All JSON has
 * one style: the keys are the names on the bus, as in networkctl(1) and hostnamectl(1); sizes are in bytes,
 * times in microseconds, users by number and also by name. */

typedef struct Table Table;

/* Column headers, NULL-terminated; "OWNER" has the key "Owner" in JSON. */
Table *table_new(const char *const *headers);

/* Sets the JSON key of a column whose name on the bus differs. The caller keeps owning key. */
void table_set_key(Table *table, guint column, const char *key);
void table_free(Table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, table_free)

/* Adds the next cell: text to show (escaped here), and its JSON value (takes ownership; NULL for the
 * text). */
void table_add(Table *table, const char *text, Color color, JsonNode *json);

/* Adds a value to the current row that appears only in JSON; takes ownership of json. */
void table_add_fact(Table *table, const char *key, JsonNode *json);

/* Adds the values "Owner", which is the cell, and "OwnerName". */
void table_add_owner(Table *table, uid_t owner);

/* Prints text (unless --no-legend with a header and, if sum is given, a last line "N SUM"; empty cells as
 * "-") or JSON. */
void table_print(const Table *table, const Options *options, const char *sum);

/* Prints the only object of the array if it was requested by name (single), otherwise the array. Prints
 * nothing if it is empty and single. */
void json_print_array(const Options *options, JsonArray *array, bool single);

/* Converts an array of structs from the bus: [["a","b"]] becomes [{"Name":"a","Kind":"b"}] with the keys
 * Name and Kind, terminated by NULL. */
void json_name_members(JsonObject *object, const char *member, const char *const *keys);

/* Prints one value as JSON in the mode of the options, with a newline. */
void json_print(const Options *options, JsonNode *node);

/* Make a node of one value. */
JsonNode *json_text(const char *text);
JsonNode *json_number(uint64_t number);
JsonNode *json_flag(bool flag);
