/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* [Link A B], [Region NAME], [Regions], and Link= of events. */

#include <math.h>
#include <string.h>

#include "common/string-util.h"
#include "fleet/plan/link-shape.h"
#include "fleet/plan/matrix.h"
#include "fleet/plan/plan-private.h"

#define REGIONS_MAX 128

const char *const plan_link_keys[] = {"Network", "Latency", "Jitter", "Order", "Loss", "Burst", "Duplicate",
                "Reorder", "Corrupt", "Rate", "Queue", "Direction", NULL};
const char *const plan_region_keys[] = {"Members", NULL};
const char *const plan_regions_keys[] = {"Network", "Matrix", "Jitter", NULL};

void fleet_region_free(gpointer data)
{
        FleetRegion *region = data;

        g_free(region->name);
        g_clear_pointer(&region->targets, g_array_unref);
        g_free(region);
}

void fleet_matrix_free(gpointer data)
{
        FleetMatrix *matrix = data;

        g_ptr_array_unref(matrix->regions);
        g_free(matrix->rtt);
        g_free(matrix);
}

bool plan_parse_side(const FleetPlan *plan, const char *word, FleetSide *ret_side)
{
        FleetSide side = {.group = fleet_plan_find_group(plan, word)};

        if (!side.group)
                side.region = fleet_plan_find_region(plan, word);
        if (!side.group && !side.region && !g_str_equal(word, "*"))
                return false;

        *ret_side = side;
        return true;
}

/* Those that are empty are left out, for several spaces. */
GPtrArray *plan_split_words(const char *text)
{
        g_auto(GStrv) split = g_strsplit_set(text, " \t", -1);
        GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

        for (char **word = split; *word; word++)
                if (**word)
                        g_ptr_array_add(words, g_strdup(*word));

        return words;
}

static int link_parse_entry(PlanParser *parser, FleetPath *path, const KeyFileEntry *entry)
{
        g_autofree char *key = g_ascii_strdown(entry->key, -1);
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        if (g_str_equal(entry->key, "Network"))
                return 0;
        if (g_str_equal(entry->key, "Direction")) {
                path->both = g_str_equal(entry->value, "both");
                return path->both || g_str_equal(entry->value, "forward")
                                       ? 0
                                       : key_file_refuse(entry, parser->ret_error,
                                                         "write both, or forward for what the first sends "
                                                         "to "
                                                         "the second alone");
        }

        r = fleet_shape_set(&path->shape, key, entry->value, &error);
        /* It begins with the value. */
        return r < 0 ? key_file_error(entry->path, entry->line, parser->ret_error, "%s=%s", entry->key,
                                       error_message(&error, r))
                     : 0;
}

int plan_parse_link(PlanParser *parser, const KeyFileSection *section)
{
        FleetPath *path = g_new0(FleetPath, 1);
        g_autoptr(GPtrArray) words = plan_split_words(section->name ?: "");
        int r;

        *path = (FleetPath){.both = true, .line = section->line};
        g_ptr_array_add(parser->plan->paths, path);
        if (words->len != 2)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Link] needs its two ends: write [Link A B], each a group, a region, or * "
                                "for all members");
        for (guint i = 0; i < 2; i++) {
                g_autofree char *shown = text_for_display(words->pdata[i], 40);

                if (!plan_parse_side(parser->plan, words->pdata[i], i == 0 ? &path->from : &path->to))
                        return key_file_error(section->path, section->line, parser->ret_error,
                                        "[Link %s]: '%s' is no group and no region: write the name of a "
                                        "[Group NAME] or [Region NAME] of this plan, or *",
                                        section->name, shown);
        }

        for (guint i = 0; i < section->entries->len; i++) {
                const KeyFileEntry *entry = section->entries->pdata[i];

                if (!g_strv_contains(plan_link_keys, entry->key))
                        return key_file_refuse_key(section, entry, plan_link_keys, parser->ret_error);
                r = *entry->value ? link_parse_entry(parser, path, entry) : 0;
                if (r < 0)
                        return r;
        }

        return plan_parse_emulated(parser, section, &path->network);
}

