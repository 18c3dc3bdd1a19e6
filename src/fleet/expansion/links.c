/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is drawn for the links of a network. */

#include "fleet/expansion/links.h"

#include <string.h>

#include "common/keyfile.h"
#include "common/string-util.h"
#include "fleet/expansion/draw.h"
#include "fleet/expansion/network-addresses.h"
#include "fleet/expansion/topology.h"
#include "fleet/plan/graph.h"

static void box_clear(gpointer data)
{
        g_free(((FleetBox *) data)->name);
}

static void links_free(gpointer data)
{
        FleetLinks *links = data;

        g_array_unref(links->members);
        g_clear_pointer(&links->edges, g_array_unref);
        g_array_unref(links->boxes);
        g_free(links->behind);
        g_free(links->nodes);
        g_clear_pointer(&links->used, g_array_unref);
        g_free(links->latency);
        g_free(links->loss);
        g_free(links);
}

/* The link of a group to a network; -ENOENT if it has none. */
static int group_find_network(const FleetGroup *group, const FleetNetwork *network)
{
        for (guint i = 0; i < group->links->len; i++)
                if (((const FleetLink *) group->links->pdata[i])->network == network)
                        return (int) i;

        return -ENOENT;
}

static FleetLinks *links_new(const FleetExpansion *expansion, const FleetNetwork *network)
{
        FleetLinks *links = g_new0(FleetLinks, 1);
        const GPtrArray *topologies = expansion->plan->topologies;

        *links = (FleetLinks){.network = network,
                        .members = g_array_new(FALSE, FALSE, sizeof(guint)),
                        .boxes = g_array_new(FALSE, FALSE, sizeof(FleetBox))};
        g_array_set_clear_func(links->boxes, box_clear);
        for (guint i = 0; i < topologies->len; i++)
                if (((const FleetTopology *) topologies->pdata[i])->network == network)
                        links->topology = topologies->pdata[i];
        for (guint i = 0; i < expansion->members->len; i++)
                if (group_find_network(fleet_member_at(expansion, i)->group, network) >= 0)
                        g_array_append_val(links->members, i);

        links->behind = g_new(guint, links->members->len + 1);
        for (guint i = 0; i < links->members->len; i++)
                links->behind[i] = FLEET_BOX_NONE;
        return links;
}

/* Where a member is among those of the network; -ENOENT if it is on another. */
static int links_find(const FleetLinks *links, guint member)
{
        for (guint i = 0; i < links->members->len; i++)
                if (g_array_index(links->members, guint, i) == member)
                        return (int) i;

        return -ENOENT;
}

static int draw_regions(FleetExpansion *expansion, Error *ret_error)
{
        const FleetPlan *plan = expansion->plan;
        g_autofree bool *taken = g_new0(bool, expansion->members->len + 1);

        for (guint i = 0; i < plan->regions->len; i++) {
                const FleetRegion *region = plan->regions->pdata[i];
                g_autoptr(GArray) members = NULL;
                FleetRandom random;
                guint other = 0;

                fleet_random_init(&random, plan->seed, "region %s", region->name);
                if (fleet_draw_all(expansion, region->targets, taken, &random, &members, &other) < 0)
                        return key_file_error(plan->path, region->line, ret_error,
                                        "[Region %s]: %s is in the region %s already: name each member in "
                                        "one "
                                        "region, and regions that name members before those that draw them",
                                        region->name, fleet_member_at(expansion, other)->name,
                                        fleet_member_at(expansion, other)->region->name);
                for (guint k = 0; k < members->len; k++)
                        fleet_member_at(expansion, g_array_index(members, guint, k))->region = region;
        }

        return 0;
}

static void draw_captured(FleetExpansion *expansion)
{
        const FleetPlan *plan = expansion->plan;
        g_autoptr(GArray) members = NULL;
        FleetRandom random;

        for (guint i = 0; i < expansion->members->len; i++)
                fleet_member_at(expansion, i)->captured = plan->capture_all;
        if (!plan->capture)
                return;

        fleet_random_init(&random, plan->seed, "capture");
        (void) fleet_draw_all(expansion, plan->capture, NULL, &random, &members, NULL);
        for (guint i = 0; i < members->len; i++)
                fleet_member_at(expansion, g_array_index(members, guint, i))->captured = true;
}

