/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* [Group NAME]. */

#include <fcntl.h>
#include <string.h>

#include "common/io.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "fleet/plan/plan-private.h"
#include "fleet/plan/values.h"
#include "unikernel/setting.h"

#define RATE_MAX 10000

const char *const plan_group_keys[] = {"Image", "Count", "Network", "Values", "Start", NULL};

void fleet_setting_free(gpointer data)
{
        FleetSetting *setting = data;

        g_free(setting->key);
        g_free(setting->value);
        g_free(setting);
}

static void fleet_link_free(gpointer data)
{
        FleetLink *link = data;

        g_free(link->device);
        g_free(link);
}

static void strings_free(gpointer data)
{
        g_strfreev(data);
}

void fleet_group_free(gpointer data)
{
        FleetGroup *group = data;

        g_free(group->name);
        g_free(group->image);
        g_ptr_array_unref(group->settings);
        g_ptr_array_unref(group->links);
        g_ptr_array_unref(group->columns);
        g_ptr_array_unref(group->rows);
        g_free(group);
}

bool plan_is_setting(const char *key)
{
        static const SettingID own[] = {SETTING_IMAGE, SETTING_INITRD, SETTING_OWNER, SETTING_FLEET};
        const Setting *setting = setting_find(SECTION_UNIKERNEL, key);

        for (size_t i = 0; setting && i < G_N_ELEMENTS(own); i++)
                if (setting == &setting_table[own[i]])
                        return false;

        return setting != NULL;
}

/* Relative to the plan, so that a folder with plan and images can be moved. */
static char *plan_resolve(const FleetPlan *plan, const char *path)
{
        return g_canonicalize_filename(path, plan->directory);
}

static int group_parse_count(const PlanParser *parser, FleetGroup *group, const KeyFileEntry *entry)
{
        uint64_t count;

        if (number_parse(entry->value, 1, FLEET_MEMBERS_MAX, &count) < 0)
                return key_file_refuse(entry, parser->ret_error, "write a number of members from 1 to %d",
                                FLEET_MEMBERS_MAX);

        group->count = (guint) count;
        return 0;
}

static int group_parse_link(const PlanParser *parser, FleetGroup *group, const KeyFileEntry *entry)
{
        const char *colon = strchr(entry->value, ':');
        const FleetNetwork *network = colon ? fleet_plan_find_network(parser->plan, colon + 1) : NULL;
        FleetLink *link;

        if (!colon || colon == entry->value || strpbrk(entry->value, ",/ \t"))
                return key_file_refuse(entry, parser->ret_error,
                                "write DEVICE:NETWORK, a network device of the image and a network of this "
                                "plan, such as service:lab");
        if (!network)
                return key_file_refuse(entry, parser->ret_error,
                                "there is no such network: write a section [Network %s] with Subnet=",
                                colon + 1);

        link = g_new0(FleetLink, 1);
        *link = (FleetLink){.device = g_strndup(entry->value, (size_t) (colon - entry->value)),
                        .network = network};
        g_ptr_array_add(group->links, link);
        for (guint i = 0; i + 1 < group->links->len; i++)
                if (g_str_equal(((FleetLink *) group->links->pdata[i])->device, link->device))
                        return key_file_refuse(entry, parser->ret_error,
                                        "the device is on a network already: remove one of the two lines");
        return 0;
}

/* "10s", "5/s", "10s 5/s", "never". */
static int group_parse_start(const PlanParser *parser, FleetGroup *group, const KeyFileEntry *entry)
{
        g_auto(GStrv) words = g_strsplit_set(entry->value, " \t", -1);
        g_autoptr(GString) span = g_string_new(NULL);

        if (g_str_equal(entry->value, "never")) {
                group->late = group->never = true;
                return 0;
        }
        for (char **word = words; *word; word++) {
                if (g_str_has_suffix(*word, "/s")) {
                        (*word)[strlen(*word) - 2] = 0;
                        if (group->rate > 0 || !plan_parse_number(*word, &group->rate) || group->rate <= 0 ||
                                        group->rate > RATE_MAX)
                                goto refuse;
                } else if (**word)
                        g_string_append_printf(span, "%s ", *word);
        }
        if (span->len > 0) {
                KeyFileEntry time = *entry;

                time.value = g_strchomp(span->str);
                group->late = true;
                return plan_parse_time(parser, &time, &group->start_usec);
        }
        if (group->rate > 0)
                return 0;

refuse:
        return key_file_refuse(entry, parser->ret_error,
                        "write how long after the beginning they start, such as 30s, how many a second, "
                        "such as "
                        "10/s, both, or never");
}

int plan_read_file(const PlanParser *parser, const KeyFileEntry *entry, char **ret_path, char **ret_text,
                size_t *ret_size)
{
        g_autofree char *path = plan_resolve(parser->plan, entry->value);
        int r;

        r = file_read_at(AT_FDCWD, path, FLEET_VALUES_MAX, ret_text, ret_size);
        if (r == -E2BIG)
                return key_file_refuse(entry, parser->ret_error, "%s is larger than 16 MiB", path);
        if (r < 0)
                return key_file_refuse(
                                entry, parser->ret_error, "%s cannot be read: %s", path, g_strerror(-r));

        *ret_path = g_steal_pointer(&path);
        return 0;
}

