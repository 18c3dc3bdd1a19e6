/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Members and their addresses. */

#include "fleet/expansion/expand.h"

#include <string.h>

#include "common/keyfile.h"
#include "common/string-util.h"
#include "fleet/expansion/fields.h"
#include "fleet/expansion/links.h"
#include "fleet/expansion/network-addresses.h"
#include "fleet/expansion/schedule.h"
#include "fleet/expansion/text.h"
#include "unikernel/definition.h"
#include "unikernel/placeholders.h"

#define MEMBER_SIZE_MAX (64 * 1024) /* arguments and labels of any guest are shorter by far */

/* One after the other, by groups and members. */
static int expand_network(FleetExpansion *expansion, const FleetNetwork *network, Error *ret_error)
{
        Address next4 = address_is_set(&network->first4) ? network->first4 : network->subnet4.network,
                next6 = address_is_set(&network->first6) ? network->first6 : network->subnet6.network;

        for (guint i = 0; i < expansion->members->len; i++) {
                FleetMember *member = expansion->members->pdata[i];

                for (guint k = 0; k < member->group->links->len; k++) {
                        const FleetLink *link = member->group->links->pdata[k];
                        FleetAddresses *addresses = &g_array_index(member->addresses, FleetAddresses, k);

                        if (link->network != network)
                                continue;
                        if ((address_is_set(&next4) && !fleet_network_take(&network->subnet4, &next4,
                                                                       &addresses->v4)) ||
                                        (address_is_set(&next6) && !fleet_network_take(&network->subnet6,
                                                                                   &next6, &addresses->v6)))
                                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                                "%s: [Network %s] has addresses for %u members only: write "
                                                "a larger "
                                                "Subnet=, or fewer members",
                                                expansion->plan->path, network->name, i);
                }
        }

        return 0;
}

/* What is filled in is to be one line still, as the definition that is made of it. */
static int value_check(const char *value, size_t *size, Error *ret_error)
{
        *size += strlen(value);
        if (*size > MEMBER_SIZE_MAX)
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "with its fields filled in, the settings of a member are longer than %d "
                                "bytes: write shorter ones, or fewer peers in {choose:…}",
                                MEMBER_SIZE_MAX);
        if (key_file_line_continues(value))
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "with its fields filled in, it ends with a '\\', which would join it with "
                                "the next line: write two of them, or none");

        return 0;
}

static int member_fill(FleetExpansion *expansion, FleetMember *member, Error *ret_error)
{
        unsigned n_choices = 0;
        size_t size = 0;

        for (guint i = 0; i < member->group->settings->len; i++) {
                const FleetSetting *setting = member->group->settings->pdata[i];
                _cleanup_error_ Error error = ERROR_INIT;
                FleetSetting *filled;
                char *value = NULL;
                int r;

                r = fleet_fields_fill(expansion, member, setting->value,
                                g_str_equal(setting->key, "Arguments"), &n_choices, &value, &error);
                if (r >= 0)
                        r = value_check(value, &size, &error);
                if (r < 0) {
                        g_free(value);
                        return error_set(ret_error, ERROR_INVALID_DEFINITION, "%s:%u: %s=: %s",
                                        expansion->plan->path, setting->line, setting->key,
                                        error_message(&error, r));
                }

                filled = g_new0(FleetSetting, 1);
                *filled = (FleetSetting){
                                .key = g_strdup(setting->key), .value = value, .line = setting->line};
                g_ptr_array_add(member->settings, filled);
        }

        return 0;
}

static int member_check_arguments(const FleetMember *member, Error *ret_error)
{
        const GPtrArray *links = member->group->links;
        g_autofree PlaceholderDevice *devices = g_new0(PlaceholderDevice, links->len + 1);
        PlaceholderFacts facts = {.name = member->name, .devices = devices, .n_devices = links->len};
        const char *arguments = fleet_member_setting(member, "Arguments");

        for (guint i = 0; i < links->len; i++)
                devices[i].name = ((const FleetLink *) links->pdata[i])->device;

        return arguments ? placeholders_check(arguments, &facts, ret_error) : 0;
}

