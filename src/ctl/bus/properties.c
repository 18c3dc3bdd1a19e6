/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Properties as text and as JSON. Called by the verbs "show". */

#include "ctl/bus/properties.h"

#include <stdio.h>
#include <string.h>

#include "common/containers.h"
#include "common/string-util.h"
#include "ctl/bus/client.h"
#include "ctl/cli/error-context.h"
#include "ctl/output/format.h"
#include "ctl/output/pager.h"
#include "ctl/output/table.h"
#include "ctl/output/terminal.h"
#include "ctl/output/value.h"

#define VALUE_LENGTH_MAX (64 * 1024)

static bool property_is_wanted(const Options *options, const char *key)
{
        if (!options->properties)
                return true;

        return g_ptr_array_find_with_equal_func(options->properties, key, g_str_equal, NULL);
}

static void properties_add_owner_name(JsonObject *properties)
{
        g_autofree char *name = NULL;

        if (!json_object_has_member(properties, "Owner") || json_object_has_member(properties, "OwnerName"))
                return;

        name = format_user((uid_t) value_number(properties, "Owner"));
        json_object_set_string_member(properties, "OwnerName", name);
}

static void property_print_text(const char *text)
{
        g_autofree char *shown = text_for_display(text, VALUE_LENGTH_MAX);

        puts(shown);
}

/* For loops in scripts: one per line. */
static bool property_print_list(JsonNode *value)
{
        JsonArray *array = JSON_NODE_HOLDS_ARRAY(value) ? json_node_get_array(value) : NULL;
        guint n = array ? json_array_get_length(array) : 0;

        for (guint i = 0; i < n; i++)
                if (json_node_get_value_type(json_array_get_element(array, i)) != G_TYPE_STRING)
                        return false;
        for (guint i = 0; i < n; i++)
                property_print_text(json_array_get_string_element(array, i));

        return array != NULL;
}

static void property_print(const Options *options, const char *key, JsonNode *value)
{
        g_autofree char *text = NULL, *shown = NULL;

        if (options->value && options->properties && options->properties->len == 1 &&
                        property_print_list(value))
                return;

        text = value_format(value);
        if (options->value) {
                property_print_text(text);
                return;
        }
        shown = text_for_display(text, VALUE_LENGTH_MAX);
        printf("%s=%s\n", key, shown);
}

static void properties_print(const Options *options, JsonObject *properties)
{
        g_autoptr(GList) keys = json_object_get_members(properties);

        /* The requested ones, in that order. */
        if (options->properties) {
                for (guint i = 0; i < options->properties->len; i++) {
                        const char *key = options->properties->pdata[i];

                        property_print(options, key, json_object_get_member(properties, key));
                }
                return;
        }

        keys = g_list_sort(g_steal_pointer(&keys), compare_texts);
        for (GList *key = keys; key; key = key->next)
                property_print(options, key->data, json_object_get_member(properties, key->data));
}

static JsonNode *properties_to_json(const Options *options, JsonObject *properties)
{
        g_autoptr(GList) keys = json_object_get_members(properties);

        for (GList *key = keys; key; key = key->next)
                if (!property_is_wanted(options, key->data))
                        json_object_remove_member(properties, key->data);

        return json_node_init_object(json_node_alloc(), properties);
}

static void properties_print_json(const Options *options, const GPtrArray *all, bool single)
{
        g_autoptr(JsonArray) array = json_array_new();

        for (guint i = 0; i < all->len; i++)
                json_array_add_element(array, properties_to_json(options, all->pdata[i]));
        json_print_array(options, array, single);
}

static void properties_print_all(const Options *options, const GPtrArray *all, bool single)
{
        if (options->json != JSON_OFF) {
                properties_print_json(options, all, single);
                return;
        }

        for (guint i = 0; i < all->len; i++) {
                if (i > 0)
                        putchar('\n');
                properties_print(options, all->pdata[i]);
        }
}

static void properties_add_members(JsonObject *to, JsonObject *from)
{
        g_autoptr(GList) keys = json_object_get_members(from);

        for (GList *key = keys; key; key = key->next)
                json_object_set_member(
                                to, key->data, json_node_copy(json_object_get_member(from, key->data)));
}

/* The addresses of all network devices, without prefix lengths, for ping and similar programs. */
static JsonNode *properties_addresses(JsonArray *devices)
{
        g_autoptr(JsonArray) addresses = json_array_new();

        for (guint i = 0; i < json_array_get_length(devices); i++) {
                JsonObject *device = json_array_get_object_element(devices, i);
                g_auto(GStrv) words = g_strsplit(value_text(device, "Address"), " ", -1);

                for (char **word = words; *word; word++) {
                        *strchrnul(*word, '/') = 0;
                        if (**word)
                                json_array_add_string_element(addresses, *word);
                }
        }

        return json_node_init_array(json_node_alloc(), addresses);
}