static bool is_captured(const FleetMember *member, const FleetCaptureEnd *unused)
{
        return member->captured;
}

static bool is_at_end(const FleetMember *member, const FleetCaptureEnd *end)
{
        if (end->one)
                return member->group == end->member.group && member->index == end->member.member;
        return (!end->side.group || member->group == end->side.group) &&
               (!end->side.region || member->region == end->side.region);
}

static GPtrArray *links_select(const FleetExpansion *expansion, const FleetLinks *links,
                bool (*is_wanted)(const FleetMember *member, const FleetCaptureEnd *end),
                const FleetCaptureEnd *end, bool *ret_all)
{
        GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

        for (guint i = 0; i < links->members->len; i++) {
                const FleetMember *member =
                                fleet_member_at(expansion, g_array_index(links->members, guint, i));

                if (is_wanted(member, end))
                        g_ptr_array_add(names, g_strdup(member->name));
        }

        *ret_all = names->len == links->members->len;
        return names;
}

GPtrArray *fleet_links_captured(const FleetExpansion *expansion, const FleetLinks *links, bool *ret_all)
{
        return links_select(expansion, links, is_captured, NULL, ret_all);
}

GPtrArray *fleet_links_capture_end(const FleetExpansion *expansion, const FleetLinks *links,
                const FleetCaptureEnd *end, bool *ret_all)
{
        return links_select(expansion, links, is_at_end, end, ret_all);
}

static int box_add(const FleetExpansion *expansion, FleetLinks *links, const FleetNat *nat, char *name,
                Address *next, Error *ret_error)
{
        FleetBox box = {.name = name, .nat = nat};

        g_array_append_val(links->boxes, box);
        do
                if (!fleet_network_take(&links->network->subnet4, next,
                                    &g_array_index(links->boxes, FleetBox, links->boxes->len - 1).address))
                        return key_file_error(expansion->plan->path, nat->line, ret_error,
                                        "[NAT %s]: [Network %s] has no address left for the box %s: write a "
                                        "larger Subnet=",
                                        nat->name, links->network->name, name);
        while (fleet_network_has(expansion, links->network,
                        &g_array_index(links->boxes, FleetBox, links->boxes->len - 1).address));
        return 0;
}

/* Whether an earlier box has the address of the last one. */
static int boxes_check(const FleetExpansion *expansion, const FleetLinks *links, Error *ret_error)
{
        const FleetBox *last = &g_array_index(links->boxes, FleetBox, links->boxes->len - 1);
        char text[ADDRESS_TEXT_MAX];

        for (guint i = 0; i + 1 < links->boxes->len; i++) {
                const FleetBox *other = &g_array_index(links->boxes, FleetBox, i);

                address_format_ip(&other->address, text);
                if (address_equal(&other->address, &last->address))
                        return key_file_error(expansion->plan->path, last->nat->line, ret_error,
                                        "[NAT %s]: the box %s has the address %s already: write another "
                                        "FirstAddress=",
                                        last->nat->name, other->name, text);
                if (g_str_equal(other->name, last->name))
                        return key_file_error(expansion->plan->path, last->nat->line, ret_error,
                                        "[NAT %s]: another box is called %s: give the section another name",
                                        last->nat->name, last->name);
        }

        return 0;
}

