/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A plan as a whole, with [Fleet] and [Network NAME]. */

#include "fleet/plan/plan.h"

#include <fcntl.h>
#include <string.h>

#include "common/io.h"
#include "common/string-util.h"
#include "common/time-span.h"
#include "common/unikernel-name.h"
#include "fleet/plan/plan-private.h"
#include "unikernel/setting.h"

#define TOLERATE_DEFAULT 0.0

static const char *const fleet_keys[] = {"Name", "Seed", "Duration", "Tolerate", "Capture", "CaptureLink",
                "CaptureFilter", "CaptureLimit", "CaptureBytes", NULL};
static const char *const network_keys[] = {"Subnet", "IPv6Subnet", "FirstAddress", "IPv6FirstAddress",
                "Mode", "Network", "Bridge", "Emulated", NULL};

const FleetSectionKeys fleet_section_keys[] = {
                {"Fleet", fleet_keys},
                {"Network", network_keys},
                {"Group", plan_group_keys},
                {"Event", plan_event_keys},
                {"Churn", plan_churn_keys},
                {"Barrier", plan_barrier_keys},
                {"Link", plan_link_keys},
                {"Region", plan_region_keys},
                {"Regions", plan_regions_keys},
                {"Topology", plan_topology_keys},
                {"NAT", plan_nat_keys},
                {NULL, NULL},
};

static void fleet_network_free(gpointer data)
{
        FleetNetwork *network = data;

        g_free(network->name);
        g_free(network->network);
        g_free(network->bridge);
        g_free(network->mode);
        g_free(network);
}

void fleet_plan_free(FleetPlan *plan)
{
        if (!plan)
                return;

        g_free(plan->path);
        g_free(plan->directory);
        g_free(plan->text);
        g_free(plan->name);
        g_free(plan->seed);
        g_ptr_array_unref(plan->networks);
        g_ptr_array_unref(plan->groups);
        g_ptr_array_unref(plan->actions);
        g_ptr_array_unref(plan->churns);
        g_ptr_array_unref(plan->barriers);
        g_ptr_array_unref(plan->regions);
        g_ptr_array_unref(plan->paths);
        g_ptr_array_unref(plan->matrices);
        g_ptr_array_unref(plan->topologies);
        g_ptr_array_unref(plan->nats);
        g_clear_pointer(&plan->capture, g_array_unref);
        g_ptr_array_unref(plan->capture_links);
        g_free(plan->capture_filter);
        g_free(plan);
}

FleetGroup *fleet_plan_find_group(const FleetPlan *plan, const char *name)
{
        for (guint i = 0; i < plan->groups->len; i++) {
                FleetGroup *group = plan->groups->pdata[i];

                if (g_str_equal(group->name, name))
                        return group;
        }

        return NULL;
}

FleetNetwork *fleet_plan_find_network(const FleetPlan *plan, const char *name)
{
        for (guint i = 0; i < plan->networks->len; i++) {
                FleetNetwork *network = plan->networks->pdata[i];

                if (g_str_equal(network->name, name))
                        return network;
        }

        return NULL;
}

FleetRegion *fleet_plan_find_region(const FleetPlan *plan, const char *name)
{
        for (guint i = 0; i < plan->regions->len; i++) {
                FleetRegion *region = plan->regions->pdata[i];

                if (g_str_equal(region->name, name))
                        return region;
        }

        return NULL;
}

bool fleet_plan_is_emulated(const FleetPlan *plan)
{
        for (guint i = 0; i < plan->networks->len; i++)
                if (((const FleetNetwork *) plan->networks->pdata[i])->emulated)
                        return true;

        return false;
}

char *fleet_network_host_name(const FleetPlan *plan, const FleetNetwork *network)
{
        return g_strconcat(plan->name, "-", network->name, NULL);
}

bool plan_parse_number(const char *text, double *ret_number)
{
        char *end = NULL;

        if (!g_ascii_isdigit(*text) || strspn(text, "0123456789.") != strlen(text))
                return false;
        *ret_number = g_ascii_strtod(text, &end);
        return !*end && *ret_number < 1e12;
}

