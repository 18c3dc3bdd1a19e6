/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* [Topology NETWORK] and [NAT NAME]. */

#include <string.h>

#include "common/string-util.h"
#include "fleet/plan/graph.h"
#include "fleet/plan/plan-private.h"

#define DEGREE_MAX        4095
#define NAT_NAME_EACH_MAX 58

const char *const plan_topology_keys[] = {"Type", "Degree", "Rewire", "Centre", "File", "Column", NULL};
const char *const plan_nat_keys[] = {"Network", "Members", "Kind", "Mapping", "Filtering", "Ports",
                "Hairpinning", "Timeout", "Boxes", "FirstAddress", NULL};

static const char *const fleet_topology_type_table[_FLEET_TOPOLOGY_MAX] = {
                [FLEET_TOPOLOGY_FULL] = "full",
                [FLEET_TOPOLOGY_RING] = "ring",
                [FLEET_TOPOLOGY_STAR] = "star",
                [FLEET_TOPOLOGY_K_REGULAR] = "k-regular",
                [FLEET_TOPOLOGY_SMALL_WORLD] = "small-world",
                [FLEET_TOPOLOGY_SCALE_FREE] = "scale-free",
                [FLEET_TOPOLOGY_GML] = "gml",
};
DEFINE_STRING_TABLE(fleet_topology_type, FleetTopologyType, fleet_topology_type_table, _FLEET_TOPOLOGY_MAX)

void fleet_topology_free(gpointer data)
{
        FleetTopology *topology = data;

        fleet_graph_free(topology->graph);
        g_free(topology->column);
        g_free(topology);
}

void fleet_nat_free(gpointer data)
{
        FleetNat *nat = data;

        g_free(nat->name);
        g_clear_pointer(&nat->targets, g_array_unref);
        g_free(nat);
}

static int topology_parse_type(const PlanParser *parser, FleetTopology *topology, const KeyFileEntry *entry)
{
        topology->type = fleet_topology_type_from_string(entry->value);
        return (int) topology->type >= 0 ? 0
                                         : key_file_refuse(entry, parser->ret_error,
                                                           "write full, ring, star, k-regular, small-world, "
                                                           "scale-free "
                                                           "or gml");
}

static int topology_parse_degree(
                const PlanParser *parser, FleetTopology *topology, const KeyFileEntry *entry)
{
        uint64_t degree;

        if (number_parse(entry->value, 1, DEGREE_MAX, &degree) < 0)
                return key_file_refuse(entry, parser->ret_error, "write a number of links from 1 to %d",
                                DEGREE_MAX);
        topology->degree = (guint) degree;
        return 0;
}

static int topology_parse_centre(
                const PlanParser *parser, FleetTopology *topology, const KeyFileEntry *entry)
{
        g_autoptr(GArray) targets = NULL;
        int r;

        r = plan_parse_targets(parser, entry, &targets);
        if (r < 0)
                return r;
        topology->centre = g_array_index(targets, FleetTarget, 0);
        if (targets->len != 1 || topology->centre.amount != FLEET_NAMED)
                return key_file_refuse(entry, parser->ret_error, "write one member, such as server-0");
        topology->centred = true;
        return 0;
}

static int topology_parse_file(const PlanParser *parser, FleetTopology *topology, const KeyFileEntry *entry)
{
        g_autofree char *path = NULL, *text = NULL;
        size_t size = 0;
        int r;

        r = plan_read_file(parser, entry, &path, &text, &size);
        if (r < 0)
                return r;
        g_clear_pointer(&topology->graph, fleet_graph_free);
        return fleet_graph_parse(path, text, size, &topology->graph, parser->ret_error);
}

static int topology_parse_entry(const PlanParser *parser, FleetTopology *topology, const KeyFileEntry *entry)
{
        if (g_str_equal(entry->key, "Type"))
                return topology_parse_type(parser, topology, entry);
        if (g_str_equal(entry->key, "Degree"))
                return topology_parse_degree(parser, topology, entry);
        if (g_str_equal(entry->key, "Rewire"))
                return plan_parse_percent(parser, entry, &topology->rewire);
        if (g_str_equal(entry->key, "Centre"))
                return topology_parse_centre(parser, topology, entry);
        if (g_str_equal(entry->key, "File"))
                return topology_parse_file(parser, topology, entry);

        g_free(topology->column);
        topology->column = g_strdup(entry->value);
        return 0;
}