static int draw_nat(FleetExpansion *expansion, FleetLinks *links, const FleetNat *nat, bool *taken,
                Address *next, Error *ret_error)
{
        const FleetPlan *plan = expansion->plan;
        g_autoptr(GArray) members = NULL;
        FleetRandom random;
        guint other = 0;
        int r = 0;

        fleet_random_init(&random, plan->seed, "nat %s", nat->name);
        if (fleet_draw_all(expansion, nat->targets, taken, &random, &members, &other) < 0)
                return key_file_error(plan->path, nat->line, ret_error,
                                "[NAT %s]: %s is behind another box already: name each member in one [NAT], "
                                "and those that name members before those that draw them",
                                nat->name, fleet_member_at(expansion, other)->name);
        if (address_is_set(&nat->first))
                *next = nat->first;
        for (guint i = 0; r >= 0 && i < members->len; i++) {
                guint member = g_array_index(members, guint, i);
                int place = links_find(links, member);

                if (place < 0)
                        return key_file_error(plan->path, nat->line, ret_error,
                                        "[NAT %s]: %s is not on the network %s: write Network= with one "
                                        "that "
                                        "it is on, or other Members=",
                                        nat->name, fleet_member_at(expansion, member)->name,
                                        links->network->name);
                if (i == 0 || nat->each) {
                        r = box_add(expansion, links, nat,
                                        nat->each ? g_strdup_printf("%s-%u", nat->name, i)
                                                  : g_strdup(nat->name),
                                        next, ret_error);
                        if (r >= 0)
                                r = boxes_check(expansion, links, ret_error);
                }
                links->behind[place] = links->boxes->len - 1;
        }

        return r;
}

/* Behind the members' addresses, unless FirstAddress= says otherwise. */
static int draw_nats(FleetExpansion *expansion, FleetLinks *links, Error *ret_error)
{
        const FleetPlan *plan = expansion->plan;
        g_autofree bool *taken = g_new0(bool, expansion->members->len + 1);
        Address next = fleet_network_next(expansion, links->network);
        int r = 0;

        for (guint i = 0; r >= 0 && i < plan->nats->len; i++) {
                const FleetNat *nat = plan->nats->pdata[i];

                if (nat->network == links->network)
                        r = draw_nat(expansion, links, nat, taken, &next, ret_error);
        }

        return r;
}

/* The value of the column for a member. */
static const char *member_find_value(const FleetMember *member, const char *column)
{
        for (guint i = 0; i < member->group->columns->len; i++)
                if (g_str_equal(member->group->columns->pdata[i], column))
                        return ((char **) member->group->rows->pdata[member->index])[i];

        return NULL;
}

/* The node of the graph that a member is at: in turn, or as its column says. */
static int member_find_node(const FleetExpansion *expansion, const FleetLinks *links, guint place,
                guint *ret_node, Error *ret_error)
{
        const FleetTopology *topology = links->topology;
        const FleetMember *member = fleet_member_at(expansion, g_array_index(links->members, guint, place));
        const char *value = topology->column ? member_find_value(member, topology->column) : NULL;
        g_autofree char *shown = text_for_display(value ?: "", 40);
        int node;

        if (!topology->column) {
                *ret_node = place % topology->graph->nodes->len;
                return 0;
        }
        if (!value)
                return key_file_error(expansion->plan->path, topology->line, ret_error,
                                "[Topology %s]: Column=%s: the group %s has no such column: write Values= "
                                "with "
                                "one in it",
                                links->network->name, topology->column, member->group->name);
        node = fleet_graph_find(topology->graph, value);
        if (node < 0)
                return key_file_error(expansion->plan->path, topology->line, ret_error,
                                "[Topology %s]: Column=%s: %s is to be at the node '%s', which the graph "
                                "does "
                                "not have",
                                links->network->name, topology->column, member->name, shown);

        *ret_node = (guint) node;
        return 0;
}

static int graph_refuse_path(const FleetExpansion *expansion, const FleetLinks *links, guint from, guint to,
                Error *ret_error)
{
        const GArray *nodes = links->topology->graph->nodes;
        g_autofree char *shown = text_for_display(g_array_index(nodes, FleetGraphNode,
                                                                  g_array_index(links->used, guint, from))
                                                                  .id,
                                        40),
                        *other = text_for_display(g_array_index(nodes, FleetGraphNode,
                                                                  g_array_index(links->used, guint, to))
                                                                  .id,
                                        40);

        if (from == to)
                return key_file_error(expansion->plan->path, links->topology->line, ret_error,
                                "[Topology %s]: several members are at the node %s, and no edge leads from "
                                "it "
                                "to itself: add one, with the latency between them",
                                links->network->name, shown);
        return key_file_error(expansion->plan->path, links->topology->line, ret_error,
                        "[Topology %s]: no path leads from the node %s to %s: add edges",
                        links->network->name, shown, other);
}