int plan_parse_percent(const PlanParser *parser, const KeyFileEntry *entry, double *ret_percent)
{
        g_autofree char *digits = g_strdup(entry->value);
        size_t length = strlen(digits);

        if (length > 0 && digits[length - 1] == '%') {
                digits[length - 1] = 0;
                if (plan_parse_number(digits, ret_percent) && *ret_percent <= 100)
                        return 0;
        }

        return key_file_refuse(entry, parser->ret_error, "not a share: write 0%% to 100%%, such as 5%%");
}

int plan_parse_time(const PlanParser *parser, const KeyFileEntry *entry, uint64_t *ret_usec)
{
        if (time_span_parse(entry->value, ret_usec) < 0 || *ret_usec > FLEET_DURATION_MAX)
                return key_file_refuse(entry, parser->ret_error,
                                "not a time up to 7 days: write such as 90s, 2min or 1min 30s");
        return 0;
}

int plan_parse_group_name(const PlanParser *parser, const KeyFileEntry *entry, const FleetGroup **ret_group)
{
        const FleetGroup *group = fleet_plan_find_group(parser->plan, entry->value);

        if (!group)
                return key_file_refuse(entry, parser->ret_error,
                                "there is no such group: write the name of a [Group NAME] of this plan");

        *ret_group = group;
        return 0;
}

static int plan_parse_fleet_entry(PlanParser *parser, const KeyFileEntry *entry)
{
        FleetPlan *plan = parser->plan;

        if (g_str_equal(entry->key, "Name")) {
                if (!name_is_valid(entry->value))
                        return key_file_refuse(entry, parser->ret_error,
                                        "not a name: write 1 to 63 of a-z, 0-9 and '-'");
                g_free(plan->name);
                plan->name = g_strdup(entry->value);
                return 0;
        }
        if (g_str_equal(entry->key, "Seed")) {
                if (strlen(entry->value) > FLEET_SEED_MAX || strpbrk(entry->value, " \t{}"))
                        return key_file_refuse(entry, parser->ret_error,
                                        "not a seed: write a number or a word of up to %d characters, "
                                        "without "
                                        "spaces and braces",
                                        FLEET_SEED_MAX);
                g_free(plan->seed);
                plan->seed = g_strdup(entry->value);
                return 0;
        }
        if (g_str_equal(entry->key, "Duration"))
                return plan_parse_time(parser, entry, &plan->duration_usec);
        if (g_str_has_prefix(entry->key, "Capture"))
                return plan_parse_capture(parser, entry);

        return plan_parse_percent(parser, entry, &plan->tolerate);
}

static int plan_parse_fleet(PlanParser *parser, const KeyFileSection *section)
{
        if (section->name)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Fleet] takes no name: write Name= in it");

        for (guint i = 0; i < section->entries->len; i++) {
                const KeyFileEntry *entry = section->entries->pdata[i];
                int r;

                if (!g_strv_contains(fleet_keys, entry->key))
                        return key_file_refuse_key(section, entry, fleet_keys, parser->ret_error);
                r = *entry->value ? plan_parse_fleet_entry(parser, entry) : 0;
                if (r < 0)
                        return r;
        }

        return 0;
}

static int plan_parse_subnet(
                const PlanParser *parser, const KeyFileEntry *entry, int family, Subnet *ret_subnet)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Subnet subnet = {};
        int r = subnet_parse(entry->value, &subnet, &error);

        if (r < 0)
                return key_file_refuse(entry, parser->ret_error, "%s", error_message(&error, r));
        if (subnet.network.family != family)
                return key_file_refuse(entry, parser->ret_error, "write a subnet of IPv%c, such as %s",
                                family == AF_INET ? '4' : '6',
                                family == AF_INET ? "10.128.0.0/22" : "fd00:1::/64");

        *ret_subnet = subnet;
        return 0;
}

static int plan_parse_first(const PlanParser *parser, const KeyFileEntry *entry, const Subnet *subnet,
                Address *ret_first)
{
        Address first;

        if (address_parse_ip(entry->value, &first) < 0 || !address_is_set(&subnet->network) ||
                        !address_contains(&subnet->network, &first))
                return key_file_refuse(entry, parser->ret_error,
                                "not an address in the subnet of this network: write one, without the "
                                "length "
                                "of its prefix");

        first.prefix = subnet->network.prefix;
        *ret_first = first;
        return 0;
}

