/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What was looked at over time is in the tables and in OpenMetrics: sums of groups, which never fall, and
 * shares of the time between two looks. */

#include <glib.h>
#include <string.h>

#include "fleet/expansion/expand.h"
#include "fleet/results/openmetrics.h"
#include "fleet/results/series.h"

#define PLAN "[Fleet]\nDuration=9s\n[Group peer]\nImage=/p\nCount=2\n[Group odd]\nImage=/o\n"

typedef struct Fixture {
        FleetPlan *plan;
        FleetExpansion *expansion;
        FleetRecord *record;
} Fixture;

static void set_up(Fixture *fixture, const void *unused)
{
        g_assert_cmpint(fleet_plan_parse("/srv/g.fleet", PLAN, strlen(PLAN), &fixture->plan, NULL), ==, 0);
        g_assert_cmpint(fleet_expand(fixture->plan, &fixture->expansion, NULL), ==, 0);
        fixture->record = fleet_record_new(fixture->expansion);
        fixture->record->begun_realtime = 1700000000250000;
        for (guint i = 0; i < 3; i++) {
                fixture->record->members[i].state = FLEET_STATE_RUNNING;
                fleet_record_started(&fixture->record->members[i], 1000);
        }
        fleet_record_sample(fixture->record, 500000);
}

static void tear_down(Fixture *fixture, const void *unused)
{
        fleet_record_free(fixture->record);
        fleet_expansion_free(fixture->expansion);
        fleet_plan_free(fixture->plan);
}

static void look(const Fixture *fixture, int64_t usec, uint64_t busy)
{
        const FleetHostSample host = {.usec = usec,
                        .load = {.busy = busy, .stolen = 5, .all = (uint64_t) usec / 5000},
                        .load_average = 0.5,
                        .memory_available = 1000};

        fleet_record_look(fixture->record, &host);
}

static void use(const Fixture *fixture, guint member, uint64_t cpu, uint64_t bytes, uint64_t memory)
{
        fleet_record_use(&fixture->record->members[member],
                        &(FleetUsage){.cpu_usec = cpu, .received_bytes = bytes, .sent_packets = 1}, memory);
}

static void look_twice(const Fixture *fixture)
{
        use(fixture, 0, 1000000, 10, 64);
        use(fixture, 1, 500000, 20, 32);
        look(fixture, 1000000, 100);
        use(fixture, 0, 2000000, 110, 64);
        fixture->record->members[1].state = FLEET_STATE_STOPPED;
        fleet_record_sample(fixture->record, 1500000);
        look(fixture, 2000000, 150);
}

/* What shruthid tells of late. */
static void test_order(Fixture *fixture, const void *unused)
{
        const GArray *samples = fixture->record->samples;

        fixture->record->members[0].state = FLEET_STATE_FAILED;
        fleet_record_sample(fixture->record, 400000);
        g_assert_cmpuint(samples->len, ==, 2);
        g_assert_cmpint(g_array_index(samples, FleetSample, 1).usec, ==, 500000);
}

static void test_tables(Fixture *fixture, const void *unused)
{
        g_autofree char *usage = NULL, *host = NULL;

        look_twice(fixture);
        usage = fleet_format_usage(fixture->record);
        host = fleet_format_host(fixture->record);
        g_assert_cmpstr(usage, ==,
                        "time,group,running,cpu_seconds,memory,received_bytes,received_packets,sent_bytes,"
                        "sent_packets\n"
                        "1.000,peer,2,1.500,96,30,0,0,2\n1.000,odd,1,0.000,0,0,0,0,0\n"
                        "2.000,peer,1,2.500,64,130,0,0,2\n2.000,odd,1,0.000,0,0,0,0,0\n");
        g_assert_cmpstr(host, ==,
                        "time,busy,stolen,load_average,memory_available\n"
                        "1.000,,,0.50,1000\n2.000,0.2500,0.0000,0.50,1000\n");
}