/* The paths among all nodes that are used. */
static int graph_find_paths(const FleetExpansion *expansion, FleetLinks *links, Error *ret_error)
{
        const FleetGraph *graph = links->topology->graph;
        guint n = links->used->len;
        g_autofree uint64_t *latency = g_new(uint64_t, graph->nodes->len);
        g_autofree double *loss = g_new(double, graph->nodes->len);
        g_autofree guint *count = g_new0(guint, n);

        for (guint i = 0; i < links->members->len; i++)
                count[links->nodes[i]]++;
        links->latency = g_new0(uint64_t, (gsize) n * n);
        links->loss = g_new0(double, (gsize) n *n);
        for (guint from = 0; from < n; from++) {
                fleet_graph_paths(graph, g_array_index(links->used, guint, from), latency, loss);
                for (guint to = 0; to < n; to++) {
                        guint node = g_array_index(links->used, guint, to);

                        if (latency[node] == UINT64_MAX && (from != to || count[from] > 1))
                                return graph_refuse_path(expansion, links, from, to, ret_error);
                        links->latency[(gsize) from * n + to] =
                                        latency[node] == UINT64_MAX ? 0 : latency[node];
                        links->loss[(gsize) from * n + to] = loss[node];
                }
        }

        return 0;
}

static int draw_graph(FleetExpansion *expansion, FleetLinks *links, Error *ret_error)
{
        const FleetGraph *graph = links->topology->graph;
        g_autofree guint *place_of = g_new0(guint, graph->nodes->len);

        links->nodes = g_new0(guint, links->members->len + 1);
        links->used = g_array_new(FALSE, FALSE, sizeof(guint));
        for (guint i = 0; i < links->members->len; i++) {
                guint node;
                int r = member_find_node(expansion, links, i, &node, ret_error);

                if (r < 0)
                        return r;
                if (place_of[node] == 0) {
                        g_array_append_val(links->used, node);
                        place_of[node] = links->used->len;
                }
                links->nodes[i] = place_of[node] - 1;
        }
        if (links->used->len > FLEET_NODES_MAX)
                return key_file_error(expansion->plan->path, links->topology->line, ret_error,
                                "[Topology %s]: members are at %u nodes, and %d is the most: put several at "
                                "one, by Column=",
                                links->network->name, links->used->len, FLEET_NODES_MAX);

        return graph_find_paths(expansion, links, ret_error);
}

static int draw_topology(FleetExpansion *expansion, FleetLinks *links, Error *ret_error)
{
        const FleetTopology *topology = links->topology;
        int centre = 0;

        if (!topology || topology->type == FLEET_TOPOLOGY_FULL)
                return 0;
        if (topology->type == FLEET_TOPOLOGY_GML)
                return draw_graph(expansion, links, ret_error);

        if (topology->centred) {
                guint member = topology->centre.group->first + topology->centre.member;

                centre = links_find(links, member);
                if (centre < 0)
                        return key_file_error(expansion->plan->path, topology->line, ret_error,
                                        "[Topology %s]: the centre, %s, is not on this network: write "
                                        "another "
                                        "Centre=",
                                        links->network->name, fleet_member_at(expansion, member)->name);
        }
        return fleet_topology_make(expansion->plan, topology, links->members->len, (guint) centre,
                        &links->edges, ret_error);
}

int fleet_links_draw(FleetExpansion *expansion, Error *ret_error)
{
        const FleetPlan *plan = expansion->plan;
        int r;

        expansion->links = g_ptr_array_new_with_free_func(links_free);
        draw_captured(expansion);
        r = draw_regions(expansion, ret_error);
        for (guint i = 0; r >= 0 && i < plan->networks->len; i++) {
                FleetLinks *links;

                if (!((const FleetNetwork *) plan->networks->pdata[i])->emulated)
                        continue;
                links = links_new(expansion, plan->networks->pdata[i]);
                g_ptr_array_add(expansion->links, links);
                r = draw_nats(expansion, links, ret_error);
                if (r >= 0)
                        r = draw_topology(expansion, links, ret_error);
        }

        return r;
}