static int group_parse_values(const PlanParser *parser, FleetGroup *group, const KeyFileEntry *entry)
{
        g_autofree char *path = NULL, *text = NULL;
        size_t size = 0;
        int r;

        r = plan_read_file(parser, entry, &path, &text, &size);
        if (r < 0)
                return r;

        g_clear_pointer(&group->columns, g_ptr_array_unref);
        g_clear_pointer(&group->rows, g_ptr_array_unref);
        r = fleet_values_parse(path, text, size, &group->columns, &group->rows, parser->ret_error);
        if (r < 0) {
                group->columns = g_ptr_array_new_with_free_func(g_free);
                group->rows = g_ptr_array_new_with_free_func(strings_free);
        }
        return r;
}

static int group_parse_image(const PlanParser *parser, FleetGroup *group, const KeyFileEntry *entry)
{
        if (g_str_has_prefix(entry->value, "sha256:") && !digest_is_valid(entry->value))
                return key_file_refuse(entry, parser->ret_error,
                                "must be 'sha256:' and 64 hexadecimal digits in lower case");

        g_free(group->image);
        group->image = digest_is_valid(entry->value) ? g_strdup(entry->value)
                                                     : plan_resolve(parser->plan, entry->value);
        return 0;
}

static int group_add_setting(const PlanParser *parser, FleetGroup *group, const KeyFileSection *section,
                const KeyFileEntry *entry)
{
        static const char *known[_SETTING_MAX + 8];
        FleetSetting *setting;
        size_t n = 0;

        if (!plan_is_setting(entry->key)) {
                if (setting_find(SECTION_UNIKERNEL, entry->key))
                        return key_file_refuse(entry, parser->ret_error,
                                        "members of a fleet have no setting of this kind: remove the line");
                for (const char *const *key = plan_group_keys; *key; key++)
                        known[n++] = *key;
                for (SettingID id = 0; id < _SETTING_MAX; id++)
                        if (setting_table[id].section == SECTION_UNIKERNEL &&
                                        plan_is_setting(setting_table[id].key))
                                known[n++] = setting_table[id].key;
                known[n] = NULL;
                return key_file_refuse_key(section, entry, known, parser->ret_error);
        }

        setting = g_new0(FleetSetting, 1);
        *setting = (FleetSetting){
                        .key = g_strdup(entry->key), .value = g_strdup(entry->value), .line = entry->line};
        g_ptr_array_add(group->settings, setting);
        return 0;
}

static int group_parse_entry(PlanParser *parser, FleetGroup *group, const KeyFileSection *section,
                const KeyFileEntry *entry)
{
        static int (*const parsers[])(const PlanParser *parser, FleetGroup *group,
                        const KeyFileEntry *entry) = {group_parse_image, group_parse_count, group_parse_link,
                        group_parse_values, group_parse_start};

        for (size_t i = 0; plan_group_keys[i]; i++)
                if (g_str_equal(entry->key, plan_group_keys[i]))
                        return *entry->value ? parsers[i](parser, group, entry) : 0;

        return group_add_setting(parser, group, section, entry);
}

static int group_check(PlanParser *parser, const KeyFileSection *section, FleetGroup *group)
{
        FleetPlan *plan = parser->plan;
        const KeyFileEntry *values = key_file_find_entry(section, "Values");
        g_autofree char *last = NULL;

        if (!group->image)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Group %s] has no image: write Image=FILE or Image=sha256:…", group->name);
        if (group->columns->len > 0) {
                if (!key_file_find_entry(section, "Count"))
                        group->count = group->rows->len;
                if (group->rows->len < group->count || group->count == 0)
                        return key_file_refuse(values, parser->ret_error,
                                        "the file has %u lines for %u members: write one for each, or a "
                                        "smaller "
                                        "Count=",
                                        group->rows->len, group->count);
        } else if (group->count == 0)
                group->count = 1;

        plan->n_members += group->count;
        if (plan->n_members > FLEET_MEMBERS_MAX)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "the fleet has more than %d members: write a smaller Count=",
                                FLEET_MEMBERS_MAX);

        if (group->rate > 0 &&
                        (double) group->start_usec + (group->count - 1) / group->rate * G_USEC_PER_SEC >
                                        (double) FLEET_DURATION_MAX)
                return key_file_refuse(key_file_find_entry(section, "Start"), parser->ret_error,
                                "the last of %u members would start after more than 7 days: write a higher "
                                "rate",
                                group->count);

        last = g_strdup_printf("%s-%s-%u", plan->name, group->name, group->count - 1);
        if (!name_is_valid(last))
                return key_file_error(section->path, section->line, parser->ret_error,
                                "its members have names such as %s, which is longer than 63 characters: use "
                                "shorter names of fleet and group",
                                last);
        return 0;
}

int plan_parse_group(PlanParser *parser, const KeyFileSection *section)
{
        FleetGroup *group = g_new0(FleetGroup, 1);
        int r = 0;

        *group = (FleetGroup){
                        .name = g_strdup(section->name),
                        .first = parser->plan->n_members,
                        .settings = g_ptr_array_new_with_free_func(fleet_setting_free),
                        .links = g_ptr_array_new_with_free_func(fleet_link_free),
                        .columns = g_ptr_array_new_with_free_func(g_free),
                        .rows = g_ptr_array_new_with_free_func(strings_free),
                        .line = section->line,
        };
        g_ptr_array_add(parser->plan->groups, group);
        for (guint i = 0; r >= 0 && i < section->entries->len; i++)
                r = group_parse_entry(parser, group, section, section->entries->pdata[i]);

        return r < 0 ? r : group_check(parser, section, group);
}
