/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rules of a plan are rules that shruthi-switch reads, and say of each pair of members what the plan
 * says of it; the same plan has the same ones each time, and other seeds draw others. */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "fleet/expansion/expand.h"
#include "fleet/expansion/links.h"
#include "fleet/expansion/topology.h"
#include "link/rules.h"

#define LAB     "[Network lab]\nSubnet=10.1.0.0/20\n"
#define PEERS   "[Group peer]\nImage=/a\nCount=8\nNetwork=service:lab\n"
#define SERVERS "[Group server]\nImage=/a\nCount=2\nNetwork=service:lab\n"
#define PLAN    "[Fleet]\nName=f\nDuration=100s\n" LAB PEERS SERVERS

typedef struct Fixture {
        char *folder, *path;
        FleetPlan *plan;
        FleetExpansion *expansion;
        Rules *rules;
        char *text; /* of the rules */
} Fixture;

static void set_up(Fixture *fixture, const void *unused)
{
        fixture->folder = g_dir_make_tmp("fleet-links-XXXXXX", NULL);
        fixture->path = g_build_filename(fixture->folder, "f.fleet", NULL);
}

static void forget_plan(Fixture *fixture)
{
        g_clear_pointer(&fixture->rules, rules_free);
        g_clear_pointer(&fixture->text, g_free);
        g_clear_pointer(&fixture->expansion, fleet_expansion_free);
        g_clear_pointer(&fixture->plan, fleet_plan_free);
}

static void tear_down(Fixture *fixture, const void *unused)
{
        g_autoptr(GDir) dir = g_dir_open(fixture->folder, 0, NULL);

        forget_plan(fixture);
        for (const char *name; (name = g_dir_read_name(dir));) {
                g_autofree char *path = g_build_filename(fixture->folder, name, NULL);

                g_assert_cmpint(g_unlink(path), ==, 0);
        }
        g_assert_cmpint(g_rmdir(fixture->folder), ==, 0);
        g_free(fixture->folder);
        g_free(fixture->path);
}

