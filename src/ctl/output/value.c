/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sd-bus → JSON-GLib. */

#include "ctl/output/value.h"

#include <errno.h>

#include "ctl/output/table.h"

#define VALUE_DEPTH_MAX 32

static int value_read_variant(sd_bus_message *message, unsigned depth, JsonNode **ret_value);

static int value_read_basic(sd_bus_message *message, char type, JsonNode **ret_value)
{
        union {
                uint8_t y;
                int b;
                int16_t n;
                uint16_t q;
                int32_t i;
                uint32_t u;
                int64_t x;
                uint64_t t;
                double d;
                const char *s;
        } v;
        JsonNode *node;
        int r;

        r = sd_bus_message_read_basic(message, type, &v);
        if (r < 0)
                return r;

        switch (type) {
        case 'b':
                *ret_value = json_flag(v.b);
                return 0;
        case 'y':
                *ret_value = json_number(v.y);
                return 0;
        case 'q':
                *ret_value = json_number(v.q);
                return 0;
        case 'u':
                *ret_value = json_number(v.u);
                return 0;
        case 't':
                *ret_value = json_number(v.t);
                return 0;
        case 's':
        case 'o':
        case 'g':
                *ret_value = json_text(v.s);
                return 0;
        case 'd':
                node = json_node_new(JSON_NODE_VALUE);
                json_node_set_double(node, v.d);
                break;
        case 'n':
        case 'i':
        case 'x':
                node = json_node_new(JSON_NODE_VALUE);
                json_node_set_int(node, type == 'n' ? v.n : type == 'i' ? v.i : v.x);
                break;
        default:
                return -EBADMSG;
        }

        *ret_value = node;
        return 0;
}

static int value_read_dictionary(sd_bus_message *message, unsigned depth, JsonNode **ret_value)
{
        g_autoptr(JsonObject) object = json_object_new();
        int r;

        while ((r = sd_bus_message_at_end(message, false)) == 0) {
                JsonNode *value = NULL;
                const char *key;

                r = sd_bus_message_enter_container(message, 'e', NULL);
                if (r >= 0)
                        r = sd_bus_message_read_basic(message, 's', &key);
                if (r < 0)
                        return r;
                r = value_read_variant(message, depth, &value);
                if (r < 0)
                        return r;
                json_object_set_member(object, key, value);
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        *ret_value = json_node_init_object(json_node_alloc(), object);
        return 0;
}

static int value_read_elements(sd_bus_message *message, unsigned depth, JsonNode **ret_value)
{
        g_autoptr(JsonArray) array = json_array_new();
        int r;

        while ((r = sd_bus_message_at_end(message, false)) == 0) {
                JsonNode *value = NULL;

                r = value_read_variant(message, depth, &value);
                if (r < 0)
                        return r;
                json_array_add_element(array, value);
        }
        if (r < 0)
                return r;

        *ret_value = json_node_init_array(json_node_alloc(), array);
        return 0;
}

static int value_read_variant(sd_bus_message *message, unsigned depth, JsonNode **ret_value)
{
        JsonNode *value = NULL;
        const char *contents;
        char type;
        int r;

        if (depth > VALUE_DEPTH_MAX)
                return -EBADMSG;
        r = sd_bus_message_peek_type(message, &type, &contents);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        if (type != 'a' && type != 'r' && type != 'v')
                return value_read_basic(message, type, ret_value);

        r = sd_bus_message_enter_container(message, type, contents);
        if (r < 0)
                return r;
        if (type == 'v')
                r = value_read_variant(message, depth + 1, &value);
        else if (type == 'a' && g_str_has_prefix(contents, "{s"))
                r = value_read_dictionary(message, depth + 1, &value);
        else
                r = value_read_elements(message, depth + 1, &value);
        if (r < 0)
                return r;

        r = sd_bus_message_exit_container(message);
        if (r < 0) {
                json_node_unref(value);
                return r;
        }

        *ret_value = value;
        return 0;
}

int value_read(sd_bus_message *message, JsonNode **ret_value)
{
        return value_read_variant(message, 0, ret_value);
}

int value_read_object(sd_bus_message *message, JsonObject **ret_object)
{
        g_autoptr(JsonNode) value = NULL;
        int r;

        r = value_read(message, &value);
        if (r < 0)
                return r;
        if (!JSON_NODE_HOLDS_OBJECT(value))
                return -EBADMSG;

        *ret_object = json_node_dup_object(value);
        return 0;
}

static JsonNode *value_member_of_type(JsonObject *object, const char *key, GType type)
{
        JsonNode *node = object ? json_object_get_member(object, key) : NULL;

        return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == type ? node : NULL;
}

const char *value_text(JsonObject *object, const char *key)
{
        JsonNode *node = value_member_of_type(object, key, G_TYPE_STRING);

        return node ? json_node_get_string(node) : "";
}

int64_t value_number(JsonObject *object, const char *key)
{
        JsonNode *node = value_member_of_type(object, key, G_TYPE_INT64);

        return node ? json_node_get_int(node) : 0;
}

bool value_flag(JsonObject *object, const char *key)
{
        JsonNode *node = value_member_of_type(object, key, G_TYPE_BOOLEAN);

        return node && json_node_get_boolean(node);
}

JsonArray *value_array(JsonObject *object, const char *key)
{
        JsonNode *node = object ? json_object_get_member(object, key) : NULL;

        return node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

static char *value_format_texts(JsonArray *array)
{
        g_autoptr(GString) out = g_string_new(NULL);

        for (guint i = 0; i < json_array_get_length(array); i++) {
                JsonNode *element = json_array_get_element(array, i);

                if (!JSON_NODE_HOLDS_VALUE(element) || json_node_get_value_type(element) != G_TYPE_STRING)
                        return NULL;
                if (i > 0)
                        g_string_append_c(out, ' ');
                g_string_append(out, json_node_get_string(element));
        }

        return g_string_free(g_steal_pointer(&out), FALSE);
}

char *value_format(JsonNode *value)
{
        char *text = NULL;

        if (JSON_NODE_HOLDS_ARRAY(value))
                text = value_format_texts(json_node_get_array(value));
        else if (JSON_NODE_HOLDS_VALUE(value) && json_node_get_value_type(value) == G_TYPE_STRING)
                text = g_strdup(json_node_get_string(value));
        else if (JSON_NODE_HOLDS_VALUE(value) && json_node_get_value_type(value) == G_TYPE_BOOLEAN)
                text = g_strdup(json_node_get_boolean(value) ? "yes" : "no");
        /* json_number() cannot represent it: no limit. */
        else if (JSON_NODE_HOLDS_NULL(value))
                text = g_strdup("infinity");

        return text ?: json_to_string(value, FALSE);
}
