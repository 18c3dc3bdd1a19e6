/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Members. */

#include "fleet/expansion/members.h"

static void fleet_member_free(gpointer data)
{
        FleetMember *member = data;

        g_free(member->name);
        g_array_unref(member->addresses);
        g_ptr_array_unref(member->settings);
        g_free(member);
}

static void expansion_add_members(FleetExpansion *expansion)
{
        for (guint i = 0; i < expansion->plan->groups->len; i++) {
                const FleetGroup *group = expansion->plan->groups->pdata[i];

                for (guint k = 0; k < group->count; k++) {
                        FleetMember *member = g_new0(FleetMember, 1);

                        *member = (FleetMember){
                                        .name = g_strdup_printf(
                                                        "%s-%s-%u", expansion->plan->name, group->name, k),
                                        .group = group,
                                        .index = k,
                                        .addresses = g_array_new(FALSE, TRUE, sizeof(FleetAddresses)),
                                        .settings = g_ptr_array_new_with_free_func(fleet_setting_free),
                        };
                        g_array_set_size(member->addresses, group->links->len);
                        g_ptr_array_add(expansion->members, member);
                }
        }
}

FleetExpansion *fleet_expansion_new(const FleetPlan *plan)
{
        FleetExpansion *expansion = g_new0(FleetExpansion, 1);

        *expansion = (FleetExpansion){
                        .plan = plan,
                        .members = g_ptr_array_new_with_free_func(fleet_member_free),
                        .schedule = g_array_new(FALSE, TRUE, sizeof(FleetEntry)),
                        .drawn = g_ptr_array_new_with_free_func((GDestroyNotify) g_array_unref),
        };
        expansion_add_members(expansion);
        return expansion;
}

void fleet_expansion_free(FleetExpansion *expansion)
{
        if (!expansion)
                return;

        g_ptr_array_unref(expansion->members);
        g_array_unref(expansion->schedule);
        g_ptr_array_unref(expansion->drawn);
        g_clear_pointer(&expansion->links, g_ptr_array_unref);
        g_free(expansion);
}

FleetMember *fleet_member_at(const FleetExpansion *expansion, guint member)
{
        return expansion->members->pdata[member];
}

FleetMember *fleet_member_find(const FleetExpansion *expansion, const FleetGroup *group, guint index)
{
        return fleet_member_at(expansion, group->first + index);
}

const char *fleet_member_setting(const FleetMember *member, const char *key)
{
        for (guint i = 0; i < member->settings->len; i++) {
                const FleetSetting *setting = member->settings->pdata[i];

                if (g_str_equal(setting->key, key))
                        return setting->value;
        }

        return NULL;
}

char *fleet_member_address(const FleetMember *member, guint link)
{
        const FleetAddresses *addresses = &g_array_index(member->addresses, FleetAddresses, link);
        char v4[ADDRESS_TEXT_MAX] = "", v6[ADDRESS_TEXT_MAX] = "";

        if (address_is_set(&addresses->v4))
                address_format(&addresses->v4, v4);
        if (address_is_set(&addresses->v6))
                address_format(&addresses->v6, v6);
        return g_strconcat(v4, *v4 && *v6 ? " " : "", v6, NULL);
}

static const char *const fleet_cause_table[_FLEET_CAUSE_MAX] = {
                [FLEET_CAUSE_START] = "start",
                [FLEET_CAUSE_EVENT] = "event",
                [FLEET_CAUSE_CHURN] = "churn",
};

const char *fleet_cause_to_string(FleetCause cause)
{
        return (unsigned) cause < _FLEET_CAUSE_MAX ? fleet_cause_table[cause] : NULL;
}
