/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Graphs of so many members. shruthi.fleet(5) says how each is drawn, and it never changes. */

#include "fleet/expansion/topology.h"

#include <string.h>

#include "common/keyfile.h"
#include "fleet/expansion/random.h"

#define ROUNDS_MAX 100 /* of the exchanges of a k-regular graph */

/* A set of edges, for which each is a number. */
typedef struct EdgeSet {
        GArray *edges; /* FleetEdge */
        GHashTable *known;
} EdgeSet;

static gpointer edge_key(guint a, guint b)
{
        return GSIZE_TO_POINTER((gsize) MIN(a, b) * FLEET_MEMBERS_MAX + MAX(a, b) + 1);
}

static bool edges_have(const EdgeSet *set, guint a, guint b)
{
        return g_hash_table_contains(set->known, edge_key(a, b));
}

static void edges_add(EdgeSet *set, guint a, guint b)
{
        FleetEdge edge = {MIN(a, b), MAX(a, b)};

        if (a == b || !g_hash_table_add(set->known, edge_key(a, b)))
                return;
        g_array_append_val(set->edges, edge);
}

/* Puts another edge in the place of one. */
static void edges_replace(EdgeSet *set, guint place, guint a, guint b)
{
        FleetEdge *edge = &g_array_index(set->edges, FleetEdge, place);

        g_hash_table_remove(set->known, edge_key(edge->a, edge->b));
        *edge = (FleetEdge){MIN(a, b), MAX(a, b)};
        g_hash_table_add(set->known, edge_key(a, b));
}

/* Each with the degree / 2 next ones, in rounds: first all with their next, then with the one after it. */
static void make_ring(EdgeSet *set, guint n, guint degree)
{
        for (guint step = 1; step <= degree / 2; step++)
                for (guint i = 0; i < n; i++)
                        edges_add(set, i, (i + step) % n);
}

static void make_star(EdgeSet *set, guint n, guint centre)
{
        for (guint i = 0; i < n; i++)
                edges_add(set, centre, i);
}

static bool edges_are_connected(const EdgeSet *set, guint n)
{
        g_autofree guint *root = g_new(guint, n);
        guint parts = n;

        for (guint i = 0; i < n; i++)
                root[i] = i;
        for (guint i = 0; i < set->edges->len; i++) {
                const FleetEdge *edge = &g_array_index(set->edges, FleetEdge, i);
                guint a = edge->a, b = edge->b;

                for (; root[a] != a; a = root[a])
                        root[a] = root[root[a]];
                for (; root[b] != b; b = root[b])
                        root[b] = root[root[b]];
                parts -= a != b;
                root[MAX(a, b)] = MIN(a, b);
        }

        return parts <= 1;
}

/* Two edges a-b and c-d become a-d and c-b, unless that makes a loop or a second edge of two members. */
static void edges_exchange(EdgeSet *set, FleetRandom *random)
{
        guint i = (guint) fleet_random_below(random, set->edges->len),
              k = (guint) fleet_random_below(random, set->edges->len);
        FleetEdge x = g_array_index(set->edges, FleetEdge, i), y = g_array_index(set->edges, FleetEdge, k);
        bool turned = fleet_random_below(random, 2) == 1;
        guint c = turned ? y.b : y.a, d = turned ? y.a : y.b;

        if (i == k || x.a == d || c == x.b || edges_have(set, x.a, d) || edges_have(set, c, x.b))
                return;
        edges_replace(set, i, x.a, d);
        edges_replace(set, k, c, x.b);
}

/* A ring in which each is connected with its nearest (and, with an odd degree, the one opposite), whose
 * edges are exchanged at random, ten times as often as there are edges, until all members are connected. */
static bool make_regular(EdgeSet *set, guint n, guint degree, FleetRandom *random)
{
        make_ring(set, n, degree);
        for (guint i = 0; degree % 2 == 1 && i < n / 2; i++)
                edges_add(set, i, i + n / 2);

        /* Of two links each, one ring is the only graph that is connected. */
        if (degree == 2) {
                g_autoptr(GArray) order = g_array_new(FALSE, FALSE, sizeof(guint));

                for (guint i = 0; i < n; i++)
                        g_array_append_val(order, i);
                fleet_random_draw(random, order, n);
                g_array_set_size(set->edges, 0);
                g_hash_table_remove_all(set->known);
                for (guint i = 0; i < n; i++)
                        edges_add(set, g_array_index(order, guint, i),
                                        g_array_index(order, guint, (i + 1) % n));
                return true;
        }

        for (guint round = 0; round < ROUNDS_MAX; round++) {
                for (guint i = 0; i < set->edges->len * 10; i++)
                        edges_exchange(set, random);
                if (edges_are_connected(set, n))
                        return true;
        }

        return false;
}

/* Watts and Strogatz (1998): a ring, of which each edge gets another end with that probability. The edges of
 * a ring are there in the order of their first ends, in rounds. */
