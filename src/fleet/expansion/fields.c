/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fills in fields. */

#include "fleet/expansion/fields.h"

#include <string.h>

#include "common/string-util.h"
#include "fleet/expansion/random.h"

#define CHOICE_MAX 1024

typedef struct FieldContext {
        const FleetExpansion *expansion;
        const FleetMember *member;
        unsigned *n_choices;
        Error *ret_error;
} FieldContext;

/* The place of a device among the links of a group; the first if it is NULL. */
static int field_find_link(const FleetGroup *group, const char *device)
{
        for (guint i = 0; i < group->links->len; i++)
                if (!device || g_str_equal(((const FleetLink *) group->links->pdata[i])->device, device))
                        return (int) i;

        return -ENOENT;
}

static int field_refuse(const FieldContext *context, const char *field, const char *why)
{
        g_autofree char *shown = text_for_display(field, 60);

        return error_set(context->ret_error, ERROR_INVALID_ARGS, "{%s}: %s", shown, why);
}

/* The address of one device in the form that the field asks for; NULL if it has none of the family. */
static char *field_address(const FleetMember *member, guint link, bool v6, bool prefix)
{
        const FleetAddresses *addresses = &g_array_index(member->addresses, FleetAddresses, link);
        const Address *address = v6 ? &addresses->v6 : &addresses->v4;
        char text[ADDRESS_TEXT_MAX];

        if (!address_is_set(address))
                return NULL;
        if (prefix)
                address_format(address, text);
        else
                address_format_ip(address, text);
        return g_strdup(text);
}

/* "GROUP.INDEX.DEVICE.address". */
static int field_of_other(const FieldContext *context, const char *field, char **ret_value)
{
        static const char *const kinds[] = {"address", "ip", "address6", "ip6", NULL};
        g_auto(GStrv) words = g_strsplit(field, ".", -1);
        const FleetGroup *group;
        uint64_t index;
        int link;

        if (g_strv_length(words) != 4)
                return 0;
        group = fleet_plan_find_group(context->expansion->plan, words[0]);
        if (!group)
                return field_refuse(context, field, "there is no such group");
        if (number_parse(words[1], 0, group->count - 1, &index) < 0) {
                g_autofree char *why =
                                g_strdup_printf("write the number of a member, 0 to %u", group->count - 1);

                return field_refuse(context, field, why);
        }
        link = field_find_link(group, words[2]);
        if (link < 0)
                return field_refuse(context, field,
                                "the group has no such device: write Network=DEVICE:NETWORK in it");
        if (!g_strv_contains(kinds, words[3]))
                return field_refuse(context, field, "write address, ip, address6 or ip6 at its end");

        *ret_value = field_address(fleet_member_find(context->expansion, group, (guint) index), (guint) link,
                        g_str_has_suffix(words[3], "6"), *words[3] == 'a');
        return *ret_value ? 1 : field_refuse(context, field, "its network has no subnet of this family");
}

/* "choose:GROUP,N": addresses of others, in the order drawn. */
static int field_choose(const FieldContext *context, const char *field, char **ret_value)
{
        bool v6 = g_str_has_prefix(field, "choose6:");
        g_auto(GStrv) words = g_strsplit(strchr(field, ':') + 1, ",", -1);
        g_auto(GStrv) place = g_strsplit(words[0] ?: "", ".", 2);
        g_autoptr(GArray) others = g_array_new(FALSE, FALSE, sizeof(guint));
        g_autoptr(GString) chosen = g_string_new(NULL);
        const FleetGroup *group =
                        place[0] ? fleet_plan_find_group(context->expansion->plan, place[0]) : NULL;
        FleetRandom random;
        uint64_t wanted;
        int link;

        if (!group || g_strv_length(words) != 2)
                return field_refuse(context, field, "write {choose:GROUP,N} with a group of this plan");
        if (number_parse(words[1], 1, CHOICE_MAX, &wanted) < 0)
                return field_refuse(context, field, "write how many, 1 to 1024, behind the comma");
        link = field_find_link(group, place[1]);
        if (link < 0)
                return field_refuse(context, field,
                                "the group has no such device: write Network=DEVICE:NETWORK in it");

        for (guint i = 0; i < group->count; i++)
                if (group != context->member->group || i != context->member->index)
                        g_array_append_val(others, i);
        fleet_random_init(&random, context->expansion->plan->seed, "choose %s-%u %u",
                        context->member->group->name, context->member->index, (*context->n_choices)++);
        wanted = MIN(wanted, others->len);
        fleet_random_draw(&random, others, (guint) wanted);
        for (guint i = 0; i < wanted; i++) {
                FleetMember *other = fleet_member_find(
                                context->expansion, group, g_array_index(others, guint, i));
                g_autofree char *address = field_address(other, (guint) link, v6, false);

                if (!address)
                        return field_refuse(context, field, "its network has no subnet of this family");
                g_string_append_printf(chosen, "%s%s", i > 0 ? "," : "", address);
        }

        *ret_value = g_string_free(g_steal_pointer(&chosen), FALSE);
        return 1;
}