/* A key that another type has says that something else was meant. */
static int topology_check(
                const PlanParser *parser, const KeyFileSection *section, const FleetTopology *topology)
{
        static const struct {
                const char *key;
                unsigned types;
        } uses[] = {
                        {"Degree", 1u << FLEET_TOPOLOGY_RING | 1u << FLEET_TOPOLOGY_K_REGULAR |
                                                        1u << FLEET_TOPOLOGY_SMALL_WORLD |
                                                        1u << FLEET_TOPOLOGY_SCALE_FREE},
                        {"Rewire", 1u << FLEET_TOPOLOGY_SMALL_WORLD},
                        {"Centre", 1u << FLEET_TOPOLOGY_STAR},
                        {"File", 1u << FLEET_TOPOLOGY_GML},
                        {"Column", 1u << FLEET_TOPOLOGY_GML},
        };

        if ((int) topology->type < 0)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Topology %s] has no type: write Type= with full, ring, star, k-regular, "
                                "small-world, scale-free or gml",
                                section->name);
        for (size_t i = 0; i < G_N_ELEMENTS(uses); i++) {
                const KeyFileEntry *entry = key_file_find_entry(section, uses[i].key);

                if (entry && *entry->value && !(uses[i].types & 1u << topology->type))
                        return key_file_refuse(entry, parser->ret_error,
                                        "a topology of Type=%s has no %s=: remove the line",
                                        fleet_topology_type_to_string(topology->type), entry->key);
        }
        if (topology->type == FLEET_TOPOLOGY_GML && !topology->graph)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Topology %s] has no file: write File=, a graph in GML or GraphML",
                                section->name);
        if ((topology->type == FLEET_TOPOLOGY_RING || topology->type == FLEET_TOPOLOGY_SMALL_WORLD) &&
                        topology->degree % 2 == 1)
                return key_file_refuse(key_file_find_entry(section, "Degree"), parser->ret_error,
                                "as many links lead to either side: write an even number");
        return 0;
}

int plan_parse_topology(PlanParser *parser, const KeyFileSection *section)
{
        FleetTopology *topology = g_new0(FleetTopology, 1);
        FleetNetwork *network = section->name ? fleet_plan_find_network(parser->plan, section->name) : NULL;
        int r;

        *topology = (FleetTopology){.network = network,
                        .type = _FLEET_TOPOLOGY_INVALID,
                        .rewire = 10,
                        .line = section->line};
        g_ptr_array_add(parser->plan->topologies, topology);
        if (!network)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Topology] needs a network of this plan: write [Topology NETWORK]");
        for (guint i = 0; i < section->entries->len; i++) {
                const KeyFileEntry *entry = section->entries->pdata[i];

                if (!g_strv_contains(plan_topology_keys, entry->key))
                        return key_file_refuse_key(section, entry, plan_topology_keys, parser->ret_error);
                r = *entry->value ? topology_parse_entry(parser, topology, entry) : 0;
                if (r < 0)
                        return r;
        }

        r = topology_check(parser, section, topology);
        return r < 0 ? r : plan_emulate(parser, section, network);
}