/* "KEY=VALUE", or a word for the whole link. */
static int path_parse_word(const PlanParser *parser, const KeyFileEntry *entry, FleetPath *path, char *word)
{
        static const struct {
                const char *word;
                FleetPathChange change;
        } changes[] = {{"blocked", FLEET_PATH_BLOCKED}, {"direct", FLEET_PATH_DIRECT},
                        {"planned", FLEET_PATH_PLANNED}};
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *shown = text_for_display(word, 60);
        char *equals = strchr(word, '=');
        int r;

        for (size_t i = 0; i < G_N_ELEMENTS(changes); i++)
                if (g_str_equal(word, changes[i].word)) {
                        path->change = changes[i].change;
                        return 0;
                }
        if (!equals)
                return key_file_refuse(entry, parser->ret_error,
                                "'%s': write KEY=VALUE such as latency=200ms, or blocked, direct or planned",
                                shown);
        *equals = 0;
        if (g_str_equal(word, "network")) {
                path->network = fleet_plan_find_network(parser->plan, equals + 1);
                return path->network && path->network->emulated
                                       ? 0
                                       : key_file_refuse(entry, parser->ret_error,
                                                         "'%s': there is no such network with emulated "
                                                         "links",
                                                         shown);
        }
        if (g_str_equal(word, "direction")) {
                path->both = g_str_equal(equals + 1, "both");
                return path->both || g_str_equal(equals + 1, "forward")
                                       ? 0
                                       : key_file_refuse(entry, parser->ret_error,
                                                         "'%s': write direction=both or direction=forward",
                                                         shown);
        }

        if (!g_strv_contains(shape_keys, word)) {
                g_autofree char *known = g_strjoinv(", ", (char **) shape_keys);

                return key_file_refuse(entry, parser->ret_error,
                                "'%s': there is no such key: write network, direction, %s", shown, known);
        }
        r = fleet_shape_set(&path->shape, word, equals + 1, &error);
        return r < 0 ? key_file_refuse(entry, parser->ret_error, "%s=%s", word, error_message(&error, r))
                     : 0;
}

int plan_parse_path(const PlanParser *parser, const KeyFileEntry *entry, FleetPath **ret_path)
{
        g_autofree FleetPath *path = g_new0(FleetPath, 1);
        g_autoptr(GPtrArray) words = plan_split_words(entry->value);
        int r = 0;

        *path = (FleetPath){.both = true, .line = entry->line};
        if (words->len < 3)
                return key_file_refuse(entry, parser->ret_error,
                                "write the two ends of the link and what becomes of it, such as 'peer "
                                "server "
                                "latency=200ms loss=5%%'");
        for (guint i = 0; i < 2; i++) {
                g_autofree char *shown = text_for_display(words->pdata[i], 40);

                if (!plan_parse_side(parser->plan, words->pdata[i], i == 0 ? &path->from : &path->to))
                        return key_file_refuse(entry, parser->ret_error,
                                        "'%s' is no group and no region: write the name of a [Group NAME] "
                                        "or "
                                        "[Region NAME] of this plan, or *",
                                        shown);
        }
        for (guint i = 2; r >= 0 && i < words->len; i++)
                r = path_parse_word(parser, entry, path, words->pdata[i]);
        if (r < 0)
                return r;
        if (path->change != FLEET_PATH_SHAPED && path->shape.said)
                return key_file_refuse(entry, parser->ret_error,
                                "a link that is blocked, direct or planned has no other values: remove "
                                "either");
        if (path->change == FLEET_PATH_SHAPED && !path->shape.said)
                return key_file_refuse(entry, parser->ret_error,
                                "it does not say what becomes of the link: write such as latency=200ms, or "
                                "blocked, direct or planned");

        *ret_path = g_steal_pointer(&path);
        return 0;
}

