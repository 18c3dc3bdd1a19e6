/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is written of a run is read again as it was, and whatever else lies in a folder of results is left
 * out and said. */

#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "fleet/expansion/expand.h"
#include "fleet/results/compare.h"
#include "fleet/results/csv.h"
#include "fleet/results/report.h"
#include "fleet/results/tables.h"

static const char *const names[] = {"run.json", "members.csv", "events.jsonl", "metrics.csv", "states.csv",
                "links.csv", "report.html"};

typedef struct Fixture {
        char *folder;
} Fixture;

static void set_up(Fixture *fixture, const void *unused)
{
        fixture->folder = g_dir_make_tmp("shruthi-results-XXXXXX", NULL);
        g_assert_nonnull(fixture->folder);
}

static void tear_down(Fixture *fixture, const void *unused)
{
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *path = g_build_filename(fixture->folder, names[i], NULL);

                (void) g_unlink(path);
        }
        g_assert_cmpint(g_rmdir(fixture->folder), ==, 0);
        g_free(fixture->folder);
}

static void put(const Fixture *fixture, const char *name, const char *text)
{
        g_autofree char *path = g_build_filename(fixture->folder, name, NULL);

        g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static FleetResults *read_results(const Fixture *fixture)
{
        _cleanup_error_ Error error = ERROR_INIT;
        FleetResults *results = NULL;

        (void) fleet_results_read(fixture->folder, &results, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        return results;
}

/* A run of three members, in two groups, written as shruthictl does. */
static void put_run(const Fixture *fixture, const char *seed, int64_t latency)
{
        g_autofree char *text = g_strdup_printf("[Fleet]\nSeed=%s\nDuration=20s\nTolerate=40%%\n"
                                                "[Group peer]\nImage=/p\nCount=2\n[Group odd]\nImage=/o\n",
                        seed);
        g_autoptr(FleetPlan) plan = NULL;
        g_autoptr(FleetExpansion) expansion = NULL;
        g_autoptr(FleetRecord) record = NULL;
        FleetEventRecord *event = g_new0(FleetEventRecord, 1);
        static char *(*const formats[])(const FleetRecord *record) = {fleet_format_run, fleet_format_members,
                        fleet_format_events, fleet_format_metrics, fleet_format_states};

        g_assert_cmpint(fleet_plan_parse("/srv/gossip.fleet", text, strlen(text), &plan, NULL), ==, 0);
        g_assert_cmpint(fleet_expand(plan, &expansion, NULL), ==, 0);
        record = fleet_record_new(expansion);
        record->clock = 1000000;
        record->ended = 9000000;
        record->begun_realtime = 1700000000000000;
        for (guint i = 0; i < 3; i++) {
                record->members[i].called = 100000;
                record->members[i].ready = 100000 + latency;
                record->members[i].state = FLEET_STATE_RUNNING;
                fleet_record_started(&record->members[i], latency);
                fleet_record_sample(record, 1000 * i);
        }
        record->members[1].failed = true;
        record->members[1].problem = g_strdup("of \"two\",\nlines\x1b");
        fleet_record_use(&record->members[0], &(FleetUsage){2500000, 1, 2, 3, 4}, 77);
        g_assert_true(fleet_record_add_metric(record, 0, 2000000, "METRIC a 4.5"));
        g_assert_true(fleet_record_add_metric(record, 2, 3000000, "METRIC a 5.5"));
        g_ptr_array_add(record->digests, g_strdup("sha256:1"));
        g_ptr_array_add(record->digests, g_strdup("sha256:2"));
        g_ptr_array_add(record->facts, g_strdup("Kernel"));
        g_ptr_array_add(record->facts, g_strdup("Linux 1"));
        *event = (FleetEventRecord){.verb = FLEET_STOP,
                        .member = 0,
                        .who = g_strdup("gossip-peer-0"),
                        .planned = 500000,
                        .began = 1500000,
                        .ended = 1600000};
        g_ptr_array_add(record->events, event);
        for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
                g_autofree char *file = formats[i](record);

                put(fixture, names[i], file);
        }
}

static void test_round_trip(Fixture *fixture, const void *unused)
{
        g_autoptr(FleetResults) results = NULL;
        static const size_t again[] = {1, 3, 4};
        g_autofree char *report = NULL;

        put_run(fixture, "7", 250000);
        results = read_results(fixture);
        g_assert_cmpuint(results->notes->len, ==, 0);
        g_assert_cmpstr(results->plan->name, ==, "gossip");
        g_assert_cmpstr(results->plan->seed, ==, "7");
        g_assert_cmpfloat(results->plan->tolerate, ==, 40);
        g_assert_true(results->success);
        g_assert_cmpuint(results->record->events->len, ==, 1);
        g_assert_cmpint(((FleetEventRecord *) results->record->events->pdata[0])->began, ==, 1500000);
        for (size_t i = 0; i < G_N_ELEMENTS(again); i++) {
                char *(*const formats[])(const FleetRecord *record) = {
                                fleet_format_members, fleet_format_metrics, fleet_format_states};
                g_autofree char *path = g_build_filename(fixture->folder, names[again[i]], NULL),
                                *before = NULL, *after = formats[i](results->record);

                g_assert_true(g_file_get_contents(path, &before, NULL, NULL));
                g_assert_cmpstr(after, ==, before);
        }
        report = fleet_format_report(results->record);
        g_assert_nonnull(strstr(report, "gossip-peer-1"));
        g_assert_nonnull(strstr(report, "sha256:2"));
}

static const FleetFinding *find(
                const FleetComparison *comparison, const char *section, const char *name, const char *key)
{
        for (guint i = 0; i < comparison->findings->len; i++) {
                const FleetFinding *finding = comparison->findings->pdata[i];

                if (g_strcmp0(finding->section, section) == 0 && g_strcmp0(finding->name, name) == 0 &&
                                g_str_equal(finding->key, key))
                        return finding;
        }

        g_assert_not_reached();
}

static void test_compares(Fixture *fixture, const void *unused)
{
        g_autoptr(FleetResults) one = NULL, two = NULL;
        g_autoptr(FleetComparison) comparison = NULL;
        g_autofree char *change = NULL, *page = NULL;

        put_run(fixture, "7", 200000);
        one = read_results(fixture);
        put_run(fixture, "<8>", 300000);
        put(fixture, "links.csv", "from,to,packets,lost\na,b,10,1\nb,a,5,0\n");
        two = read_results(fixture);
        comparison = fleet_compare((FleetResults *[]){one, two}, 2);

        g_assert_true(find(comparison, NULL, NULL, "Seed")->differs);
        g_assert_false(find(comparison, NULL, NULL, "Fleet")->differs);
        g_assert_cmpstr(find(comparison, NULL, NULL, "StartLatencyMedian")->texts[1], ==, "0.3");
        change = fleet_finding_change(find(comparison, NULL, NULL, "StartLatencyMedian"), 1);
        g_assert_cmpstr(change, ==, "+50%");
        g_assert_cmpfloat(find(comparison, NULL, NULL, "CPUTime")->numbers[0], ==, 2.5);
        g_assert_cmpstr(find(comparison, "Groups", "odd", "ImageDigest")->texts[0], ==, "sha256:2");
        g_assert_cmpfloat(find(comparison, "Metrics", "a", "Members")->numbers[0], ==, 2);
        g_assert_cmpfloat(find(comparison, "Metrics", "a", "High")->numbers[0], ==, 5.5);
        g_assert_true(isnan(find(comparison, "Links", "packets", "Sum")->numbers[0]));
        g_assert_cmpfloat(find(comparison, "Links", "packets", "Sum")->numbers[1], ==, 15);
        g_assert_true(find(comparison, "Links", "packets", "Sum")->differs);
        page = fleet_format_comparison(comparison);
        g_assert_null(strstr(page, "<8>"));
        g_assert_nonnull(strstr(page, "(+50%)"));
        g_assert_true(g_utf8_validate(page, -1, NULL));
}

static void test_nothing_is_refused(Fixture *fixture, const void *unused)
{
        FleetResults *results = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(fleet_results_read("/nowhere", &results, &error), <, 0);
        g_assert_nonnull(strstr(error.message, "Cannot open the folder of results /nowhere"));
        error_clear(&error);
        g_assert_cmpint(fleet_results_read(fixture->folder, &results, &error), <, 0);
        g_assert_nonnull(strstr(error.message, "has no results of a run"));
}

/* Each of these, in place of each file, gives results with a note, or none; never more than there is. */
static void test_hostile_files(Fixture *fixture, const void *unused)
{
        g_autoptr(GString) deep = g_string_new(NULL), wide = g_string_new("a");
        const char *texts[] = {"", "\n\n\n", "{", "[]", "null", "{\"Groups\":[1,{\"Name\":5},null]}",
                        "{\"Groups\":{},\"Host\":[],\"Barriers\":[3],\"Clock\":1e300,\"Began\":-1}",
                        "name,group\n<script>,peer\nx,../..\n", "time,member,metric,value\n1e99,x,y,z\n",
                        "\"\"\"\n,,,\n\"",
                        "name,group,index,state,called,ready\np,peer,99999999999999,x,1e300,2\n",
                        "time,running\n1,4294967295\n-1,-1\n", "\xff\xfe,\x80\n", NULL, NULL};

        for (guint i = 0; i < 200000; i++)
                g_string_append_c(deep, '[');
        for (guint i = 0; i < 100000; i++)
                g_string_append_c(wide, ',');
        texts[G_N_ELEMENTS(texts) - 2] = deep->str;
        texts[G_N_ELEMENTS(texts) - 1] = wide->str;
        for (size_t k = 0; k < 6; k++)
                for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                        g_autoptr(FleetComparison) comparison = NULL;
                        g_autofree char *report = NULL, *page = NULL;
                        _cleanup_error_ Error error = ERROR_INIT;
                        FleetResults *results = NULL;

                        put_run(fixture, "7", 200000);
                        put(fixture, names[k], texts[i]);
                        if (fleet_results_read(fixture->folder, &results, &error) < 0) {
                                g_assert_nonnull(error.message);
                                continue;
                        }
                        comparison = fleet_compare(&results, 1);
                        page = fleet_format_comparison(comparison);
                        report = fleet_format_report(results->record);
                        g_assert_null(strstr(page, "<script"));
                        g_assert_null(strstr(report, "<script"));
                        g_assert_cmpuint(results->expansion->members->len, <=, FLEET_MEMBERS_MAX);
                        fleet_results_free(results);
                }
}