/* The four kinds, in the words of RFC 4787. */
static int nat_parse_kind(const PlanParser *parser, FleetNat *nat, const KeyFileEntry *entry)
{
        static const struct {
                const char *kind;
                NatBehaviour behaviour;
        } kinds[] = {
                        {"full-cone", {.filtering = NAT_ENDPOINT_INDEPENDENT}},
                        {"restricted-cone", {.filtering = NAT_ADDRESS_DEPENDENT}},
                        {"port-restricted", {.filtering = NAT_ADDRESS_AND_PORT_DEPENDENT}},
                        {"symmetric", {.mapping = NAT_ADDRESS_AND_PORT_DEPENDENT,
                                                      .filtering = NAT_ADDRESS_AND_PORT_DEPENDENT,
                                                      .random_ports = true}},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
                if (g_str_equal(entry->value, kinds[i].kind)) {
                        nat->behaviour = kinds[i].behaviour;
                        return 0;
                }

        return key_file_refuse(entry, parser->ret_error,
                        "write full-cone, restricted-cone, port-restricted or symmetric; or Mapping= and "
                        "Filtering= in its stead");
}

static int nat_parse_entry(const PlanParser *parser, FleetNat *nat, const KeyFileEntry *entry)
{
        g_autofree char *key = g_ascii_strdown(entry->key, -1);
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        if (g_str_equal(entry->key, "Network") || g_str_equal(entry->key, "Kind") ||
                        g_str_equal(entry->key, "FirstAddress"))
                return 0; /* before all others, and behind them */
        if (g_str_equal(entry->key, "Members"))
                return plan_parse_targets(parser, entry, &nat->targets);
        if (g_str_equal(entry->key, "Boxes")) {
                nat->each = g_str_equal(entry->value, "each");
                return nat->each || g_str_equal(entry->value, "one")
                                       ? 0
                                       : key_file_refuse(entry, parser->ret_error,
                                                         "write one, for a box that all of them are behind, "
                                                         "or each, for one of its own for each");
        }

        r = nat_behaviour_set(&nat->behaviour, key, entry->value, &error);
        /* It begins with the value. */
        return r < 0 ? key_file_error(entry->path, entry->line, parser->ret_error, "%s=%s", entry->key,
                                       error_message(&error, r))
                     : 0;
}

static int nat_check(const PlanParser *parser, const KeyFileSection *section, FleetNat *nat)
{
        const KeyFileEntry *first = key_file_find_entry(section, "FirstAddress");
        const Address *network = &nat->network->subnet4.network;

        if (nat->each && strlen(nat->name) > NAT_NAME_EACH_MAX)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "its boxes are called %s-0 and so on, up to 63 characters: use a name of at "
                                "most %d",
                                nat->name, NAT_NAME_EACH_MAX);
        if (!nat->targets)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[NAT %s] has no members: write Members=, such as Members=all of GROUP",
                                section->name);
        if (!address_is_set(network))
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[NAT %s] is about IPv4, and [Network %s] has no Subnet=: write one",
                                section->name, nat->network->name);
        if (!first || !*first->value)
                return 0;
        if (address_parse_ip(first->value, &nat->first) < 0 || !address_contains(network, &nat->first))
                return key_file_refuse(first, parser->ret_error,
                                "not an address in the subnet of the network: write one, without the length "
                                "of its prefix");
        nat->first.prefix = network->prefix;
        return 0;
}

int plan_parse_nat(PlanParser *parser, const KeyFileSection *section)
{
        FleetNat *nat = g_new0(FleetNat, 1);
        const KeyFileEntry *kind = key_file_find_entry(section, "Kind"),
                           *mapping = key_file_find_entry(section, "Mapping"),
                           *filtering = key_file_find_entry(section, "Filtering");
        int r;

        *nat = (FleetNat){.name = g_strdup(section->name),
                        .behaviour.filtering = NAT_ADDRESS_AND_PORT_DEPENDENT,
                        .line = section->line};
        g_ptr_array_add(parser->plan->nats, nat);
        r = kind && *kind->value ? nat_parse_kind(parser, nat, kind) : 0;
        if (r >= 0 && kind && *kind->value &&
                        ((mapping && *mapping->value) || (filtering && *filtering->value)))
                return key_file_refuse(kind, parser->ret_error,
                                "a kind is a mapping and a filtering: remove it, or Mapping= and "
                                "Filtering=");
        for (guint i = 0; r >= 0 && i < section->entries->len; i++) {
                const KeyFileEntry *entry = section->entries->pdata[i];

                if (!g_strv_contains(plan_nat_keys, entry->key))
                        return key_file_refuse_key(section, entry, plan_nat_keys, parser->ret_error);
                r = *entry->value ? nat_parse_entry(parser, nat, entry) : 0;
        }
        if (r >= 0)
                r = plan_parse_emulated(parser, section, &nat->network);
        return r < 0 ? r : nat_check(parser, section, nat);
}