static void make_small_world(EdgeSet *set, guint n, guint degree, double share, FleetRandom *random)
{
        g_autofree guint *degrees = g_new(guint, n);

        make_ring(set, n, degree);
        for (guint i = 0; i < n; i++)
                degrees[i] = degree;
        for (guint i = 0; i < set->edges->len; i++) {
                const FleetEdge *edge = &g_array_index(set->edges, FleetEdge, i);
                guint from = i % n, former = edge->a == from ? edge->b : edge->a, other;

                if (fleet_random_unit(random) > share || degrees[from] >= n - 1)
                        continue;
                do
                        other = (guint) fleet_random_below(random, n);
                while (other == from || edges_have(set, from, other));
                degrees[former]--;
                degrees[other]++;
                edges_replace(set, i, from, other);
        }
}

/* Barabási and Albert (1999): degree + 1 members that are all connected, and each further one with degree
 * others, drawn in proportion to the links that they have. */
static void make_scale_free(EdgeSet *set, guint n, guint degree, FleetRandom *random)
{
        g_autoptr(GArray) ends = g_array_new(FALSE, FALSE, sizeof(guint));

        for (guint i = 0; i <= degree; i++)
                for (guint k = i + 1; k <= degree; k++) {
                        edges_add(set, i, k);
                        g_array_append_val(ends, i);
                        g_array_append_val(ends, k);
                }
        for (guint i = degree + 1; i < n; i++) {
                guint before = ends->len;

                for (guint links = 0; links < degree;) {
                        guint other = g_array_index(ends, guint, fleet_random_below(random, before));

                        if (edges_have(set, i, other))
                                continue;
                        edges_add(set, i, other);
                        g_array_append_val(ends, i);
                        g_array_append_val(ends, other);
                        links++;
                }
        }
}

static int compare_edges(gconstpointer a, gconstpointer b)
{
        const FleetEdge *x = a, *y = b;

        if (x->a != y->a)
                return x->a < y->a ? -1 : 1;
        return x->b < y->b ? -1 : x->b > y->b;
}

static int topology_check_size(const FleetPlan *plan, const FleetTopology *topology, guint n, guint degree,
                Error *ret_error)
{
        const char *name = topology->network->name;

        if (n < 2)
                return key_file_error(plan->path, topology->line, ret_error,
                                "[Topology %s]: the network has %u members, and a topology needs two: give "
                                "groups a line Network=DEVICE:%s",
                                name, n, name);
        if (degree >= n)
                return key_file_error(plan->path, topology->line, ret_error,
                                "[Topology %s]: the network has %u members, of which none can have links to "
                                "%u others: write a smaller Degree=, or more members",
                                name, n, degree);
        if (topology->type == FLEET_TOPOLOGY_K_REGULAR && (degree < 2 || n * degree % 2 == 1) && n > 2)
                return key_file_error(plan->path, topology->line, ret_error,
                                "[Topology %s]: there is no connected graph of %u members with %u links "
                                "each: "
                                "write a Degree= of at least 2, or an even one",
                                name, n, degree);
        if ((uint64_t) n * degree / 2 > FLEET_EDGES_MAX)
                return key_file_error(plan->path, topology->line, ret_error,
                                "[Topology %s] has more than %d links: write a smaller Degree=", name,
                                FLEET_EDGES_MAX);
        return 0;
}

int fleet_topology_make(const FleetPlan *plan, const FleetTopology *topology, guint n, guint centre,
                GArray **ret_edges, Error *ret_error)
{
        static const guint defaults[_FLEET_TOPOLOGY_MAX] = {[FLEET_TOPOLOGY_RING] = 2,
                        [FLEET_TOPOLOGY_K_REGULAR] = 4,
                        [FLEET_TOPOLOGY_SMALL_WORLD] = 4,
                        [FLEET_TOPOLOGY_SCALE_FREE] = 2};
        g_autoptr(GArray) edges = g_array_new(FALSE, FALSE, sizeof(FleetEdge));
        g_autoptr(GHashTable) known = g_hash_table_new(NULL, NULL);
        EdgeSet set = {.edges = edges, .known = known};
        guint degree = topology->degree ?: defaults[topology->type];
        FleetRandom random;
        int r;

        r = topology_check_size(plan, topology, n, degree, ret_error);
        if (r < 0)
                return r;

        fleet_random_init(&random, plan->seed, "topology %s", topology->network->name);
        switch (topology->type) {
        case FLEET_TOPOLOGY_RING:
                make_ring(&set, n, degree);
                break;
        case FLEET_TOPOLOGY_STAR:
                make_star(&set, n, centre);
                break;
        case FLEET_TOPOLOGY_K_REGULAR:
                if (!make_regular(&set, n, degree, &random))
                        return key_file_error(plan->path, topology->line, ret_error,
                                        "[Topology %s]: no connected graph was found: write a larger "
                                        "Degree=, "
                                        "or another Seed=",
                                        topology->network->name);
                break;
        case FLEET_TOPOLOGY_SMALL_WORLD:
                make_small_world(&set, n, degree, topology->rewire / 100, &random);
                break;
        default:
                make_scale_free(&set, n, degree, &random);
        }

        g_array_sort(edges, compare_edges);
        *ret_edges = g_steal_pointer(&edges);
        return 0;
}
