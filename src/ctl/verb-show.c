/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* show: every fact, for programs. */

#include "ctl/client.h"
#include "ctl/facts.h"

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
                r = client_get_object(
                                ctl, "GetUnikernelDetails", name, ctl->options.properties, &details, &error);
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

int verb_show(Ctl *ctl, char **operands, Error *ret_error)
{
        bool single = !operands[0] || (!operands[1] && !name_is_pattern(operands[0]));
        g_auto(GStrv) names = NULL;
        int r;

        r = client_expand(ctl, operands, &names, ret_error);
        return r < 0 ? r : facts_show(ctl, names, single, collect);
}