/* Returns 1 if the field is one of ours. */
static int field_value(const FieldContext *context, const char *field, char **ret_value)
{
        const FleetMember *member = context->member;
        const FleetGroup *group = member->group;
        const FleetPlan *plan = context->expansion->plan;

        if (g_str_equal(field, "index"))
                *ret_value = g_strdup_printf("%u", member->index);
        else if (g_str_equal(field, "count"))
                *ret_value = g_strdup_printf("%u", group->count);
        else if (g_str_equal(field, "group"))
                *ret_value = g_strdup(group->name);
        else if (g_str_equal(field, "seed"))
                *ret_value = g_strdup(plan->seed);
        else if (g_str_equal(field, "fleet"))
                *ret_value = g_strdup(plan->name);
        else if (g_str_has_prefix(field, "choose:") || g_str_has_prefix(field, "choose6:"))
                return field_choose(context, field, ret_value);
        else {
                for (guint i = 0; i < group->columns->len; i++)
                        if (g_str_equal(group->columns->pdata[i], field)) {
                                *ret_value = g_strdup(((char **) group->rows->pdata[member->index])[i]);
                                return 1;
                        }
                return field_of_other(context, field, ret_value);
        }

        return 1;
}

static void append_quoted(GString *out, const char *value, bool quote)
{
        for (const char *p = value; *p; p++) {
                if (quote && (*p == '{' || *p == '}'))
                        g_string_append_c(out, *p);
                g_string_append_c(out, *p);
        }
}

int fleet_fields_fill(const FleetExpansion *expansion, const FleetMember *member, const char *text,
                bool arguments, unsigned *n_choices, char **ret_text, Error *ret_error)
{
        FieldContext context = {.expansion = expansion,
                        .member = member,
                        .n_choices = n_choices,
                        .ret_error = ret_error};
        g_autoptr(GString) out = g_string_new(NULL);

        while (*text) {
                size_t length = strcspn(text, "{");
                const char *end;
                int r;

                if (out->len > FLEET_VALUE_MAX)
                        return error_set(ret_error, ERROR_INVALID_ARGS,
                                        "with its fields filled in, it is longer than %d bytes: write fewer "
                                        "fields, or fewer peers in {choose:…}",
                                        FLEET_VALUE_MAX);
                g_string_append_len(out, text, (gssize) length);
                text += length;
                if (!*text)
                        break;
                if (text[1] == '{') {
                        g_string_append(out, "{{");
                        text += 2;
                        continue;
                }

                end = strchr(text, '}');
                if (end) {
                        g_autofree char *field = g_strndup(text + 1, (size_t) (end - text - 1)),
                                        *value = NULL;

                        r = field_value(&context, field, &value);
                        if (r < 0)
                                return r;
                        if (r > 0) {
                                append_quoted(out, value, arguments);
                                text = end + 1;
                                continue;
                        }
                }
                g_string_append_c(out, *text++);
        }

        *ret_text = g_string_free(g_steal_pointer(&out), FALSE);
        return 0;
}
