/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parts of rhyzome.conf that have an equivalent. */

#include "ctl/cli/rhyzome.h"

#include <json-glib/json-glib.h>
#include <net/if.h>
#include <string.h>

#include "common/string-util.h"


/* As in the kernel (dev_valid_name()): 1 to 15 bytes, no '/', ':' or white space, not "." or ".."; also
 * printable, because it is written to a file. */
static bool interface_name_is_valid(const char *name)
{
        size_t length = strlen(name);

        if (length == 0 || length >= IF_NAMESIZE || g_str_equal(name, ".") || g_str_equal(name, ".."))
                return false;
        for (const char *p = name; *p; p++)
                if (!g_ascii_isgraph(*p) || strchr("/:\\'\"", *p))
                        return false;

        return true;
}

static int rhyzome_convert_bridge(JsonNode *node, GString *conf, Error *ret_error)
{
        const char *name = JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING
                                           ? json_node_get_string(node)
                                           : NULL;
        g_autofree char *shown = NULL;

        if (name && interface_name_is_valid(name)) {
                g_string_append_printf(conf, "BridgeInterface=%s\n", name);
                return 0;
        }

        shown = name ? text_for_display(name, 80) : json_to_string(node, FALSE);
        return error_set(ret_error, ERROR_INVALID_DEFINITION,
                        "BridgeInterface is '%s', which is not a valid name of a network interface (1 to 15 "
                        "characters, as 'ip link' shows them): correct it in the file, or remove it.",
                        shown);
}

static void rhyzome_note(GString *notes, const char *key, JsonNode *value)
{
        g_autofree char *text = json_to_string(value, FALSE), *shown = text_for_display(text, 80);
        g_autofree char *shown_key = text_for_display(key, 80);

        if (g_str_equal(key, "Hostname"))
                g_string_append_printf(notes,
                                "Hostname (%s) has no counterpart: hostnamectl sets the host's name, and "
                                "clients connect over ssh: shruthictl -H USER@HOST.\n",
                                shown);
        else if (g_str_equal(key, "Bind"))
                g_string_append_printf(notes,
                                "Bind (%s) has no counterpart: shruthid does not listen on the network. "
                                "From other hosts use ssh: shruthictl -H USER@HOST.\n",
                                shown);
        else
                g_string_append_printf(notes, "%s (%s) is unknown and was ignored.\n", shown_key, shown);
}

int rhyzome_convert(const char *json, size_t size, char **ret_conf, char **ret_notes, Error *ret_error)
{
        g_autoptr(JsonParser) parser = json_parser_new_immutable();
        g_autoptr(GString) conf = g_string_new(NULL), notes = g_string_new(NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(GList) keys = NULL;
        JsonObject *object;
        JsonNode *root;
        int r;

        if (!json_parser_load_from_data(parser, json, (gssize) size, &error)) {
                g_autofree char *shown = text_for_display(error->message, 200);

                return error_set(ret_error, ERROR_INVALID_DEFINITION, "This is not JSON: %s", shown);
        }
        root = json_parser_get_root(parser);
        if (!root || !JSON_NODE_HOLDS_OBJECT(root))
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "A rhyzome.conf is a JSON object: {\"BridgeInterface\": \"…\", "
                                "\"Hostname\": \"…\", \"Bind\": \"…\"}.");

        object = json_node_get_object(root);
        keys = json_object_get_members(object);
        for (GList *key = keys; key; key = key->next) {
                JsonNode *value = json_object_get_member(object, key->data);

                if (!g_str_equal(key->data, "BridgeInterface"))
                        rhyzome_note(notes, key->data, value);
                else {
                        r = rhyzome_convert_bridge(value, conf, ret_error);
                        if (r < 0)
                                return r;
                }
        }

        *ret_conf = conf->len == 0 ? NULL
                                   : g_strconcat("# From a rhyzome.conf, by shruthictl import-rhyzome.\n"
                                                 "[Shruthi]\n",
                                                     conf->str, NULL);
        *ret_notes = g_string_free(g_steal_pointer(&notes), FALSE);
        return 0;
}
