/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fleet check: what a plan means, without shruthid. */

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/io.h"
#include "common/size.h"
#include "common/string-util.h"
#include "ctl/cli/ctl.h"
#include "ctl/fleet/admission.h"
#include "ctl/fleet/capture-filter.h"
#include "ctl/output/pager.h"
#include "ctl/output/table.h"
#include "fleet/expansion/links.h"
#include "fleet/expansion/schedule.h"
#include "fleet/expansion/text.h"
#include "image/inspect.h"

#define MEMBERS_SHOWN  10
#define SCHEDULE_SHOWN 30
#define RULES_SHOWN    30 /* lines */

/* Whether the image of a group is for processes; one that cannot be read here counts as that of a virtual
 * machine, which needs more. */
static int check_group_image(
                const FleetPlan *plan, const FleetGroup *group, bool *ret_process, Error *ret_error)
{
        _cleanup_image_info_ ImageInfo *info = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        *ret_process = false;
        if (digest_is_valid(group->image))
                return 0;

        fd = open(group->image, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return error_set_errno(ret_error, errno, "%s:%u: [Group %s]: cannot open the image %s",
                                plan->path, group->line, group->name, group->image);
        r = image_inspect(fd, IMAGE_ARCHITECTURE_UNKNOWN, &info, ret_error);
        if (r < 0) {
                error_prefix(ret_error, "%s:%u: [Group %s]", plan->path, group->line, group->name);
                return r;
        }

        *ret_process = info->boot == IMAGE_BOOT_PROCESS;
        return 0;
}

static void check_print_member(const FleetMember *member)
{
        const char *arguments = fleet_member_setting(member, "Arguments");
        g_autofree char *shown = arguments ? text_for_display(arguments, 160) : NULL;

        printf("  %s", member->name);
        for (guint i = 0; i < member->group->links->len; i++) {
                g_autofree char *address = fleet_member_address(member, i);

                printf("  %s", address);
        }
        printf("%s%s\n", shown ? "  " : "", shown ?: "");
}

static void check_print_entry(const FleetExpansion *expansion, const FleetEntry *entry)
{
        g_autofree char *who = fleet_entry_who(expansion, entry), *shown = text_for_display(who, 160);
        g_autoptr(GString) time = g_string_new(NULL);

        fleet_append_seconds(time, (int64_t) entry->usec);
        printf("  %10s s  %s %s\n", time->str, fleet_verb_to_string(entry->verb), shown);
}

static char *check_rules(const FleetExpansion *expansion, guint i)
{
        char *rules = NULL;

        /* They were made before: fleet_expand(). */
        (void) fleet_links_rules(expansion, expansion->links->pdata[i], 0, &rules, NULL);
        return rules;
}

/* What is not of single members: those are listed above. */
static void check_print_rules(const FleetExpansion *expansion)
{
        for (guint i = 0; i < expansion->links->len; i++) {
                const FleetLinks *links = expansion->links->pdata[i];
                g_autofree char *rules = check_rules(expansion, i);
                g_auto(GStrv) lines = g_strsplit(rules ?: "", "\n", -1);
                guint shown = 0;

                printf("Links of %s, %u members:\n", links->network->name, links->members->len);
                for (char **line = lines; *line && shown < RULES_SHOWN; line++) {
                        g_autofree char *text = text_for_display(*line, 160);

                        if (!*text || g_str_has_prefix(text, "member ") || g_str_has_prefix(text, "# Links"))
                                continue;
                        printf("  %s\n", text);
                        shown++;
                }
                if (shown == RULES_SHOWN)
                        puts("  … all of it: --json");
        }
}

static void check_print(const FleetExpansion *expansion, const FleetAdmission *admission)
{
        const FleetPlan *plan = expansion->plan;
        g_autofree char *needed = size_format(admission->needed),
                        *available = size_format(admission->available);
        g_autoptr(GString) duration = g_string_new(NULL);

        fleet_append_seconds(duration, (int64_t) plan->duration_usec);
        printf("Fleet:     %s\nSeed:      %s\nDuration:  %s s\nMembers:   %u\n", plan->name, plan->seed,
                        duration->str, expansion->members->len);
        for (guint i = 0; i < plan->groups->len; i++) {
                const FleetGroup *group = plan->groups->pdata[i];
                g_autofree char *shown = text_for_display(group->image, 160);

                printf("  %u of %s, image %s\n", group->count, group->name, shown);
        }
        printf("Memory:    %s needed, %s available here\n", needed, available);
        if (admission->n_fit < admission->n_members)
                printf("           Only the first %u members would fit.\n", admission->n_fit);

        puts("First members:");
        for (guint i = 0; i < MIN(expansion->members->len, MEMBERS_SHOWN); i++)
                check_print_member(fleet_member_at(expansion, i));
        check_print_rules(expansion);
        printf("Schedule:  %u entries\n", expansion->schedule->len);
        if (expansion->n_left_out > 0)
                printf("  and %u lines of [Event] and other entries later than Duration=, which never "
                       "happen\n",
                                expansion->n_left_out);
        for (guint i = 0; i < MIN(expansion->schedule->len, SCHEDULE_SHOWN); i++)
                check_print_entry(expansion, &g_array_index(expansion->schedule, FleetEntry, i));
        if (expansion->schedule->len > SCHEDULE_SHOWN)
                puts("  … all of it: --json");
}

static JsonNode *check_links_to_json(const FleetExpansion *expansion)
{
        JsonArray *all = json_array_new();

        for (guint i = 0; i < expansion->links->len; i++) {
                const FleetLinks *links = expansion->links->pdata[i];
                JsonObject *object = json_object_new();
                g_autofree char *rules = check_rules(expansion, i);

                json_object_set_member(object, "Network", json_text(links->network->name));
                json_object_set_member(object, "Rules", json_text(rules));
                json_array_add_object_element(all, object);
        }

        return json_node_init_array(json_node_alloc(), all);
}

static JsonNode *check_members_to_json(const FleetExpansion *expansion)
{
        JsonArray *members = json_array_new();

        for (guint i = 0; i < expansion->members->len; i++) {
                const FleetMember *member = fleet_member_at(expansion, i);
                JsonObject *object = json_object_new();
                JsonArray *addresses = json_array_new();

                for (guint k = 0; k < member->group->links->len; k++) {
                        g_autofree char *address = fleet_member_address(member, k);

                        json_array_add_string_element(addresses, address);
                }
                json_object_set_member(object, "Name", json_text(member->name));
                json_object_set_member(object, "Group", json_text(member->group->name));
                json_object_set_member(object, "Index", json_number(member->index));
                json_object_set_array_member(object, "Addresses", addresses);
                json_object_set_member(
                                object, "Arguments", json_text(fleet_member_setting(member, "Arguments")));
                json_array_add_object_element(members, object);
        }

        return json_node_init_array(json_node_alloc(), members);
}

static JsonNode *check_schedule_to_json(const FleetExpansion *expansion)
{
        JsonArray *schedule = json_array_new();

        for (guint i = 0; i < expansion->schedule->len; i++) {
                const FleetEntry *entry = &g_array_index(expansion->schedule, FleetEntry, i);
                JsonObject *object = json_object_new();
                g_autofree char *who = fleet_entry_who(expansion, entry);

                json_object_set_member(object, "Time", json_number(entry->usec));
                json_object_set_member(object, "Verb", json_text(fleet_verb_to_string(entry->verb)));
                json_object_set_member(object, "Cause", json_text(fleet_cause_to_string(entry->cause)));
                json_object_set_member(object, "Who", json_text(who));
                json_array_add_object_element(schedule, object);
        }

        return json_node_init_array(json_node_alloc(), schedule);
}

static void check_print_json(
                const Options *options, const FleetExpansion *expansion, const FleetAdmission *admission)
{
        g_autoptr(JsonObject) object = json_object_new();
        g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);

        json_object_set_member(object, "Fleet", json_text(expansion->plan->name));
        json_object_set_member(object, "Seed", json_text(expansion->plan->seed));
        json_object_set_member(object, "Duration", json_number(expansion->plan->duration_usec));
        json_object_set_member(object, "MemoryNeeded", json_number(admission->needed));
        json_object_set_member(object, "MemoryAvailable", json_number(admission->available));
        json_object_set_member(object, "MembersThatFit", json_number(admission->n_fit));
        json_object_set_member(object, "EntriesLeftOut", json_number(expansion->n_left_out));
        json_object_set_member(object, "Members", check_members_to_json(expansion));
        json_object_set_member(object, "Links", check_links_to_json(expansion));
        json_object_set_member(object, "Schedule", check_schedule_to_json(expansion));
        json_node_set_object(node, object);
        json_print(options, node);
}

int verb_fleet_check(Ctl *ctl, char **operands, Error *ret_error)
{
        g_autoptr(FleetPlan) plan = NULL;
        g_autoptr(FleetExpansion) expansion = NULL;
        g_autofree char *filter = NULL;
        FleetAdmission admission;
        int r;

        r = fleet_plan_load(operands[0], &plan, ret_error);
        if (r >= 0)
                r = fleet_expand(plan, &expansion, ret_error);
        if (r >= 0)
                r = fleet_compile_capture_filter(plan, &filter, ret_error);
        if (r >= 0)
                r = fleet_admission_begin(&admission, ret_error);
        for (guint i = 0; r >= 0 && i < plan->groups->len; i++) {
                bool process;

                r = check_group_image(plan, plan->groups->pdata[i], &process, ret_error);
                if (r >= 0)
                        fleet_admission_add(&admission, expansion, plan->groups->pdata[i], process);
        }
        if (r < 0)
                return r;

        pager_open(&ctl->options);
        if (ctl->options.json != JSON_OFF)
                check_print_json(&ctl->options, expansion, &admission);
        else
                check_print(expansion, &admission);
        return CTL_EXIT_SUCCESS;
}