static int plan_parse_network_entry(PlanParser *parser, FleetNetwork *network, const KeyFileEntry *entry)
{
        static const char *const modes[] = {"nat", "isolated", "routed", NULL};

        if (g_str_equal(entry->key, "Subnet"))
                return plan_parse_subnet(parser, entry, AF_INET, &network->subnet4);
        if (g_str_equal(entry->key, "IPv6Subnet"))
                return plan_parse_subnet(parser, entry, AF_INET6, &network->subnet6);
        if (g_str_equal(entry->key, "Network")) {
                g_free(network->network);
                network->network = g_strdup(entry->value);
        }
        if (g_str_equal(entry->key, "Bridge"))
                network->bridge = g_strdup(entry->value);
        if (g_str_equal(entry->key, "Network") || g_str_equal(entry->key, "Bridge"))
                return strpbrk(entry->value, ",/ ") ? key_file_refuse(entry, parser->ret_error,
                                                                      "not the name of a network or bridge")
                                                    : 0;
        if (g_str_equal(entry->key, "Emulated")) {
                if (boolean_parse(entry->value, &network->emulated) < 0)
                        return key_file_refuse(entry, parser->ret_error, "write yes or no");
                network->not_emulated = !network->emulated;
                return 0;
        }
        if (g_str_equal(entry->key, "Mode")) {
                if (!g_strv_contains(modes, entry->value))
                        return key_file_refuse(entry, parser->ret_error, "write nat, isolated or routed");
                network->mode = g_strdup(entry->value);
        }

        return 0;
}

static int plan_refuse_emulated(const PlanParser *parser, unsigned line, const FleetNetwork *network)
{
        return key_file_error(parser->plan->path, line, parser->ret_error,
                        "[Network %s] is there already, and links are emulated on networks that are made "
                        "for "
                        "the fleet: remove %s from it",
                        network->name, network->network ? "Network=" : "Bridge=");
}

int plan_emulate(PlanParser *parser, const KeyFileSection *section, FleetNetwork *network)
{
        if (network->network || network->bridge)
                return plan_refuse_emulated(parser, section->line, network);
        if (network->not_emulated)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Network %s] has Emulated=no, and this section is about its links: remove "
                                "either",
                                network->name);

        network->emulated = true;
        return 0;
}

int plan_parse_emulated(PlanParser *parser, const KeyFileSection *section, const FleetNetwork **ret_network)
{
        const KeyFileEntry *entry = NULL;
        const GPtrArray *networks = parser->plan->networks;
        FleetNetwork *network = NULL;
        int r;

        /* Groups may have several of these. */
        for (guint i = 0; i < section->entries->len; i++) {
                const KeyFileEntry *other = section->entries->pdata[i];

                if (!g_str_equal(other->key, "Network") || !*other->value)
                        continue;
                if (entry)
                        return key_file_refuse(other, parser->ret_error,
                                        "a second network in this section: write one");
                entry = other;
        }

        if (entry && *entry->value) {
                network = fleet_plan_find_network(parser->plan, entry->value);
                if (!network)
                        return key_file_refuse(entry, parser->ret_error,
                                        "there is no such network: write the name of a [Network NAME] of "
                                        "this plan");
        } else if (networks->len == 1)
                network = networks->pdata[0];
        else
                return key_file_error(section->path, section->line, parser->ret_error,
                                networks->len == 0
                                                ? "the plan has no network whose links could be emulated: "
                                                  "write a section [Network NAME] with Subnet="
                                                : "the plan has several networks: write Network= with the "
                                                  "one that it is about");
        r = plan_emulate(parser, section, network);
        if (r >= 0)
                *ret_network = network;
        return r;
}

/* What is there already says nothing of its gateway, and which of its addresses are free. */
static int plan_check_network(PlanParser *parser, const KeyFileSection *section, FleetNetwork *network)
{
        const KeyFileEntry *first = key_file_find_entry(section, "FirstAddress"),
                           *first6 = key_file_find_entry(section, "IPv6FirstAddress");
        bool found = network->network || network->bridge;
        int r = 0;

        if (first)
                r = plan_parse_first(parser, first, &network->subnet4, &network->first4);
        if (r >= 0 && first6)
                r = plan_parse_first(parser, first6, &network->subnet6, &network->first6);
        if (r < 0)
                return r;

        if (network->network && network->bridge)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Network %s] has Network= and Bridge=: write one of them", network->name);
        if (found && network->mode)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Network %s] is there already, so it has its Mode=: remove that",
                                network->name);
        if (found && network->emulated)
                return plan_refuse_emulated(parser, section->line, network);
        if (!address_is_set(&network->subnet4.network) && !address_is_set(&network->subnet6.network))
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Network %s] has no subnet: write Subnet= or IPv6Subnet=, so that its "
                                "members "
                                "have the same addresses each time",
                                network->name);
        if (found && ((address_is_set(&network->subnet4.network) && !first) ||
                                     (address_is_set(&network->subnet6.network) && !first6)))
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Network %s] is there already, and others may use it: write FirstAddress= "
                                "(and "
                                "IPv6FirstAddress= with IPv6Subnet=), from which on its addresses are the "
                                "fleet's",
                                network->name);
        return 0;
}