int plan_parse_region(PlanParser *parser, const KeyFileSection *section)
{
        FleetPlan *plan = parser->plan;
        FleetRegion *region = g_new0(FleetRegion, 1);
        int r;

        *region = (FleetRegion){.name = g_strdup(section->name), .line = section->line};
        g_ptr_array_add(plan->regions, region);
        if (plan->regions->len > REGIONS_MAX)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "more than %d regions", REGIONS_MAX);
        if (fleet_plan_find_group(plan, region->name))
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Region %s] is called as a group, and [Link] could mean either: give it "
                                "another name",
                                region->name);
        for (guint i = 0; i < section->entries->len; i++) {
                const KeyFileEntry *entry = section->entries->pdata[i];

                if (!g_strv_contains(plan_region_keys, entry->key))
                        return key_file_refuse_key(section, entry, plan_region_keys, parser->ret_error);
                r = *entry->value ? plan_parse_targets(parser, entry, &region->targets) : 0;
                if (r < 0)
                        return r;
        }
        if (!region->targets)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Region %s] has no members: write Members=, such as Members=50%% of GROUP",
                                region->name);
        return 0;
}

/* "5%", "5% normal". */
static int matrix_parse_jitter(const PlanParser *parser, FleetMatrix *matrix, const KeyFileEntry *entry)
{
        g_autoptr(GPtrArray) words = plan_split_words(entry->value);
        KeyFileEntry share = *entry;

        share.value = words->pdata[0];
        if (words->len > 1)
                matrix->distribution = shape_distribution_from_string(words->pdata[1]);
        if (words->len > 2 || (int) matrix->distribution < 0)
                return key_file_refuse(entry, parser->ret_error,
                                "write a share of the latency, and uniform, normal, exponential or pareto "
                                "behind it, such as 5%% normal");
        return plan_parse_percent(parser, &share, &matrix->jitter);
}

static int matrix_read(const PlanParser *parser, FleetMatrix *matrix, const KeyFileEntry *entry)
{
        const GPtrArray *regions = parser->plan->regions;
        g_autofree const char **names = g_new0(const char *, regions->len + 1);
        g_autofree char *path = NULL, *text = NULL;
        size_t size = 0;
        int r;

        if (regions->len == 0)
                return key_file_refuse(entry, parser->ret_error,
                                "the plan has no regions: write sections [Region NAME], with names of the "
                                "file");
        r = plan_read_file(parser, entry, &path, &text, &size);
        if (r < 0)
                return r;

        for (guint i = 0; i < regions->len; i++) {
                g_ptr_array_add(matrix->regions, regions->pdata[i]);
                names[i] = ((const FleetRegion *) regions->pdata[i])->name;
        }
        g_clear_pointer(&matrix->rtt, g_free);
        return fleet_matrix_parse(path, text, size, names, regions->len, &matrix->rtt, parser->ret_error);
}

int plan_parse_regions(PlanParser *parser, const KeyFileSection *section)
{
        FleetMatrix *matrix = g_new0(FleetMatrix, 1);
        const KeyFileEntry *jitter = NULL;
        int r = 0;

        *matrix = (FleetMatrix){.regions = g_ptr_array_new(), .line = section->line};
        g_ptr_array_add(parser->plan->matrices, matrix);
        if (section->name)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Regions] takes no name: write Network= in it, or [Region NAME] for one "
                                "region");
        for (guint i = 0; r >= 0 && i < section->entries->len; i++) {
                const KeyFileEntry *entry = section->entries->pdata[i];

                if (!g_strv_contains(plan_regions_keys, entry->key))
                        return key_file_refuse_key(section, entry, plan_regions_keys, parser->ret_error);
                if (!*entry->value)
                        continue;
                if (g_str_equal(entry->key, "Matrix"))
                        r = matrix_read(parser, matrix, entry);
                else if (g_str_equal(entry->key, "Jitter")) {
                        jitter = entry;
                        r = matrix_parse_jitter(parser, matrix, entry);
                }
        }
        if (r < 0)
                return r;
        if (!matrix->rtt)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Regions] has no matrix%s: write Matrix=FILE, a table of round trips "
                                "between the regions in milliseconds",
                                jitter ? ", and Jitter= is a share of its latencies" : "");

        return plan_parse_emulated(parser, section, &matrix->network);
}