static void write_file(Fixture *fixture, const char *name, const char *text)
{
        g_autofree char *path = g_build_filename(fixture->folder, name, NULL);

        g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* After so many entries of the schedule. */
static void make_rules(Fixture *fixture, guint n_entries)
{
        _cleanup_error_ Error error = ERROR_INIT;
        unsigned line = 0;

        g_clear_pointer(&fixture->rules, rules_free);
        g_clear_pointer(&fixture->text, g_free);
        (void) fleet_links_rules(fixture->expansion, fixture->expansion->links->pdata[0], n_entries,
                        &fixture->text, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        (void) rules_parse(fixture->text, strlen(fixture->text), &fixture->rules, &line, &error);
        if (error.message)
                g_test_message("line %u of\n%s", line, fixture->text);
        g_assert_cmpstr(error.message, ==, NULL);
}

static void expand(Fixture *fixture, const char *text)
{
        _cleanup_error_ Error error = ERROR_INIT;

        forget_plan(fixture);
        (void) fleet_plan_parse(fixture->path, text, strlen(text), &fixture->plan, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        (void) fleet_expand(fixture->plan, &fixture->expansion, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        g_assert_cmpuint(fixture->expansion->links->len, ==, 1);
        make_rules(fixture, 0);
}

/* The words of the shape of the link between two members. Free with g_free(). */
static char *shape_of(const Fixture *fixture, const char *from, const char *to)
{
        const Shape *shape = rules_shape(fixture->rules, rules_find_member(fixture->rules, from),
                        rules_find_member(fixture->rules, to));

        return shape->blocked ? g_strdup("blocked") : shape_format(shape);
}

static void check_shape(const Fixture *fixture, const char *from, const char *to, const char *expected)
{
        g_autofree char *found = shape_of(fixture, from, to);

        if (!g_str_equal(found, expected))
                g_test_message("%s to %s in\n%s", from, to, fixture->text);
        g_assert_cmpstr(found, ==, expected);
}

/* Of all pairs of members 0 to n - 1 of peer, those in which something passes. */
static guint count_open(const Fixture *fixture, guint n, bool *ret_connected)
{
        g_autofree guint *root = g_new(guint, n);
        guint count = 0, parts = n;

        for (guint i = 0; i < n; i++)
                root[i] = i;
        for (guint a = 0; a < n; a++)
                for (guint b = 0; b < n; b++) {
                        g_autofree char *from = g_strdup_printf("f-peer-%u", a),
                                        *to = g_strdup_printf("f-peer-%u", b),
                                        *there = shape_of(fixture, from, to),
                                        *back = shape_of(fixture, to, from);
                        guint x = a, y = b;

                        g_assert_cmpstr(there, ==, back);
                        if (a == b || g_str_equal(there, "blocked"))
                                continue;
                        count++;
                        while (root[x] != x)
                                x = root[x];
                        while (root[y] != y)
                                y = root[y];
                        parts -= x != y;
                        root[MAX(x, y)] = MIN(x, y);
                }
        if (ret_connected)
                *ret_connected = parts == 1;

        return count;
}

static guint count_text(const char *text, const char *part)
{
        guint n = 0;

        for (const char *p = text; (p = strstr(p, part)); p++)
                n++;
        return n;
}

static void test_links(Fixture *fixture, const void *unused)
{
        expand(fixture, PLAN "[Link * *]\nLoss=1%\nLatency=5ms\n"
                             "[Link peer server]\nLatency=20ms\nJitter=2ms normal\nBurst=1% 30%\n"
                             "[Link server server]\nDirection=forward\nRate=10M\nQueue=64K\nOrder=free\n");

        check_shape(fixture, "f-peer-0", "f-peer-7", "latency=5ms loss=1%");
        check_shape(fixture, "f-peer-0", "f-server-1",
                        "latency=20ms jitter=2ms distribution=normal loss=1% burst=1%:30%");
        check_shape(fixture, "f-server-1", "f-peer-0",
                        "latency=20ms jitter=2ms distribution=normal loss=1% burst=1%:30%");
        check_shape(fixture, "f-server-0", "f-server-1",
                        "latency=5ms order=free loss=1% rate=10M queue=64K");
        g_assert_cmpstr(fixture->rules->seed, ==, "1");
        g_assert_cmpuint(count_text(fixture->text, "\nlink "), <=, 4);
}

static void test_directions(Fixture *fixture, const void *unused)
{
        expand(fixture, PLAN "[Link peer server]\nDirection=forward\nLatency=1ms\n"
                             "[Link server peer]\nDirection=forward\nLatency=2ms\n");
        check_shape(fixture, "f-peer-0", "f-server-0", "latency=1ms");
        check_shape(fixture, "f-server-0", "f-peer-0", "latency=2ms");
        check_shape(fixture, "f-peer-0", "f-peer-1", "");
}

/* Without a line, all is direct; and what is not on the network is not in the rules. */
static void test_direct(Fixture *fixture, const void *unused)
{
        expand(fixture, "[Fleet]\nName=f\n" LAB "Emulated=yes\n" PEERS "[Group other]\nImage=/a\n");
        check_shape(fixture, "f-peer-0", "f-peer-1", "");
        g_assert_cmpuint(rules_find_member(fixture->rules, "f-other-0"), ==, RULES_NONE);
        g_assert_cmpuint(count_text(fixture->text, "\nlink "), ==, 0);
}

static void test_regions(Fixture *fixture, const void *unused)
{
        guint n_eu = 0, n_us = 0;

        write_file(fixture, "rtt.csv", ",us,eu,asia\nus,2,101,x\neu,99.5,4,200\nasia,1,2,3\n");
        expand(fixture, PLAN "[Region eu]\nMembers=server-0, 50% of peer\n[Region us]\nMembers=all of peer\n"
                             "[Regions]\nMatrix=rtt.csv\nJitter=10% normal\n[Link eu us]\nLoss=1%\n");

        for (guint i = 0; i < 8; i++) {
                const FleetMember *member = fleet_member_at(fixture->expansion, i);

                n_eu += g_str_equal(member->region->name, "eu");
                n_us += g_str_equal(member->region->name, "us");
                check_shape(fixture, "f-server-0", member->name,
                                g_str_equal(member->region->name, "eu")
                                                ? "latency=2ms jitter=200us distribution=normal"
                                                : "latency=49ms750us jitter=4ms975us distribution=normal "
                                                  "loss=1%");
                if (g_str_equal(member->region->name, "us"))
                        check_shape(fixture, member->name, "f-server-0",
                                        "latency=50ms500us jitter=5ms50us distribution=normal loss=1%");
        }
        g_assert_cmpuint(n_eu, ==, 4);
        g_assert_cmpuint(n_us, ==, 4);
        g_assert_null(fleet_member_at(fixture->expansion, 9)->region);
        check_shape(fixture, "f-server-0", "f-server-1", "");
}

static void test_generators(Fixture *fixture, const void *unused)
{
        static const struct {
                const char *keys;
                guint open; /* both directions; 0: not known */
        } cases[] = {
                        {"Type=full", 40 * 39},
                        {"Type=ring", 80},
                        {"Type=ring\nDegree=6", 240},
                        {"Type=star\nCentre=peer-3", 78},
                        {"Type=k-regular\nDegree=2", 80},
                        {"Type=k-regular\nDegree=3", 120},
                        {"Type=k-regular", 160},
                        {"Type=k-regular\nDegree=39", 40 * 39},
                        {"Type=small-world", 160},
                        {"Type=small-world\nDegree=6\nRewire=100%", 240},
                        {"Type=scale-free", (3 + 37 * 2) * 2},
                        {"Type=scale-free\nDegree=1", 78},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = g_strdup_printf(
                                                "[Fleet]\nName=f\nSeed=%%u\n" LAB
                                                "[Group peer]\nImage=/a\nCount=40\nNetwork=service:lab\n"
                                                "[Topology lab]\n%s\n[Link * *]\nLatency=5ms\n",
                                                cases[i].keys),
                                *first = NULL;
                g_auto(GStrv) parts = g_strsplit(text, "%u", 2);
                bool connected = false;

                for (guint seed = 0; seed < 3; seed++) {
                        g_autofree char *one = g_strdup_printf("%s%u%s", parts[0], seed, parts[1]);

                        expand(fixture, one);
                        g_assert_cmpuint(count_open(fixture, 40, &connected), ==, cases[i].open);
                        g_assert_true(connected || strstr(cases[i].keys, "small"));
                        if (seed == 0)
                                first = g_strdup(fixture->text);
                }
                if (cases[i].open < 40 * 39 && strstr(cases[i].keys, "-"))
                        g_assert_cmpstr(fixture->text, !=, first);
        }
}

static guint degree_of(const GArray *edges, guint member)
{
        guint n = 0;

        for (guint i = 0; i < edges->len; i++)
                n += g_array_index(edges, FleetEdge, i).a == member ||
                     g_array_index(edges, FleetEdge, i).b == member;
        return n;
}

static void test_degrees(Fixture *fixture, const void *unused)
{
        const FleetLinks *links;

        expand(fixture, "[Fleet]\nName=f\n" LAB "[Group peer]\nImage=/a\nCount=100\nNetwork=service:lab\n"
                        "[Topology lab]\nType=k-regular\nDegree=5\n");
        links = fixture->expansion->links->pdata[0];
        for (guint i = 0; i < 100; i++)
                g_assert_cmpuint(degree_of(links->edges, i), ==, 5);

        /* Few have many: that is what the type is for. */
        expand(fixture, "[Fleet]\nName=f\n" LAB "[Group peer]\nImage=/a\nCount=500\nNetwork=service:lab\n"
                        "[Topology lab]\nType=scale-free\n");
        links = fixture->expansion->links->pdata[0];
        for (guint i = 0, most = 0, few = 0; i < 500; i++) {
                most = MAX(most, degree_of(links->edges, i));
                few += degree_of(links->edges, i) <= 3;
                g_assert_cmpuint(degree_of(links->edges, i), >=, 2);
                if (i == 499) {
                        g_assert_cmpuint(most, >, 20);
                        g_assert_cmpuint(few, >, 250);
                }
        }
}

/* What is drawn never changes: shruthi.fleet(5) promises it. These are of another program, written by what
 * it says. */
static void test_graphs_stay(Fixture *fixture, const void *unused)
{
        static const struct {
                const char *keys, *edges;
        } cases[] = {
                        {"Type=k-regular\nDegree=3", "0-1 0-2 0-4 1-4 1-7 2-4 2-5 3-5 3-6 3-7 5-6 6-7"},
                        {"Type=small-world\nRewire=50%",
                                        "0-1 0-2 0-4 0-5 0-7 1-2 1-6 2-4 2-5 2-7 3-5 3-7 4-7 5-6 5-7 6-7"},
                        {"Type=scale-free", "0-1 0-2 0-3 0-4 1-2 1-3 1-5 1-7 2-6 3-4 4-5 4-6 4-7"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = g_strdup_printf(
                                "[Fleet]\nName=f\nSeed=7\n" LAB PEERS "[Topology lab]\n%s\n", cases[i].keys);
                g_autoptr(GString) found = g_string_new(NULL);
                const FleetLinks *links;

                expand(fixture, text);
                links = fixture->expansion->links->pdata[0];
                for (guint k = 0; k < links->edges->len; k++) {
                        const FleetEdge *edge = &g_array_index(links->edges, FleetEdge, k);

                        g_string_append_printf(found, "%s%u-%u", k > 0 ? " " : "", edge->a, edge->b);
                }
                g_assert_cmpstr(found->str, ==, cases[i].edges);
        }
}

static void test_gml(Fixture *fixture, const void *unused)
{
        write_file(fixture, "net.gml",
                        "# as Shadow 3 has it\ngraph [\n directed 0\n"
                        " node [ id 0 label \"a [b]\" host_bandwidth_up \"100 Mbit\" host_bandwidth_down "
                        "\"1 "
                        "Gbit\" ]\n"
                        " node [ id 1 host_bandwidth_up \"1 Gbit\" host_bandwidth_down \"50 Mbit\" ]\n"
                        " node [ id 2 ]\n"
                        " edge [ source 0 target 0 latency \"1 ms\" ]\n"
                        " edge [ source 0 target 1 latency \"10 ms\" packet_loss 0.1 jitter \"1 ms\" ]\n"
                        " edge [ source 1 target 2 latency \"20 ms\" packet_loss 0.5 ]\n"
                        " edge [ source 0 target 2 latency 0.1 ]\n"
                        " edge [ source 1 target 1 latency \"2ms\" ]\n"
                        " edge [ source 2 target 2 latency \"3 ms\" ]\n]\n");
        write_file(fixture, "at.csv", "at\n0\n1\n2\n0\n0\n0\n0\n0\n");
        expand(fixture, "[Fleet]\nName=f\n" LAB PEERS "Values=at.csv\n"
                        "[Topology lab]\nType=gml\nFile=net.gml\nColumn=at\n[Link * *]\nJitter=1ms\n");

        check_shape(fixture, "f-peer-0", "f-peer-1", "latency=10ms jitter=1ms loss=10% rate=50M");
        check_shape(fixture, "f-peer-1", "f-peer-0", "latency=10ms jitter=1ms loss=10% rate=1G");
        /* The path over 1 is nearer than the edge. */
        check_shape(fixture, "f-peer-0", "f-peer-2", "latency=30ms jitter=1ms loss=55% rate=100M");
        check_shape(fixture, "f-peer-0", "f-peer-3", "latency=1ms jitter=1ms rate=100M");

        /* In turn. */
        expand(fixture, "[Fleet]\nName=f\n" LAB PEERS "[Topology lab]\nType=gml\nFile=net.gml\n");
        check_shape(fixture, "f-peer-1", "f-peer-4", "latency=2ms rate=50M");
        check_shape(fixture, "f-peer-2", "f-peer-5", "latency=3ms");
}

static void test_graphml(Fixture *fixture, const void *unused)
{
        write_file(fixture, "net.xml",
                        "<?xml version=\"1.0\"?>\n<graphml "
                        "xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n"
                        "<key id=\"d0\" for=\"edge\" attr.name=\"latency\" attr.type=\"double\"/>\n"
                        "<key id=\"d1\" for=\"edge\" attr.name=\"packetloss\" attr.type=\"double\"/>\n"
                        "<key id=\"d2\" for=\"node\" attr.name=\"bandwidthup\" attr.type=\"int\"/>\n"
                        "<key id=\"d3\" for=\"edge\" attr.name=\"jitter\" attr.type=\"double\"/>\n"
                        "<graph edgedefault=\"directed\">\n"
                        "<node id=\"poi-1\"><data key=\"d2\">1000</data></node><node id=\"poi-2\"/>\n"
                        "<edge source=\"poi-1\" target=\"poi-1\"><data key=\"d0\">5.5</data></edge>\n"
                        "<edge source=\"poi-2\" target=\"poi-2\"><data key=\"d0\">6</data></edge>\n"
                        "<edge source=\"poi-1\" target=\"poi-2\"><data key=\"d0\">50</data>"
                        "<data key=\"d1\">0.01</data><data key=\"d3\">9</data></edge>\n"
                        "<edge source=\"poi-2\" target=\"poi-1\"><data key=\"d0\">60</data></edge>\n"
                        "</graph></graphml>\n");
        expand(fixture, "[Fleet]\nName=f\n" LAB PEERS "[Topology lab]\nType=gml\nFile=net.xml\n");
        check_shape(fixture, "f-peer-0", "f-peer-1", "latency=50ms loss=1% rate=8192K");
        check_shape(fixture, "f-peer-1", "f-peer-0", "latency=60ms");
        check_shape(fixture, "f-peer-0", "f-peer-2", "latency=5ms500us rate=8192K");
}

static void test_nat(Fixture *fixture, const void *unused)
{
        const RulesNat *nat;
        const RulesMember *member;

        expand(fixture, PLAN "[NAT home]\nMembers=3 of peer\nKind=full-cone\nBoxes=each\n"
                             "[NAT office]\nMembers=server-1\nKind=symmetric\n"
                             "[NAT cafe]\nMembers=all of peer\nMapping=address-dependent\nHairpinning=no\n"
                             "Timeout=30s\nFirstAddress=10.1.1.0\n");

        /* The host has .1, and members .2 to .11. */
        g_assert_cmpuint(fixture->rules->nats->len, ==, 5);
        nat = &g_array_index(fixture->rules->nats, RulesNat, 0);
        g_assert_cmpstr(nat->name, ==, "home-0");
        g_assert_cmphex(nat->address, ==, 0x0a01000c);
        g_assert_cmpint(nat->behaviour.mapping, ==, NAT_ENDPOINT_INDEPENDENT);
        g_assert_cmpint(nat->behaviour.filtering, ==, NAT_ENDPOINT_INDEPENDENT);
        nat = &g_array_index(fixture->rules->nats, RulesNat, 3);
        g_assert_cmpstr(nat->name, ==, "office");
        g_assert_cmphex(nat->address, ==, 0x0a01000f);
        g_assert_cmpint(nat->behaviour.mapping, ==, NAT_ADDRESS_AND_PORT_DEPENDENT);
        g_assert_true(nat->behaviour.random_ports);
        nat = &g_array_index(fixture->rules->nats, RulesNat, 4);
        g_assert_cmphex(nat->address, ==, 0x0a010100);
        g_assert_cmpint(nat->behaviour.mapping, ==, NAT_ADDRESS_DEPENDENT);
        g_assert_cmpint(nat->behaviour.filtering, ==, NAT_ADDRESS_AND_PORT_DEPENDENT);
        g_assert_true(nat->behaviour.no_hairpinning);
        g_assert_cmpuint(nat->behaviour.timeout_usec, ==, 30 * G_USEC_PER_SEC);
        member = &g_array_index(fixture->rules->members, RulesMember,
                        rules_find_member(fixture->rules, "f-server-1"));
        g_assert_cmpuint(member->nat_index, ==, 3);
        g_assert_cmpuint(count_text(fixture->text, "\nbehind "), ==, 9);
        g_assert_cmpuint(count_text(fixture->text, " cafe\n"), ==, 5);
}

/* A partition separates those that it names from all others, and the values of links are as before when it
 * is healed. */
static void test_partitions(Fixture *fixture, const void *unused)
{
        guint together = 0;

        expand(fixture, PLAN "[Link * *]\nLatency=5ms\n[Event 10s]\nPartition=50% of peer\n"
                             "[Event 20s]\nPartition=server-0 peer-0\n[Event 30s]\nHeal=peer-0\n"
                             "[Event 40s]\nHeal=all\n");
        g_assert_cmpuint(fixture->expansion->schedule->len, ==, 4);

        make_rules(fixture, 1);
        for (guint i = 0; i < 8; i++) {
                g_autofree char *name = g_strdup_printf("f-peer-%u", i),
                                *shape = shape_of(fixture, name, "f-server-0");

                together += g_str_equal(shape, "latency=5ms");
        }
        g_assert_cmpuint(together, ==, 4);
        g_assert_cmpuint(count_open(fixture, 8, NULL), ==, 2 * 4 * 3);
        check_shape(fixture, "f-server-0", "f-server-1", "latency=5ms");

        make_rules(fixture, 2);
        check_shape(fixture, "f-server-0", "f-server-1", "blocked");
        g_assert_cmpuint(count_open(fixture, 8, NULL), ==, 4 * 3 + 3 * 2);

        make_rules(fixture, 3);
        check_shape(fixture, "f-server-0", "f-server-1", "blocked");
        check_shape(fixture, "f-peer-0", "f-server-1", "latency=5ms");

        make_rules(fixture, 4);
        g_assert_cmpuint(count_open(fixture, 8, NULL), ==, 8 * 7);
        check_shape(fixture, "f-peer-0", "f-server-0", "latency=5ms");
}

/* A partition cuts edges of a topology, too. */
static void test_partition_of_topology(Fixture *fixture, const void *unused)
{
        expand(fixture, "[Fleet]\nName=f\n" LAB PEERS "[Topology lab]\nType=ring\n"
                        "[Event 1s]\nPartition=peer-0 peer-1\n");
        g_assert_cmpuint(count_open(fixture, 8, NULL), ==, 16);
        make_rules(fixture, 1);
        g_assert_cmpuint(count_open(fixture, 8, NULL), ==, 12);
        check_shape(fixture, "f-peer-0", "f-peer-1", "");
        check_shape(fixture, "f-peer-0", "f-peer-7", "blocked");
}

static void test_link_events(Fixture *fixture, const void *unused)
{
        static const char *const expected[][2] = {{"latency=5ms", "latency=5ms"},
                        {"latency=200ms loss=5%", "latency=5ms"},
                        {"latency=200ms loss=5%", "latency=5ms duplicate=2%"},
                        {"blocked", "latency=5ms duplicate=2%"}, {"loss=1%", "latency=5ms duplicate=2%"},
                        {"", "latency=5ms duplicate=2%"}, {"latency=5ms", "latency=5ms"}};

        expand(fixture, PLAN "[Link * *]\nLatency=5ms\n[Event 1s]\nLink=peer server latency=200ms loss=5%\n"
                             "[Event 2s]\nLink=server peer duplicate=2% direction=forward\n"
                             "[Event 3s]\nLink=peer server blocked direction=forward\n"
                             "[Event 4s]\nLink=peer server loss=1% direction=forward\n"
                             "[Event 5s]\nLink=peer server direct direction=forward\n"
                             "[Event 6s]\nLink=* * planned network=lab\n");
        make_rules(fixture, 1);
        check_shape(fixture, "f-server-0", "f-peer-0", "latency=200ms loss=5%");
        for (guint i = 0; i <= 6; i++) {
                make_rules(fixture, i);
                check_shape(fixture, "f-peer-0", "f-server-0", expected[i][0]);
                check_shape(fixture, "f-server-0", "f-server-1", "latency=5ms");
        }
        check_shape(fixture, "f-server-0", "f-peer-0", "latency=5ms");
}

/* Thousands of members that nothing tells apart are few lines. */
static void test_size(Fixture *fixture, const void *unused)
{
        expand(fixture, "[Fleet]\nName=f\n" LAB "[Group peer]\nImage=/a\nCount=4000\nNetwork=service:lab\n"
                        "[Region eu]\nMembers=30% of peer\n[Link eu *]\nLatency=1ms\n"
                        "[Event 1s]\nPartition=10% of peer\n");
        make_rules(fixture, 1);
        g_assert_cmpuint(strlen(fixture->text), <, 4000 * 30);
}

static void test_capture(Fixture *fixture, const void *unused)
{
        guint n = 0;

        expand(fixture, "[Fleet]\nName=f\nCapture=25% of peer, "
                        "server-1\nCaptureLimit=1M\nCaptureBytes=96\n" LAB "Emulated=yes\n" PEERS SERVERS);
        for (guint i = 0; i < 10; i++)
                n += fleet_member_at(fixture->expansion, i)->captured;
        g_assert_cmpuint(n, ==, 3);
        g_assert_true(fleet_member_at(fixture->expansion, 9)->captured);
        g_assert_cmpuint(fixture->plan->capture_limit, ==, 1024 * 1024);
        g_assert_cmpuint(fixture->plan->capture_bytes, ==, 96);

        expand(fixture, "[Fleet]\nName=f\nCapture=all\n" LAB "Emulated=yes\n" PEERS);
        g_assert_true(fleet_member_at(fixture->expansion, 7)->captured);
}

/* "a b", or "all" if these are all of the network. */
static char *end_of(const Fixture *fixture, guint line, guint end)
{
        const FleetCaptureLink *link = fixture->plan->capture_links->pdata[line];
        g_autoptr(GPtrArray) names = NULL;
        bool all;

        names = fleet_links_capture_end(
                        fixture->expansion, fixture->expansion->links->pdata[0], &link->ends[end], &all);
        g_ptr_array_add(names, NULL);
        return all ? g_strdup("all") : g_strjoinv(" ", (char **) names->pdata);
}

static void test_capture_links(Fixture *fixture, const void *unused)
{
        static const char *const expected[][2] = {{"f-peer-0", "f-server-0 f-server-1"}, {"all", "f-peer-7"},
                        {"f-peer-1 f-peer-2 f-server-0", "all"}, {"f-server-0 f-server-1", "all"}};
        static const char *const names[] = {"peer-0.server", "all.peer-7", "eu.all", "server.all"};

        expand(fixture, "[Fleet]\nName=f\nCaptureLink=peer-0 server\nCaptureLink=*  peer-7\nCaptureLink=eu "
                        "*\n"
                        "CaptureLink=server *\nCaptureFilter=udp port 5000\n" LAB
                        "Emulated=yes\n" PEERS SERVERS "[Region eu]\nMembers=peer-1 peer-2 server-0\n");
        g_assert_cmpuint(fixture->plan->capture_links->len, ==, G_N_ELEMENTS(names));
        g_assert_cmpstr(fixture->plan->capture_filter, ==, "udp port 5000");
        g_assert_cmpuint(fixture->plan->capture_filter_line, ==, 7);
        for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
                g_assert_cmpstr(((FleetCaptureLink *) fixture->plan->capture_links->pdata[i])->name, ==,
                                names[i]);
                for (guint end = 0; end < 2; end++) {
                        g_autofree char *found = end_of(fixture, i, end);

                        g_assert_cmpstr(found, ==, expected[i][end]);
                }
        }
}

/* It is compiled by another program: here its length alone counts. */
static void test_long_filter(Fixture *fixture, const void *unused)
{
        g_autofree char *filter = g_strnfill(4097, '1'),
                        *text = g_strdup_printf("[Fleet]\nCaptureFilter=%s\n" LAB PEERS, filter);
        g_autoptr(FleetPlan) plan = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(fleet_plan_parse(fixture->path, text, strlen(text), &plan, &error), <, 0);
        g_assert_nonnull(strstr(error.message, ":2: CaptureFilter= is longer than 4096 bytes: write"));
}

static const struct {
        const char *text, *message;
} refusals[] = {
                {PLAN "[Link peer]\n", ":14: [Link] needs its two ends: write [Link A B]"},
                {PLAN "[Link peer sever]\n", ":14: [Link peer sever]: 'sever' is no group and no region"},
                {PLAN "[Link peer *]\nLatency=2h\n", ":15: Latency=2h: "},
                {PLAN "[Link peer *]\nLoss=200%\n", ":15: Loss=200%: "},
                {PLAN "[Link peer *]\nJitter=1ms gaussian\n", ":15: Jitter=gaussian: write uniform"},
                {PLAN "[Link peer *]\nDirection=back\n", ":15: Direction=back: write both, or forward"},
                {PLAN "[Link peer *]\nNetwork=lib\n", ":15: Network=lib: there is no such network"},
                {PLAN "[Link peer *]\nNetwork=lab\nNetwork=lab\n", ":16: Network=lab: a second network"},
                {PLAN "[Link peer *]\nQueue=64K\n", "[Network lab]: a link from peer to peer: "},
                {PLAN "[Link peer *]\nSpeed=1\n", ":15: unknown key 'Speed' in [Link peer *]"},
                {PLAN "[Network two]\nSubnet=10.2.0.0/24\n[Link peer *]\n",
                                ":16: the plan has several networks: write Network="},
                {"[Group peer]\nImage=/a\n[Link * *]\n", ":3: the plan has no network whose links"},
                {"[Network "
                 "lab]\nBridge=br0\nSubnet=10.1.0.0/24\nFirstAddress=10.1.0.9\nEmulated=yes\n" PEERS,
                                ":1: [Network lab] is there already, and links are emulated on networks "
                                "that "
                                "are made for the fleet: remove Bridge="},
                {"[Network lab]\nNetwork=x\nSubnet=10.1.0.0/24\nFirstAddress=10.1.0.9\n" PEERS
                 "[Link * *]\nLoss=1%\n",
                                ":9: [Network lab] is there already"},
                {LAB "Emulated=no\n" PEERS "[Link * *]\nLoss=1%\n",
                                ":8: [Network lab] has Emulated=no, and this section"},
                {LAB "Emulated=perhaps\n" PEERS, ":3: Emulated=perhaps: write yes or no"},
                {PLAN "[Region peer]\nMembers=peer-0\n", ":14: [Region peer] is called as a group"},
                {PLAN "[Region eu]\n", ":14: [Region eu] has no members: write Members="},
                {PLAN "[Region eu]\nMembers=peer-9\n", ":15: Members=peer-9: 'peer-9' is no member"},
                {PLAN "[Region eu]\nMembers=all of peer\n[Region us]\nMembers=peer-1\n",
                                ":16: [Region us]: f-peer-1 is in the region eu already"},
                {PLAN "[Regions]\nJitter=5%\n", ":14: [Regions] has no matrix, and Jitter="},
                {PLAN "[Regions]\nMatrix=none.csv\n", ":15: Matrix=none.csv: the plan has no regions"},
                {PLAN "[Region eu]\nMembers=peer-0\n[Regions]\nMatrix=none.csv\n", ":17: Matrix=none.csv: "},
                {PLAN "[Topology lib]\nType=ring\n", ":14: [Topology] needs a network of this plan"},
                {PLAN "[Topology lab]\n", ":14: [Topology lab] has no type"},
                {PLAN "[Topology lab]\nType=torus\n", ":15: Type=torus: write full, ring"},
                {PLAN "[Topology lab]\nType=ring\nDegree=3\n", ":16: Degree=3: as many links lead"},
                {PLAN "[Topology lab]\nType=ring\nRewire=5%\n",
                                ":16: Rewire=5%: a topology of Type=ring has no"},
                {PLAN "[Topology lab]\nType=star\nCentre=2 of peer\n",
                                ":16: Centre=2 of peer: write one member"},
                {PLAN "[Topology lab]\nType=gml\n", ":14: [Topology lab] has no file"},
                {PLAN "[Topology lab]\nType=k-regular\nDegree=10\n",
                                ":14: [Topology lab]: the network has 10"},
                {LAB "[Group peer]\nImage=/a\nCount=7\nNetwork=service:lab\n[Topology lab]\nType=k-regular\n"
                     "Degree=3\n",
                                ":7: [Topology lab]: there is no connected graph of 7 members with 3 links"},
                {PLAN "[NAT home]\n", ":14: [NAT home] has no members"},
                {PLAN "[NAT home]\nMembers=peer-0\nKind=open\n", ":16: Kind=open: write full-cone"},
                {PLAN "[NAT home]\nMembers=peer-0\nKind=symmetric\nMapping=address-dependent\n",
                                ":16: Kind=symmetric: a kind is a mapping and a filtering"},
                {PLAN "[NAT home]\nMembers=peer-0\nMapping=mine\n", ":16: Mapping=mine: "},
                {PLAN "[NAT home]\nMembers=peer-0\nBoxes=two\n", ":16: Boxes=two: write one"},
                {PLAN "[NAT home]\nMembers=peer-0\nFirstAddress=10.9.0.1\n",
                                ":16: FirstAddress=10.9.0.1: not"},
                {PLAN "[NAT a]\nMembers=peer-0\n[NAT b]\nMembers=peer-0\n",
                                ":16: [NAT b]: f-peer-0 is behind another box already"},
                {"[Network lab]\nIPv6Subnet=fd00::/64\n" PEERS "[NAT a]\nMembers=peer-0\n",
                                ":7: [NAT a] is about IPv4, and [Network lab] has no Subnet="},
                {"[Network lab]\nSubnet=10.1.0.0/28\n" PEERS "[NAT a]\nMembers=all of peer\nBoxes=each\n",
                                ":7: [NAT a]: [Network lab] has no address left for the box a-5"},
                {PLAN "[Event 1s]\nPartition=peer-0\n",
                                ":15: Partition=peer-0: no network of the plan has emulated links"},
                {PLAN "[Group x]\nImage=/a\n[Link * *]\n[Event 1s]\nPartition=x-0\n",
                                ":18: Partition=x-0: the members of x are on no network with emulated "
                                "links"},
                {PLAN "[Link * *]\n[Event 1s]\nLink=peer server\n",
                                ":16: Link=peer server: write the two ends"},
                {PLAN "[Link * *]\n[Event 1s]\nLink=peer server fast\n", "'fast': write KEY=VALUE"},
                {PLAN "[Link * *]\n[Event 1s]\nLink=peer server speed=1\n", "'speed=1': "},
                {PLAN "[Link * *]\n[Event 1s]\nLink=peer server network=x loss=1%\n",
                                "'network=x': there is no such network"},
                {PLAN "[Link * *]\n[Event 1s]\nLink=peer server blocked loss=1%\n",
                                "a link that is blocked, direct or planned has no other values"},
                {PLAN "[Link * *]\n[Event 1s]\nLink=peer server direction=forward\n",
                                "it does not say what becomes of the link"},
                {"[Fleet]\nCapture=all\n" PEERS "[Network lab]\nSubnet=10.1.0.0/24\n",
                                ":2: Capture=all: no network of the plan has emulated links"},
                {"[Fleet]\nCapture=2 of pear\n" LAB "Emulated=yes\n" PEERS,
                                ":2: Capture=2 of pear: 'pear' is"},
                {"[Fleet]\nCaptureLink=peer peer\n" PEERS "[Network lab]\nSubnet=10.1.0.0/24\n",
                                ":2: CaptureLink=peer peer: no network of the plan has emulated links"},
                {"[Fleet]\nCaptureLink=peer\n" LAB "Emulated=yes\n" PEERS,
                                ":2: CaptureLink=peer: write the two ends"},
                {"[Fleet]\nCaptureLink=peer peer-8\n" LAB "Emulated=yes\n" PEERS,
                                ":2: CaptureLink=peer peer-8: 'peer-8' is no member, group or region"},
                {"[Fleet]\nCaptureLink=peer *\nCaptureLink=peer *\n" LAB "Emulated=yes\n" PEERS,
                                ":3: CaptureLink=peer *: a line before it has these links"},
                {"[Fleet]\nCaptureLink=peer alone\n" LAB "Emulated=yes\n" PEERS
                 "[Group alone]\nImage=/a\nCount=1\n",
                                "the members of alone are on no network with emulated links"},
                {"[Fleet]\nCaptureLimit=1K\n" PEERS LAB, ":2: CaptureLimit=1K: not a size of a file"},
                {"[Fleet]\nCaptureBytes=9\n" PEERS LAB, ":2: CaptureBytes=9: write how many bytes"},
};

static void test_refusals(Fixture *fixture, const void *unused)
{
        for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
                g_autoptr(FleetPlan) plan = NULL;
                g_autoptr(FleetExpansion) expansion = NULL;
                _cleanup_error_ Error error = ERROR_INIT;
                int r;

                r = fleet_plan_parse(
                                fixture->path, refusals[i].text, strlen(refusals[i].text), &plan, &error);
                if (r >= 0)
                        r = fleet_expand(plan, &expansion, &error);
                if (r >= 0 || !strstr(error.message, refusals[i].message) ||
                                !g_str_has_prefix(error.message, fixture->path)) {
                        g_test_message("'%s' lacks '%s'", error.message ?: "no error", refusals[i].message);
                        g_test_fail();
                }
        }
}

static const struct {
        const char *text, *message;
} file_refusals[] = {
                {"graph [ ]", ":1: the graph has no nodes"},
                {"graph [\nnode [ id 0 ]\nnode [ id 0 ] ]", ":3: the node 0 is there twice"},
                {"graph [ node [ ] ]", ":1: a node without an id"},
                {"graph [ node [ id 0 ]\nedge [ source 0 target 1 latency \"1 ms\" ] ]",
                                ":2: an edge to the node 1, which is not there"},
                {"graph [ node [ id 0 ]\nedge [ source 0 target 0 ] ]", ":2: an edge without latency"},
                {"graph [ node [ id 0 ] edge [ source 0 target 0 latency \"fast\" ] ]",
                                ":1: latency fast: not a latency"},
                {"graph [ node [ id 0 ] edge [ source 0 target 0 latency \"1 ms\" packet_loss 2 ] ]",
                                ":1: packet_loss 2: not a share"},
                {"graph [ node [ id 0 host_bandwidth_up \"many\" ] ]", ":1: not a bandwidth"},
                {"graph [ directed 2 ]", ":1: write directed 0 or directed 1"},
                {"graph [ node [ id \"a", ":1: a string is not closed"},
                {"graph [ node 5 ]", ":1: write node [ id NUMBER"},
                {"graph [ x ]", ":1: a key has no value"},
                {"graph [ node [ id 0 ] node [ id 1 ]\n edge [ source 0 target 0 latency 1 ]\n edge [ "
                 "source 1 "
                 "target 1 latency 1 ] ]",
                                "[Topology lab]: no path leads from the node 0 to 1"},
                {"graph [ node [ id 0 ] node [ id 1 ] edge [ source 0 target 1 latency 1 ] ]",
                                "several members are at the node 0, and no edge leads from it to itself"},
                {"<graphml><graph><node id='a'></graph></graphml>", ":1: not XML: "},
                {"<graphml><graph><node/></graph></graphml>", ":1: a node without an id"},
                {"<graphml>\n<key id='l' attr.name='latency'/><graph><node id='a'/>\n<edge source='a' "
                 "target='a'><data key='l'>x</data></edge></graph></graphml>",
                                ":3: latency x: not a latency"},
                {"\xff", ":1: the file is not text in UTF-8"},
};

static void test_file_refusals(Fixture *fixture, const void *unused)
{
        static const char text[] = "[Fleet]\nName=f\n" LAB PEERS "[Topology lab]\nType=gml\nFile=net\n";

        for (size_t i = 0; i < G_N_ELEMENTS(file_refusals); i++) {
                g_autoptr(FleetPlan) plan = NULL;
                g_autoptr(FleetExpansion) expansion = NULL;
                _cleanup_error_ Error error = ERROR_INIT;
                int r;

                write_file(fixture, "net", file_refusals[i].text);
                r = fleet_plan_parse(fixture->path, text, strlen(text), &plan, &error);
                if (r >= 0)
                        r = fleet_expand(plan, &expansion, &error);
                if (r >= 0 || !strstr(error.message, file_refusals[i].message)) {
                        g_test_message("'%s' lacks '%s'", error.message ?: "no error",
                                        file_refusals[i].message);
                        g_test_fail();
                }
        }
}

static const struct {
        const char *text, *message;
} matrix_refusals[] = {
                {"", "rtt.csv:1: the file is empty"},
                {",eu,us\neu,1,2\n", "rtt.csv:1: no line begins with the region us"},
                {",eu\neu,1\nus,1\n", "rtt.csv:1: no column is called as the region us"},
                {",eu,us\neu,1,2\nus,1\n", "rtt.csv:3: 2 fields, and the head has 3"},
                {",eu,us\neu,1,2\nus,x,2\n", "rtt.csv:3: 'x' from us to eu: not a round trip"},
                {",eu,us\neu,1,\nus,1,2\n", "rtt.csv:2: '' from eu to us: not a round trip"},
                {",eu,us\neu,1,-1\nus,1,2\n", "rtt.csv:2: '-1' from eu to us: not a round trip"},
};

static void test_matrix_refusals(Fixture *fixture, const void *unused)
{
        static const char text[] = PLAN "[Region eu]\nMembers=peer-0\n[Region us]\nMembers=peer-1\n"
                                        "[Regions]\nMatrix=rtt.csv\n";

        for (size_t i = 0; i < G_N_ELEMENTS(matrix_refusals); i++) {
                g_autoptr(FleetPlan) plan = NULL;
                _cleanup_error_ Error error = ERROR_INIT;

                write_file(fixture, "rtt.csv", matrix_refusals[i].text);
                if (fleet_plan_parse(fixture->path, text, strlen(text), &plan, &error) >= 0 ||
                                !strstr(error.message, matrix_refusals[i].message)) {
                        g_test_message("'%s' lacks '%s'", error.message ?: "no error",
                                        matrix_refusals[i].message);
                        g_test_fail();
                }
        }
}

/* Each example is a plan, and its rules are rules. */
static void test_examples(Fixture *fixture, const void *unused)
{
        g_autofree char *folder =
                        g_build_filename(g_getenv("SHRUTHI_SOURCE_ROOT"), "data/examples/fleets", NULL);
        g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
        guint n = 0;

        g_assert_nonnull(dir);
        for (const char *name; (name = g_dir_read_name(dir));) {
                g_autofree char *path = g_build_filename(folder, name, NULL);
                _cleanup_error_ Error error = ERROR_INIT;

                if (!g_str_has_suffix(name, FLEET_PLAN_SUFFIX))
                        continue;
                forget_plan(fixture);
                (void) fleet_plan_load(path, &fixture->plan, &error);
                g_assert_cmpstr(error.message, ==, NULL);
                (void) fleet_expand(fixture->plan, &fixture->expansion, &error);
                g_assert_cmpstr(error.message, ==, NULL);
                if (fixture->expansion->links->len > 0)
                        make_rules(fixture, fixture->expansion->schedule->len);
                n++;
        }
        g_assert_cmpuint(n, >=, 2);
}

#define ADD(path, function) g_test_add("/fleet/links/" path, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        ADD("later-sections-win-key-by-key", test_links);
        ADD("directions", test_directions);
        ADD("direct-without-a-line", test_direct);
        ADD("regions-are-as-far-as-the-matrix-says", test_regions);
        ADD("topologies-have-their-links", test_generators);
        ADD("degrees", test_degrees);
        ADD("graphs-stay-as-they-are", test_graphs_stay);
        ADD("gml", test_gml);
        ADD("graphml", test_graphml);
        ADD("nat", test_nat);
        ADD("partitions-and-heals", test_partitions);
        ADD("partition-of-a-topology", test_partition_of_topology);
        ADD("link-events", test_link_events);
        ADD("size", test_size);
        ADD("capture", test_capture);
        ADD("capture-links", test_capture_links);
        ADD("long-capture-filter", test_long_filter);
        ADD("refusals", test_refusals);
        ADD("refusals-of-graphs", test_file_refusals);
        ADD("refusals-of-matrices", test_matrix_refusals);
        ADD("examples", test_examples);
        return g_test_run();
}