/* Whether everybody may read all requested properties. */
static bool properties_suffice(const Options *options, JsonObject *properties)
{
        if (!options->properties)
                return false;

        for (guint i = 0; i < options->properties->len; i++)
                if (!json_object_has_member(properties, options->properties->pdata[i]))
                        return false;

        return true;
}

int unikernel_get_all_properties(
                Ctl *ctl, const char *name, bool strictly, JsonObject **ret_properties, Error *ret_error)
{
        static const char *const override_keys[] = {"Setting", "Path", NULL};
        g_autoptr(JsonObject) properties = NULL, details = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        bool refused;
        int r;

        r = client_get_properties(ctl, name, &properties, ret_error);
        if (r < 0)
                return r;

        properties_add_owner_name(properties);
        if (!properties_suffice(&ctl->options, properties)) {
                r = client_get_object(ctl, "GetUnikernelDetails", name, strictly, &details, &error);
                refused = error.code == ERROR_ACCESS_DENIED ||
                          error.code == ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED;
                if (r < 0 && (strictly || !refused)) {
                        error_move(ret_error, &error);
                        return r;
                }
        }
        if (details) {
                properties_add_members(properties, details);
                if (value_array(properties, "Devices"))
                        json_object_set_member(properties, "Addresses",
                                        properties_addresses(value_array(properties, "Devices")));
                if (ctl->options.json != JSON_OFF)
                        json_name_members(properties, "Overrides", override_keys);
        }

        *ret_properties = g_steal_pointer(&properties);
        return 0;
}

static int properties_check_wanted(const Options *options, JsonObject *properties, Error *ret_error)
{
        for (guint i = 0; options->properties && i < options->properties->len; i++) {
                const char *key = options->properties->pdata[i];
                g_autofree char *shown = text_for_display(key, 40);
                g_autoptr(GString) known = g_string_new(NULL);
                g_autoptr(GList) keys = NULL;

                if (json_object_has_member(properties, key))
                        continue;
                keys = g_list_sort(json_object_get_members(properties), compare_texts);
                for (GList *l = keys; l; l = l->next)
                        g_string_append_printf(known, "%s%s", l == keys ? "" : ", ", (const char *) l->data);
                return error_set(ret_error, ERROR_INVALID_ARGS, "it has no property '%s'. It has: %s.",
                                shown, known->str);
        }

        return 0;
}

static void properties_free(gpointer data)
{
        json_object_unref(data);
}

int properties_show(Ctl *ctl, const char *kind, char **names, bool single, PropertiesGetter collect)
{
        g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(properties_free);
        int exit_status = CTL_EXIT_SUCCESS;
        char **name = names;

        do {
                _cleanup_error_ Error error = ERROR_INIT;
                JsonObject *properties = NULL;
                int r = collect(ctl, *name, &properties, &error);

                if (r >= 0) {
                        properties_add_owner_name(properties);
                        r = properties_check_wanted(&ctl->options, properties, &error);
                }
                if (r >= 0) {
                        g_ptr_array_add(all, properties);
                        continue;
                }
                g_clear_pointer(&properties, json_object_unref);
                error_cannot(&error, "show %s%s", kind, *name ?: "the manager");
                terminal_print_error(&error, r);
                if (exit_status == CTL_EXIT_SUCCESS)
                        exit_status = ctl_exit_status(ctl, &error);
        } while (*name && *++name);
        if (all->len == 0)
                return exit_status;

        pager_open(&ctl->options);
        properties_print_all(&ctl->options, all, single);
        return exit_status;
}

char *unikernel_format_result(JsonObject *properties)
{
        const char *result = value_text(properties, "Result");
        int64_t exit_status = value_number(properties, "ExitStatus");

        return *result && exit_status >= 0
                               ? g_strdup_printf("%s (%" G_GINT64_FORMAT ")", result, exit_status)
                               : g_strdup(result);
}

char *unikernel_get_reason(Ctl *ctl, const char *name, JsonObject *properties)
{
        g_autoptr(JsonObject) details = NULL;
        const char *reason;

        if (!*value_text(properties, "Result") && !g_str_equal(value_text(properties, "State"), "paused"))
                return NULL;
        if (client_get_object(ctl, "GetUnikernelDetails", name, false, &details, NULL) < 0)
                return NULL;

        reason = value_text(details, "Reason");
        return *reason ? g_strdup(reason) : NULL;
}

char *unikernel_format_end(Ctl *ctl, const char *name, JsonObject *properties)
{
        g_autofree char *reason = unikernel_get_reason(ctl, name, properties),
                        *result = unikernel_format_result(properties);

        if (!*result)
                return g_steal_pointer(&reason);

        return reason ? g_strconcat(result, ": ", reason, NULL) : g_steal_pointer(&result);
}
