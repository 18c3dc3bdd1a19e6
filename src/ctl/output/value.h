/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

/* Bus messages as JSON values, which is what printing, --json and status work on. */

/* The next complete value of a message: numbers, strings (object paths, signatures), arrays, structs as
 * arrays, dictionaries with string keys as objects, variants as what is in them. */
int value_read(sd_bus_message *message, JsonNode **ret_value);

/* The next value, which must be a dictionary. */
int value_read_object(sd_bus_message *message, JsonObject **ret_object);

/* Members with a default where there is none, or none of that type. */
const char *value_text(JsonObject *object, const char *key); /* "" */
int64_t value_number(JsonObject *object, const char *key);   /* 0 */
bool value_flag(JsonObject *object, const char *key);        /* false */
JsonArray *value_array(JsonObject *object, const char *key); /* NULL */

/* A value on one line, for KEY=VALUE: bare, arrays of texts with spaces between, all else as JSON; not made
 * harmless yet. Free with g_free(). */
char *value_format(JsonNode *value);