/* As shruthid will read it: the same parser says what is wrong. */
static int member_check(const FleetExpansion *expansion, FleetMember *member, Error *ret_error)
{
        g_autoptr(GString) text = g_string_new("[Unikernel]\nImage=/image\n");
        g_autoptr(Definition) definition = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        for (guint i = 0; i < member->settings->len; i++) {
                const FleetSetting *setting = member->settings->pdata[i];

                g_string_append_printf(text, "%s=%s\n", setting->key, setting->value);
        }
        for (guint i = 0; i < member->group->links->len; i++) {
                const FleetLink *link = member->group->links->pdata[i];
                g_autofree char *address = fleet_member_address(member, i);

                g_string_append_printf(text, "[Network %s]\n%s%s", link->device, *address ? "Address=" : "",
                                address);
                g_string_append_c(text, '\n');
        }

        r = definition_parse(member->name, NULL, text->str, text->len, &definition, &error);
        if (r >= 0)
                r = member_check_arguments(member, &error);
        if (r < 0)
                return error_set(ret_error, ERROR_INVALID_DEFINITION, "%s:%u: [Group %s], member %u: %s",
                                expansion->plan->path, member->group->line, member->group->name,
                                member->index, error_message(&error, r));

        member->memory = definition->memory;
        return 0;
}

int fleet_expand(const FleetPlan *plan, FleetExpansion **ret_expansion, Error *ret_error)
{
        g_autoptr(FleetExpansion) expansion = fleet_expansion_new(plan);
        int r = 0;

        for (guint i = 0; r >= 0 && i < plan->networks->len; i++)
                r = expand_network(expansion, plan->networks->pdata[i], ret_error);
        for (guint i = 0; r >= 0 && i < expansion->members->len; i++) {
                r = member_fill(expansion, expansion->members->pdata[i], ret_error);
                if (r >= 0)
                        r = member_check(expansion, expansion->members->pdata[i], ret_error);
        }
        if (r >= 0)
                r = fleet_links_draw(expansion, ret_error);
        if (r >= 0)
                r = fleet_schedule(expansion, ret_error);
        /* What cannot be rules is refused here, and not when the fleet is up. */
        for (guint i = 0; r >= 0 && i < expansion->links->len; i++) {
                g_autofree char *rules = NULL;

                r = fleet_links_rules(expansion, expansion->links->pdata[i], 0, &rules, ret_error);
        }
        if (r < 0)
                return r;

        *ret_expansion = g_steal_pointer(&expansion);
        return 0;
}

static void format_member(GString *out, const FleetMember *member)
{
        g_string_append(out, "{\"member\":");
        fleet_append_json(out, member->name);
        for (guint i = 0; i < member->group->links->len; i++) {
                const FleetLink *link = member->group->links->pdata[i];
                g_autofree char *address = fleet_member_address(member, i);

                g_string_append(out, i == 0 ? ",\"addresses\":{" : ",");
                fleet_append_json(out, link->device);
                g_string_append_c(out, ':');
                fleet_append_json(out, address);
        }
        g_string_append(out, member->group->links->len > 0 ? "},\"settings\":[" : ",\"settings\":[");
        for (guint i = 0; i < member->settings->len; i++) {
                const FleetSetting *setting = member->settings->pdata[i];
                g_autofree char *line = g_strconcat(setting->key, "=", setting->value, NULL);

                if (i > 0)
                        g_string_append_c(out, ',');
                fleet_append_json(out, line);
        }
        g_string_append(out, "]}\n");
}

char *fleet_expansion_format(const FleetExpansion *expansion)
{
        g_autoptr(GString) out = g_string_new(NULL);

        for (guint i = 0; i < expansion->members->len; i++)
                format_member(out, expansion->members->pdata[i]);
        for (guint i = 0; i < expansion->schedule->len; i++)
                fleet_schedule_append_entry(
                                out, expansion, &g_array_index(expansion->schedule, FleetEntry, i));

        return g_string_free(g_steal_pointer(&out), FALSE);
}
