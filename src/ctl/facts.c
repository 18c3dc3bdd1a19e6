/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Facts as text and as JSON. Called by the verbs "show". */

#include "ctl/facts.h"

#include <stdio.h>

#include "common/string-util.h"
#include "ctl/pager.h"
#include "ctl/table.h"
#include "ctl/value.h"

#define VALUE_LENGTH_MAX (64 * 1024)

static bool is_wanted(const Options *options, const char *key)
{
        if (!options->properties)
                return true;

        return g_ptr_array_find_with_equal_func(options->properties, key, g_str_equal, NULL);
}

static void print_fact(const Options *options, const char *key, JsonNode *value)
{
        g_autofree char *text = value_format(value), *shown = text_for_display(text, VALUE_LENGTH_MAX);

        if (options->value)
                printf("%s\n", shown);
        else
                printf("%s=%s\n", key, shown);
}

static void print_facts(const Options *options, JsonObject *facts)
{
        g_autoptr(GList) keys = json_object_get_members(facts);

        /* As asked for, in that order; a key that does not exist is left out, as systemctl does. */
        if (options->properties) {
                for (guint i = 0; i < options->properties->len; i++) {
                        const char *key = options->properties->pdata[i];

                        if (json_object_has_member(facts, key))
                                print_fact(options, key, json_object_get_member(facts, key));
                }
                return;
        }

        keys = g_list_sort(g_steal_pointer(&keys), (GCompareFunc) g_strcmp0);
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

/* An object for one name, an array for several or a pattern, whatever it matches. */
static void print_json(const Options *options, const GPtrArray *all, bool single)
{
        g_autoptr(JsonNode) node = NULL;
        JsonArray *array;

        if (single)
                node = facts_to_json(options, all->pdata[0]);
        else {
                array = json_array_new();
                for (guint i = 0; i < all->len; i++)
                        json_array_add_element(array, facts_to_json(options, all->pdata[i]));
                node = json_node_new(JSON_NODE_ARRAY);
                json_node_take_array(node, array);
        }

        json_print(options, node);
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

int facts_show(Ctl *ctl, char **names, bool single, FactsCollector collect)
{
        g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify) json_object_unref);
        int exit_status = CTL_EXIT_SUCCESS;
        char **name = names;

        do {
                _cleanup_error_ Error error = ERROR_INIT;
                JsonObject *facts = NULL;
                int r = collect(ctl, *name, &facts, &error);

                if (r >= 0) {
                        g_ptr_array_add(all, facts);
                        continue;
                }
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
