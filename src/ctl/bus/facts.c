/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Facts as text and as JSON. Called by the verbs "show". */

#include "ctl/bus/facts.h"

#include <stdio.h>
#include <string.h>

#include "common/containers.h"
#include "common/string-util.h"
#include "ctl/bus/client.h"
#include "ctl/cli/words.h"
#include "ctl/output/format.h"
#include "ctl/output/pager.h"
#include "ctl/output/table.h"
#include "ctl/output/value.h"

#define VALUE_LENGTH_MAX (64 * 1024)

static bool is_wanted(const Options *options, const char *key)
{
        if (!options->properties)
                return true;

        return g_ptr_array_find_with_equal_func(options->properties, key, g_str_equal, NULL);
}

static void add_owner_name(JsonObject *facts)
{
        g_autofree char *name = NULL;

        if (!json_object_has_member(facts, "Owner") || json_object_has_member(facts, "OwnerName"))
                return;

        name = format_user((uid_t) value_number(facts, "Owner"));
        json_object_set_string_member(facts, "OwnerName", name);
}

static void print_text(const char *text)
{
        g_autofree char *shown = text_for_display(text, VALUE_LENGTH_MAX);

        puts(shown);
}

/* For loops of scripts: one a line. */
static bool print_list(JsonNode *value)
{
        JsonArray *array = JSON_NODE_HOLDS_ARRAY(value) ? json_node_get_array(value) : NULL;
        guint n = array ? json_array_get_length(array) : 0;

        for (guint i = 0; i < n; i++)
                if (json_node_get_value_type(json_array_get_element(array, i)) != G_TYPE_STRING)
                        return false;
        for (guint i = 0; i < n; i++)
                print_text(json_array_get_string_element(array, i));

        return array != NULL;
}

static void print_fact(const Options *options, const char *key, JsonNode *value)
{
        g_autofree char *text = NULL, *shown = NULL;

        if (options->value && options->properties && options->properties->len == 1 && print_list(value))
                return;

        text = value_format(value);
        if (options->value) {
                print_text(text);
                return;
        }
        shown = text_for_display(text, VALUE_LENGTH_MAX);
        printf("%s=%s\n", key, shown);
}

static void print_facts(const Options *options, JsonObject *facts)
{
        g_autoptr(GList) keys = json_object_get_members(facts);

        /* As asked for, in that order. */
        if (options->properties) {
                for (guint i = 0; i < options->properties->len; i++) {
                        const char *key = options->properties->pdata[i];

                        print_fact(options, key, json_object_get_member(facts, key));
                }
                return;
        }

        keys = g_list_sort(g_steal_pointer(&keys), compare_texts);
        for (GList *key = keys; key; key = key->next)
                print_fact(options, key->data, json_object_get_member(facts, key->data));
}

static JsonNode *facts_to_json(const Options *options, JsonObject *facts)
{
        g_autoptr(GList) keys = json_object_get_members(facts);

        for (GList *key = keys; key; key = key->next)
                if (!is_wanted(options, key->data))
                        json_object_remove_member(facts, key->data);

        return json_node_init_object(json_node_alloc(), facts);
}

static void print_json(const Options *options, const GPtrArray *all, bool single)
{
        g_autoptr(JsonArray) array = json_array_new();

        for (guint i = 0; i < all->len; i++)
                json_array_add_element(array, facts_to_json(options, all->pdata[i]));
        json_print_array(options, array, single);
}

static void print_all(const Options *options, const GPtrArray *all, bool single)
{
        if (options->json != JSON_OFF) {
                print_json(options, all, single);
                return;
        }

        for (guint i = 0; i < all->len; i++) {
                if (i > 0)
                        putchar('\n');
                print_facts(options, all->pdata[i]);
        }
}

static void add_members(JsonObject *to, JsonObject *from)
{
        g_autoptr(GList) keys = json_object_get_members(from);

        for (GList *key = keys; key; key = key->next)
                json_object_set_member(
                                to, key->data, json_node_copy(json_object_get_member(from, key->data)));
}

/* Of all network devices, without the lengths of prefixes, for ping and the like. */
static JsonNode *addresses_of(JsonArray *devices)
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

/* Are all wanted ones among what everybody may read? */
static bool properties_suffice(const Options *options, JsonObject *properties)
{
        if (!options->properties)
                return false;

        for (guint i = 0; i < options->properties->len; i++)
                if (!json_object_has_member(properties, options->properties->pdata[i]))
                        return false;

        return true;
}

int facts_of_unikernel(Ctl *ctl, const char *name, bool strictly, JsonObject **ret_facts, Error *ret_error)
{
        static const char *const override_keys[] = {"Setting", "Path", NULL};
        g_autoptr(JsonObject) facts = NULL, details = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        bool refused;
        int r;

        r = client_get_properties(ctl, name, &facts, ret_error);
        if (r < 0)
                return r;

        add_owner_name(facts);
        if (!properties_suffice(&ctl->options, facts)) {
                r = client_get_object(ctl, "GetUnikernelDetails", name, strictly, &details, &error);
                refused = error.code == ERROR_ACCESS_DENIED ||
                          error.code == ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED;
                if (r < 0 && (strictly || !refused)) {
                        error_move(ret_error, &error);
                        return r;
                }
        }
        if (details) {
                add_members(facts, details);
                if (value_array(facts, "Devices"))
                        json_object_set_member(
                                        facts, "Addresses", addresses_of(value_array(facts, "Devices")));
                if (ctl->options.json != JSON_OFF)
                        json_name_members(facts, "Overrides", override_keys);
        }

        *ret_facts = g_steal_pointer(&facts);
        return 0;
}

static int check_wanted(const Options *options, JsonObject *facts, Error *ret_error)
{
        for (guint i = 0; options->properties && i < options->properties->len; i++) {
                const char *key = options->properties->pdata[i];
                g_autofree char *shown = text_for_display(key, 40);
                g_autoptr(GString) known = g_string_new(NULL);
                g_autoptr(GList) keys = NULL;

                if (json_object_has_member(facts, key))
                        continue;
                keys = g_list_sort(json_object_get_members(facts), compare_texts);
                for (GList *l = keys; l; l = l->next)
                        g_string_append_printf(known, "%s%s", l == keys ? "" : ", ", (const char *) l->data);
                return error_set(ret_error, ERROR_INVALID_ARGS, "it has no property '%s'. It has: %s.",
                                shown, known->str);
        }

        return 0;
}

static void collected_free(gpointer data)
{
        json_object_unref(data);
}

int facts_show(Ctl *ctl, const char *kind, char **names, bool single, FactsCollector collect)
{
        g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(collected_free);
        int exit_status = CTL_EXIT_SUCCESS;
        char **name = names;

        do {
                _cleanup_error_ Error error = ERROR_INIT;
                JsonObject *facts = NULL;
                int r = collect(ctl, *name, &facts, &error);

                if (r >= 0) {
                        add_owner_name(facts);
                        r = check_wanted(&ctl->options, facts, &error);
                }
                if (r >= 0) {
                        g_ptr_array_add(all, facts);
                        continue;
                }
                g_clear_pointer(&facts, json_object_unref);
                error_cannot(&error, "show %s%s", kind, *name ?: "the manager");
                ctl_print_error(&error, r);
                if (exit_status == CTL_EXIT_SUCCESS)
                        exit_status = ctl_exit_status(ctl, &error);
        } while (*name && *++name);
        if (all->len == 0)
                return exit_status;

        pager_open(&ctl->options);
        print_all(&ctl->options, all, single);
        return exit_status;
}
