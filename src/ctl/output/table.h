/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <sys/types.h>

#include "ctl/cli/options.h"
#include "ctl/output/terminal.h"

/* A table that comes out as aligned text or as an array of JSON objects, and JSON in general. There is
 * one style of it: the names that facts have on the bus, as networkctl(1) and hostnamectl(1) have it;
 * sizes in bytes, times in microseconds, users by number and, beside it, by name. */

typedef struct Table Table;

/* Column headers, NULL-terminated; "OWNER" has the key "Owner" in JSON. */
Table *table_new(const char *const *headers);

/* Where the fact is called otherwise on the bus. key stays the caller's. */
void table_set_key(Table *table, guint column, const char *key);
void table_free(Table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, table_free)

/* The next cell: text as shown (made harmless here), and what it is in JSON (taken over; NULL: the text). */
void table_add(Table *table, const char *text, Color color, JsonNode *json);

/* A fact of the row at hand that is shown to programs alone; json is taken over. */
void table_add_fact(Table *table, const char *key, JsonNode *json);

/* The two facts "Owner", which is the cell, and "OwnerName". */
void table_add_owner(Table *table, uid_t owner);

/* As text (header and, if sum is given, a last line "N SUM" unless --no-legend; empty cells as "-") or as
 * JSON. */
void table_print(const Table *table, const Options *options, const char *sum);

/* An array's only object where it was asked for by its name (single), else the array. Nothing where it is
 * empty and single. */
void json_print_array(const Options *options, JsonArray *array, bool single);

/* What the bus has as an array of structs: [["a","b"]] becomes [{"Name":"a","Kind":"b"}] with the keys
 * Name and Kind, ended by NULL. */
void json_name_members(JsonObject *object, const char *member, const char *const *keys);

/* One value as JSON in the mode of the options, with a newline. */
void json_print(const Options *options, JsonNode *node);

/* Nodes of one value. */
JsonNode *json_text(const char *text);
JsonNode *json_number(uint64_t number);
JsonNode *json_flag(bool flag);