static int plan_parse_network(PlanParser *parser, const KeyFileSection *section)
{
        FleetNetwork *network = g_new0(FleetNetwork, 1);
        g_autofree char *host_name = NULL;
        int r;

        *network = (FleetNetwork){.name = g_strdup(section->name), .line = section->line};
        g_ptr_array_add(parser->plan->networks, network);
        for (guint i = 0; i < section->entries->len; i++) {
                const KeyFileEntry *entry = section->entries->pdata[i];

                if (!g_strv_contains(network_keys, entry->key))
                        return key_file_refuse_key(section, entry, network_keys, parser->ret_error);
                r = *entry->value ? plan_parse_network_entry(parser, network, entry) : 0;
                if (r < 0)
                        return r;
        }

        r = plan_check_network(parser, section, network);
        if (r < 0 || network->network || network->bridge)
                return r;

        host_name = fleet_network_host_name(parser->plan, network);
        if (!name_is_valid(host_name))
                return key_file_error(section->path, section->line, parser->ret_error,
                                "it is made as %s, which is longer than 63 characters: use shorter names",
                                host_name);
        if (address_is_set(&network->subnet4.network))
                subnet_set_defaults(&network->subnet4);
        if (address_is_set(&network->subnet6.network))
                subnet_set_defaults(&network->subnet6);
        return 0;
}

/* In this order: a later kind names what an earlier one says. */
static const struct {
        const char *type;
        int (*parse)(PlanParser *parser, const KeyFileSection *section);
        bool named;
} section_parsers[] = {
                {"Fleet", plan_parse_fleet, false},
                {"Network", plan_parse_network, true},
                {"Group", plan_parse_group, true},
                {"Region", plan_parse_region, true},
                {"Regions", plan_parse_regions, false},
                {"Link", plan_parse_link, false},
                {"Topology", plan_parse_topology, false},
                {"NAT", plan_parse_nat, true},
                {"Event", plan_parse_event, false},
                {"Churn", plan_parse_churn, false},
                {"Barrier", plan_parse_barrier, true},
};

static int plan_check_section(PlanParser *parser, const KeyFileSection *section)
{
        static const char *const types[] = {"Fleet", "Network", "Group", "Event", "Churn", "Barrier", "Link",
                        "Region", "Regions", "Topology", "NAT", NULL};

        for (size_t i = 0; i < G_N_ELEMENTS(section_parsers); i++) {
                if (!g_str_equal(section->type, section_parsers[i].type))
                        continue;
                if (section_parsers[i].named && !name_is_valid(section->name ?: ""))
                        return key_file_error(section->path, section->line, parser->ret_error,
                                        "[%s] needs a name: write [%s NAME], with 1 to 63 of a-z, 0-9 and "
                                        "'-'",
                                        section->type, section->type);
                return 0;
        }

        return key_file_refuse_section(section, types, parser->ret_error);
}

/* What is said of the whole, before members are named after it. */
static int plan_name(PlanParser *parser)
{
        FleetPlan *plan = parser->plan;

        if (!plan->name) {
                g_autofree char *base = g_path_get_basename(plan->path);

                if (g_str_has_suffix(base, FLEET_PLAN_SUFFIX))
                        base[strlen(base) - strlen(FLEET_PLAN_SUFFIX)] = 0;
                if (!name_is_valid(base))
                        return key_file_error(plan->path, 1, parser->ret_error,
                                        "the fleet has no name: write Name= in [Fleet], or call the file "
                                        "NAME" FLEET_PLAN_SUFFIX ", with 1 to 63 of a-z, 0-9 and '-'");
                plan->name = g_steal_pointer(&base);
        }
        if (!plan->seed)
                plan->seed = g_strdup("1");

        return 0;
}