static void test_openmetrics(Fixture *fixture, const void *unused)
{
        static const char *const parts[] = {
                        "# TYPE shruthi_fleet_members gauge\n# HELP shruthi_fleet_members Members by "
                        "state.\n",
                        "shruthi_fleet_members{fleet=\"g\",state=\"running\"} 3 1700000000.750000\n"
                        "shruthi_fleet_members{fleet=\"g\",state=\"running\"} 2 1700000001.750000\n",
                        "# TYPE shruthi_fleet_cpu_seconds counter\n# UNIT shruthi_fleet_cpu_seconds "
                        "seconds\n",
                        "shruthi_fleet_cpu_seconds_total{fleet=\"g\",group=\"peer\"} 1.5 1700000001.250000\n"
                        "shruthi_fleet_cpu_seconds_total{fleet=\"g\",group=\"peer\"} 2.5 1700000002.250000\n"
                        "shruthi_fleet_cpu_seconds_total{fleet=\"g\",group=\"odd\"} 0 1700000001.250000\n",
                        "shruthi_host_cpu_seconds_total{fleet=\"g\",mode=\"busy\"} 1 1700000001.250000\n",
                        "shruthi_host_cpu_seconds_total{fleet=\"g\",mode=\"idle\"} 2.45 1700000002.250000\n",
                        "shruthi_host_memory_available_bytes{fleet=\"g\"} 1000 1700000002.250000\n# EOF\n",
        };
        g_autofree char *text = NULL;

        look_twice(fixture);
        text = fleet_format_openmetrics(fixture->record);
        for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
                if (!strstr(text, parts[i]))
                        g_error("%s lacks %s", text, parts[i]);
        g_assert_true(g_str_has_suffix(text, "\n# EOF\n"));
}

/* A run that never began has no series, in files that can be read all the same. */
static void test_none(Fixture *fixture, const void *unused)
{
        g_autofree char *usage = fleet_format_usage(fixture->record),
                        *host = fleet_format_host(fixture->record),
                        *text = fleet_format_openmetrics(fixture->record);

        g_assert_true(g_str_has_suffix(usage, ",sent_packets\n"));
        g_assert_cmpstr(host, ==, "time,busy,stolen,load_average,memory_available\n");
        g_assert_true(g_str_has_suffix(text, "\n# EOF\n"));
}

/* A counter that came late does not make a sum fall, nor does a look come twice. */
static void test_sums_never_fall(Fixture *fixture, const void *unused)
{
        use(fixture, 2, 1000, 500, 8);
        look(fixture, 1000000, 1);
        use(fixture, 2, 2000, 400, 8);
        look(fixture, 1000000, 1);
        g_assert_cmpuint(fixture->record->hosts->len, ==, 1);
        look(fixture, 2000000, 1);
        g_assert_cmpuint(fleet_record_group_sample(fixture->record, 1, 1)->usage.received_bytes, ==, 500);
        g_assert_cmpuint(fleet_record_group_sample(fixture->record, 1, 1)->usage.cpu_usec, ==, 2000);
        fleet_record_started(&fixture->record->members[2], 1000);
        look(fixture, 3000000, 1);
        g_assert_cmpuint(fleet_record_group_sample(fixture->record, 2, 1)->memory, ==, 0);
        g_assert_cmpuint(fleet_record_group_sample(fixture->record, 2, 1)->usage.cpu_usec, ==, 2000);
}

static void test_limit(Fixture *fixture, const void *unused)
{
        for (int64_t i = 1; i <= FLEET_SERIES_MAX; i++)
                look(fixture, i * 1000, (uint64_t) i);
        g_assert_cmpuint(fixture->record->groups->len, <=, FLEET_SERIES_MAX);
        g_assert_cmpuint(fixture->record->groups->len, ==, 2 * fixture->record->hosts->len);
        g_assert_cmpuint(fixture->record->hosts->len, >, FLEET_SERIES_MAX / 5);
        g_assert_cmpint(g_array_index(fixture->record->hosts, FleetHostSample, 0).usec, ==, 1000);
        g_assert_cmpint(g_array_index(fixture->record->hosts, FleetHostSample, 1).usec, >=, 2000);
        g_assert_cmpint(g_array_index(fixture->record->hosts, FleetHostSample,
                                        fixture->record->hosts->len - 1)
                                        .usec,
                        ==, (int64_t) FLEET_SERIES_MAX * 1000);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add("/fleet/series/are-tables", Fixture, NULL, set_up, test_tables, tear_down);
        g_test_add("/fleet/series/are-openmetrics", Fixture, NULL, set_up, test_openmetrics, tear_down);
        g_test_add("/fleet/series/states-are-in-order", Fixture, NULL, set_up, test_order, tear_down);
        g_test_add("/fleet/series/may-be-empty", Fixture, NULL, set_up, test_none, tear_down);
        g_test_add("/fleet/series/sums-never-fall", Fixture, NULL, set_up, test_sums_never_fall, tear_down);
        g_test_add("/fleet/series/have-a-limit", Fixture, NULL, set_up, test_limit, tear_down);
        return g_test_run();
}
