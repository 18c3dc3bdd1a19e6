/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

/* Converts bus messages to JSON values, which output, --json and status use. */

/* Reads the next complete value of a message: numbers, strings (object paths, signatures), arrays, structs
 * as arrays, dictionaries with string keys as objects, variants as their contents. */
int value_read(sd_bus_message *message, JsonNode **ret_value);

/* Reads the next value, which must be a dictionary. */
int value_read_object(sd_bus_message *message, JsonObject **ret_object);

/* Members of an object, with a default if missing or of another type. */
const char *value_text(JsonObject *object, const char *key); /* "" */
int64_t value_number(JsonObject *object, const char *key);   /* 0 */
bool value_flag(JsonObject *object, const char *key);        /* false */
JsonArray *value_array(JsonObject *object, const char *key); /* NULL */

/* A value on one line, for KEY=VALUE: without quotes, arrays of strings separated by spaces, anything else
 * as JSON; not escaped yet. Free with g_free(). */
char *value_format(JsonNode *value);
