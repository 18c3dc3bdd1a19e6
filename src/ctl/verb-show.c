/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* show: every fact, for programs. */

#include <stdio.h>

#include "common/string-util.h"
#include "ctl/client.h"
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

static void add_members(JsonObject *to, JsonObject *from)
{
        g_autoptr(GList) keys = json_object_get_members(from);

        for (GList *key = keys; key; key = key->next)
                json_object_set_member(
                                to, key->data, json_node_copy(json_object_get_member(from, key->data)));
}

/* Properties, and the details where the caller may have them. Asked for nothing in particular, he gets what
 * he may see; asked for a detail by name, the refusal is an error. */
static int collect(Ctl *ctl, const char *name, JsonObject **ret_facts, Error *ret_error)
{
        g_autoptr(JsonObject) properties = NULL, details = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = client_get_properties(ctl, name, &properties, ret_error);
        if (r < 0)
                return r;

        if (name && !properties_suffice(&ctl->options, properties)) {
                r = client_get_details(ctl, name, ctl->options.properties, &details, &error);
                if (r < 0 && (ctl->options.properties || (error.code != ERROR_ACCESS_DENIED &&
                                error.code != ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED))) {
                        error_move(ret_error, &error);
                        return r;
                }
                if (details)
                        add_members(properties, details);
        }

        *ret_facts = g_steal_pointer(&properties);
        return 0;
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

int verb_show(Ctl *ctl, char **operands, Error *ret_error)
{
        static char *of_manager[] = {NULL};
        g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify) json_object_unref);
        g_auto(GStrv) names = NULL;
        int r, exit_status = CTL_EXIT_SUCCESS;

        r = client_expand(ctl, operands, &names, ret_error);
        if (r < 0)
                return r;

        for (char **name = *names ? names : of_manager; name == of_manager || *name; name++) {
                _cleanup_error_ Error error = ERROR_INIT;
                JsonObject *facts = NULL;

                r = collect(ctl, *name, &facts, &error);
                if (r >= 0)
                        g_ptr_array_add(all, facts);
                else {
                        ctl_print_error(&error, r);
                        if (exit_status == CTL_EXIT_SUCCESS)
                                exit_status = ctl_exit_status(&error);
                }
                if (!*name)
                        break;
        }
        if (all->len == 0)
                return exit_status;

        pager_open(&ctl->options);
        if (ctl->options.json != JSON_OFF)
                print_json(&ctl->options, all,
                                !operands[0] || (!operands[1] && !name_is_pattern(operands[0])));
        for (guint i = 0; i < all->len && ctl->options.json == JSON_OFF; i++) {
                if (i > 0)
                        putchar('\n');
                print_facts(&ctl->options, all->pdata[i]);
        }

        return exit_status;
}