static int plan_read(PlanParser *parser)
{
        const GPtrArray *sections = parser->key_file->sections;
        int r = 0;

        for (guint i = 0; r >= 0 && i < sections->len; i++)
                r = plan_check_section(parser, sections->pdata[i]);
        for (size_t k = 0; r >= 0 && k < G_N_ELEMENTS(section_parsers); k++) {
                for (guint i = 0; r >= 0 && i < sections->len; i++) {
                        const KeyFileSection *section = sections->pdata[i];

                        if (g_str_equal(section->type, section_parsers[k].type))
                                r = section_parsers[k].parse(parser, section);
                }
                if (r >= 0 && k == 0)
                        r = plan_name(parser);
        }
        if (r < 0)
                return r;
        r = plan_check_capture(parser);
        if (r < 0)
                return r;
        if (parser->plan->groups->len == 0)
                return key_file_error(parser->plan->path, 1, parser->ret_error,
                                "the plan has no members: write a section [Group NAME] with Image= and "
                                "Count=");

        return 0;
}

/* Keys that may come several times in a section. */
static const char *const *plan_lists(void)
{
        static const char *lists[_SETTING_MAX + _FLEET_VERB_MAX + 3];
        size_t n = 0;

        lists[n++] = "Network";
        lists[n++] = "CaptureLink";
        for (const char *const *key = plan_event_keys; *key; key++)
                lists[n++] = *key;
        for (SettingID id = 0; id < _SETTING_MAX; id++)
                if (setting_table[id].section == SECTION_UNIKERNEL &&
                                setting_table[id].type == SETTING_TYPE_LIST)
                        lists[n++] = setting_table[id].key;
        lists[n] = NULL;

        return lists;
}

int fleet_plan_parse(const char *path, const char *text, size_t size, FleetPlan **ret_plan, Error *ret_error)
{
        g_autoptr(KeyFile) key_file = key_file_new();
        g_autoptr(FleetPlan) plan = g_new0(FleetPlan, 1);
        g_autofree char *folder = g_path_get_dirname(path);
        PlanParser parser = {.plan = plan, .key_file = key_file, .ret_error = ret_error};
        int r;

        *plan = (FleetPlan){
                        .path = g_strdup(path),
                        .directory = g_canonicalize_filename(folder, NULL),
                        .text = g_strndup(text, size),
                        .tolerate = TOLERATE_DEFAULT,
                        .networks = g_ptr_array_new_with_free_func(fleet_network_free),
                        .groups = g_ptr_array_new_with_free_func(fleet_group_free),
                        .actions = g_ptr_array_new_with_free_func(fleet_action_free),
                        .churns = g_ptr_array_new_with_free_func(g_free),
                        .barriers = g_ptr_array_new_with_free_func(fleet_barrier_free),
                        .regions = g_ptr_array_new_with_free_func(fleet_region_free),
                        .paths = g_ptr_array_new_with_free_func(g_free),
                        .matrices = g_ptr_array_new_with_free_func(fleet_matrix_free),
                        .topologies = g_ptr_array_new_with_free_func(fleet_topology_free),
                        .nats = g_ptr_array_new_with_free_func(fleet_nat_free),
                        .capture_links = g_ptr_array_new_with_free_func(fleet_capture_link_free),
                        .capture_limit = FLEET_CAPTURE_LIMIT_DEFAULT,
                        .capture_bytes = FLEET_CAPTURE_BYTES_DEFAULT,
        };
        key_file_set_lists(key_file, plan_lists());
        r = key_file_add(key_file, path, text, size, ret_error);
        if (r >= 0)
                r = plan_read(&parser);
        if (r < 0)
                return r;

        *ret_plan = g_steal_pointer(&plan);
        return 0;
}

int fleet_plan_load(const char *path, FleetPlan **ret_plan, Error *ret_error)
{
        g_autofree char *text = NULL;
        size_t size = 0;
        int r;

        r = file_read_at(AT_FDCWD, path, KEY_FILE_SIZE_MAX, &text, &size);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot read the plan %s", path);

        return fleet_plan_parse(path, text, size, ret_plan, ret_error);
}