/* All files may be cut anywhere, as by a full disk. */
static void test_cut_files(Fixture *fixture, const void *unused)
{
        for (size_t k = 0; k < 5; k++) {
                g_autofree char *path = g_build_filename(fixture->folder, names[k], NULL), *whole = NULL;
                size_t size;

                put_run(fixture, "7", 200000);
                g_assert_true(g_file_get_contents(path, &whole, &size, NULL));
                for (size_t n = 0; n < size; n += 7) {
                        _cleanup_error_ Error error = ERROR_INIT;
                        FleetResults *results = NULL;

                        g_assert_true(g_file_set_contents(path, whole, (gssize) n, NULL));
                        if (fleet_results_read(fixture->folder, &results, &error) >= 0) {
                                g_autofree char *report = fleet_format_report(results->record);

                                g_assert_true(g_utf8_validate(report, -1, NULL));
                                fleet_results_free(results);
                        }
                }
        }
}

static void test_csv(void)
{
        static const char text[] = "a,\"b\"\"c\",d\r\n1,\"2\n3\",\n\"unclosed,\n";
        _cleanup_csv_ CsvReader reader;

        csv_reader_init(&reader, text, strlen(text));
        g_assert_true(csv_reader_next(&reader));
        g_assert_cmpstr(csv_reader_field(&reader, "a"), ==, "1");
        g_assert_cmpstr(csv_reader_field(&reader, "b\"c"), ==, "2\n3");
        g_assert_cmpstr(csv_reader_field(&reader, "d"), ==, "");
        g_assert_cmpstr(csv_reader_field(&reader, "e"), ==, "");
        g_assert_true(csv_reader_next(&reader));
        g_assert_cmpstr(csv_reader_field(&reader, "a"), ==, "unclosed,\n");
        g_assert_cmpstr(csv_reader_field(&reader, "d"), ==, "");
        g_assert_false(csv_reader_next(&reader));
}

static void add(const char *path, void (*test)(Fixture *fixture, const void *unused))
{
        g_test_add(path, Fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        add("/fleet/results/are-read-as-written", test_round_trip);
        add("/fleet/results/are-compared", test_compares);
        add("/fleet/results/nothing-is-refused", test_nothing_is_refused);
        add("/fleet/results/hostile-files-are-left-out", test_hostile_files);
        add("/fleet/results/files-may-be-cut", test_cut_files);
        g_test_add_func("/fleet/csv/fields", test_csv);
        return g_test_run();
}
