/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What guests print and plans say is text in all results, whatever it is; the numbers are those of the
 * record. */

#include <glib.h>
#include <string.h>

#include "fleet/expansion/expand.h"
#include "fleet/results/lateness.h"
#include "fleet/results/report.h"
#include "fleet/results/tables.h"

#define HOSTILE "</pre><script>alert(1)</script>\"'&\x1b[2J,\n\xff"

typedef struct Fixture {
        FleetPlan *plan;
        FleetExpansion *expansion;
        FleetRecord *record;
} Fixture;

static void set_up(Fixture *fixture, const void *unused)
{
        static const char text[] = "[Fleet]\nTolerate=50%\nSeed=<b>&\n[Group peer]\nImage=/<i>\nCount=2\n"
                                   "[Barrier up]\n# <script>\n";
        _cleanup_error_ Error error = ERROR_INIT;

        (void) fleet_plan_parse("/srv/gossip.fleet", text, strlen(text), &fixture->plan, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        (void) fleet_expand(fixture->plan, &fixture->expansion, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        fixture->record = fleet_record_new(fixture->expansion);
        fixture->record->clock = 1000000;
        fixture->record->ended = 9000000;
        fixture->record->begun_realtime = 1700000000000000;
}

static void tear_down(Fixture *fixture, const void *unused)
{
        fleet_record_free(fixture->record);
        fleet_expansion_free(fixture->expansion);
        fleet_plan_free(fixture->plan);
}

static void add_event(Fixture *fixture, const char *who, const char *problem)
{
        FleetEventRecord *event = g_new0(FleetEventRecord, 1);

        *event = (FleetEventRecord){.verb = FLEET_EXECUTE,
                        .cause = FLEET_CAUSE_EVENT,
                        .member = FLEET_NOBODY,
                        .who = g_strdup(who),
                        .planned = 500000,
                        .began = 1500000,
                        .ended = FLEET_NEVER,
                        .problem = g_strdup(problem)};
        g_ptr_array_add(fixture->record->events, event);
}

static void test_hostile_text(Fixture *fixture, const void *unused)
{
        FleetRecord *record = fixture->record;
        g_autofree char *report = NULL, *junit = NULL, *events = NULL, *members = NULL, *run = NULL;

        record->members[0].failed = true;
        record->members[0].problem = g_strdup(HOSTILE);
        record->problem = g_strdup(HOSTILE);
        g_ptr_array_add(record->facts, g_strdup("Host" HOSTILE));
        g_ptr_array_add(record->facts, g_strdup(HOSTILE));
        add_event(fixture, HOSTILE, HOSTILE);

        report = fleet_format_report(record);
        g_assert_null(strstr(report, "<script"));
        g_assert_null(strstr(report, "<b>"));
        g_assert_null(strstr(report, "<i>"));
        g_assert_null(strchr(report, '\x1b'));
        g_assert_true(g_utf8_validate(report, -1, NULL));
        g_assert_nonnull(strstr(report, "&lt;/pre&gt;&lt;script&gt;alert(1)"));
        junit = fleet_format_junit(record);
        g_assert_null(strstr(junit, "<script"));
        g_assert_null(strchr(junit, '\x1b'));
        events = fleet_format_events(record);
        g_assert_null(strchr(events, '\x1b'));
        g_assert_nonnull(strstr(events, "\\u001b[2J,\\u000a"));
        members = fleet_format_members(record);
        g_assert_nonnull(strstr(members, "\"</pre><script>alert(1)</script>\"\"'&"));
        run = fleet_format_run(record);
        g_assert_true(g_utf8_validate(run, -1, NULL));
        g_assert_nonnull(strstr(run, "\"Success\": false"));
}

/* A report needs nothing from anywhere: no address of a server but the name of SVG's namespace. */
static void test_needs_nothing(Fixture *fixture, const void *unused)
{
        g_autofree char *report = NULL;
        g_auto(GStrv) parts = NULL;

        fleet_record_sample(fixture->record, 0);
        g_assert_true(fleet_record_add_metric(fixture->record, 0, 5, "METRIC known 1"));
        report = fleet_format_report(fixture->record);
        parts = g_strsplit(report, "http://www.w3.org/2000/svg", -1);
        g_assert_cmpuint(g_strv_length(parts), ==, 4);
        for (char **part = parts; *part; part++) {
                g_assert_null(strstr(*part, "://"));
                g_assert_null(strstr(*part, "url("));
                g_assert_null(strstr(*part, "src="));
                g_assert_null(strstr(*part, "href="));
        }
}

static void test_metrics(Fixture *fixture, const void *unused)
{
        static const char *const wrong[] = {"METRIC", "METRIC ", "METRIC a", "METRIC a ", "METRIC a x",
                        "METRIC a 1 2", "METRIC a nan", "METRIC a inf", "METRIC a 1.7976931348623157e308",
                        "METRIC a -1e301", "METRIC <a> 1", " METRIC a 1", "metric a 1"};
        g_autofree char *text = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
                g_assert_false(fleet_record_add_metric(fixture->record, 0, 0, wrong[i]));
        g_assert_true(fleet_record_add_metric(fixture->record, 1, 1250000, "METRIC a.b 1.5"));
        g_assert_true(fleet_record_add_metric(fixture->record, 0, -1000, "METRIC a:b -2e3\r"));
        text = fleet_format_metrics(fixture->record);
        g_assert_cmpstr(text, ==,
                        "time,member,metric,value\n1.250,gossip-peer-1,a.b,1.5\n-0.001,gossip-peer-0,a:b,-"
                        "2000\n");
}

/* Axes end, whatever guests count. */
static void test_extreme_metrics(Fixture *fixture, const void *unused)
{
        static const char *const lines[] = {"METRIC a 1e300", "METRIC a -1e300", "METRIC b 4.9e-324",
                        "METRIC c 1e-300", "METRIC d 1e300", "METRIC e -1e-310", "METRIC e 0"};
        g_autofree char *report = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
                g_assert_true(fleet_record_add_metric(fixture->record, i % 2, (int64_t) i * 1000, lines[i]));
        report = fleet_format_report(fixture->record);
        g_assert_cmpuint(strlen(report), <, 256 * 1024);
        g_assert_null(strstr(report, "nan"));
        g_assert_null(strstr(report, "inf"));
}

static void test_tolerate(Fixture *fixture, const void *unused)
{
        g_autofree char *junit = NULL, *worse = NULL;

        g_assert_true(fleet_record_is_success(fixture->record));
        fixture->record->members[0].failed = true;
        g_assert_true(fleet_record_is_success(fixture->record));
        junit = fleet_format_junit(fixture->record);
        g_assert_nonnull(strstr(junit, "failures=\"0\" errors=\"0\" skipped=\"1\""));
        fixture->record->members[1].failed = true;
        g_assert_false(fleet_record_is_success(fixture->record));
        worse = fleet_format_junit(fixture->record);
        g_assert_nonnull(strstr(worse, "failures=\"2\" errors=\"0\" skipped=\"0\""));
}

/* A failed event fails the run, unless its member has failed or the end of the run cut it off. */
static void test_events_count(Fixture *fixture, const void *unused)
{
        FleetEventRecord *event;
        g_autofree char *good = NULL, *bad = NULL;

        add_event(fixture, "/bin/true", NULL);
        add_event(fixture, "/bin/sleep 100", "still ran when the run was over");
        event = fixture->record->events->pdata[1];
        event->cut = true;
        add_event(fixture, "gossip-peer-0", "refused");
        event = fixture->record->events->pdata[2];
        event->member = 0;
        fixture->record->members[0].failed = true;
        g_assert_true(fleet_record_is_success(fixture->record));
        good = fleet_format_junit(fixture->record);
        g_assert_nonnull(strstr(good, "failures=\"0\""));

        add_event(fixture, "/bin/false", "exit status 1");
        g_assert_false(fleet_record_is_success(fixture->record));
        bad = fleet_format_junit(fixture->record);
        g_assert_nonnull(strstr(bad, "tests=\"4\" failures=\"1\""));
        g_assert_nonnull(strstr(bad, "1 of 4 failed; the first is execute /bin/false: exit status 1"));
}

static void test_interruption(Fixture *fixture, const void *unused)
{
        g_autofree char *junit = NULL;

        fixture->record->interrupted = true;
        fixture->record->members[0].called = 5;
        g_assert_false(fleet_record_is_success(fixture->record));
        junit = fleet_format_junit(fixture->record);
        g_assert_nonnull(strstr(junit, "failures=\"1\" errors=\"0\" skipped=\"1\""));
        g_assert_nonnull(strstr(junit, "interrupted by a signal"));
}

/* Counters begin again with each run of a member; its row has the sum. */
static void test_usage_is_of_all_runs(Fixture *fixture, const void *unused)
{
        const FleetUsage usages[] = {{1000000, 1, 2, 3, 4}, {2000000, 10, 20, 30, 40}, {500000, 5, 5, 5, 5}};
        g_autofree char *text = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(usages); i++)
                fleet_record_use(&fixture->record->members[0], &usages[i], 100 - i);
        text = fleet_format_members(fixture->record);
        g_assert_nonnull(strstr(text, ",2.500,100,15,25,35,45,\n"));
}

/* A start begins a new run also if that needs more than the last one did at the last look. */
static void test_usage_is_of_each_start(Fixture *fixture, const void *unused)
{
        const FleetUsage usages[] = {{1000000, 1, 2, 3, 4}, {2000000, 10, 20, 30, 40}};
        FleetMemberRecord *member = &fixture->record->members[0];
        g_autofree char *text = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(usages); i++) {
                fleet_record_started(member, 1000);
                fleet_record_use(member, &usages[i], 100);
        }
        text = fleet_format_members(fixture->record);
        g_assert_nonnull(strstr(text, ",2,absent,no,,,3.000,100,11,22,33,44,\n"));
}

/* One member leaves room for the others, and names have a limit; what is beyond is counted, and said. */
static void test_metrics_have_limits(Fixture *fixture, const void *unused)
{
        FleetRecord *record = fixture->record;
        g_autofree char *run = NULL, *report = NULL;

        record->members[0].metrics = FLEET_METRICS_MAX / 2 - 1;
        g_assert_true(fleet_record_add_metric(record, 0, 0, "METRIC a 1"));
        g_assert_false(fleet_record_add_metric(record, 0, 0, "METRIC a 1"));
        for (guint i = 0; i < FLEET_METRIC_NAMES_MAX + 5; i++) {
                g_autofree char *line = g_strdup_printf("METRIC b%u 1", i);

                g_assert_cmpint(fleet_record_add_metric(record, 1, 0, line), ==,
                                i < FLEET_METRIC_NAMES_MAX - 1);
        }
        g_assert_true(fleet_record_add_metric(record, 1, 0, "METRIC a 1"));
        g_assert_cmpuint(record->metrics_left_out, ==, 7);
        run = fleet_format_run(record);
        g_assert_nonnull(strstr(run, "\"MetricsLeftOut\": 7,"));
        report = fleet_format_report(record);
        g_assert_nonnull(strstr(report, "<th>Metrics left out</th><td>7: "));
}

/* A member that is restarted for days does not fill the memory. */
static void test_record_is_bounded(Fixture *fixture, const void *unused)
{
        FleetRecord *record = fixture->record;
        const FleetSample *last;

        for (guint i = 0; i < 3 * FLEET_SAMPLES_MAX; i++) {
                record->members[0].state = i % 2 == 0 ? FLEET_STATE_RUNNING : FLEET_STATE_STOPPED;
                fleet_record_sample(record, (int64_t) i);
                fleet_record_started(&record->members[0], 5);
        }
        g_assert_cmpuint(record->samples->len, <=, FLEET_SAMPLES_MAX);
        g_assert_cmpuint(record->members[0].latencies->len, ==, FLEET_LATENCIES_MAX);
        g_assert_cmpuint(record->members[0].starts, ==, 3 * FLEET_SAMPLES_MAX);
        last = &g_array_index(record->samples, FleetSample, record->samples->len - 1);
        g_assert_cmpint(last->usec, ==, 3 * FLEET_SAMPLES_MAX - 1);
        for (guint i = 1; i < record->samples->len; i++)
                g_assert_cmpint(g_array_index(record->samples, FleetSample, i).usec, >,
                                g_array_index(record->samples, FleetSample, i - 1).usec);
}

/* What was seen on links that were late is marked as worth nothing, wherever results are read. */
static void test_lateness(Fixture *fixture, const void *unused)
{
        static const struct {
                const char *summary, *problem; /* NULL: in time */
        } cases[] = {
                        {"delivered=5\nsince_usec=1700000000500000\nlate_packets=0\nlateness_p99_usec="
                         "1000\nreceive_overflows=0\n",
                                        NULL},
                        {"late_packets=3\ndelivered=10\nlateness_p99_usec=1001\n",
                                        "1.001 ms late or more (3 of 10 by more than 1 ms)"},
                        {"receive_overflows=2\n", "2 packets came faster than they were read"},
                        {"memory_limit_drops=7\n", "7 packets were lost because more were under way"},
                        {"since_usec=1700000002000000\n", "On lab, shruthi-switch was restarted"},
                        {NULL, "Nothing is known of the links of lab: <gone>"},
        };
        FleetNetwork network = {.name = (char *) "lab"};

        fixture->record->load = (FleetLoad){.busy = 93, .stolen = 5, .all = 100};
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *report = NULL, *run = NULL, *junit = NULL, *text = NULL;

                g_clear_pointer(&fixture->record->links, g_ptr_array_unref);
                fleet_record_add_links(fixture->record, &network, cases[i].summary, "<gone>");
                text = fleet_record_lateness(fixture->record);
                report = fleet_format_report(fixture->record);
                run = fleet_format_run(fixture->record);
                junit = fleet_format_junit(fixture->record);
                g_assert_nonnull(strstr(run, "\"Load\": {\"Busy\": 0.9300, \"Stolen\": 0.0500}"));
                g_assert_null(strstr(report, "<gone>"));
                g_assert_nonnull(strstr(report, "<h2>Links of lab</h2>"));
                if (!cases[i].problem) {
                        g_assert_null(text);
                        g_assert_null(strstr(report, "proves nothing"));
                        g_assert_nonnull(strstr(run, "\"InTime\": true, \"Problems\": []"));
                        g_assert_nonnull(strstr(run, "\"Summary\": {\"delivered\": 5, "));
                        g_assert_nonnull(strstr(junit, "skipped=\"0\""));
                        continue;
                }
                g_assert_nonnull(strstr(text, cases[i].problem));
                g_assert_nonnull(strstr(text, "The processors were 93% busy, 5% taken by a host above."));
                g_assert_nonnull(strstr(report, "proves nothing"));
                g_assert_nonnull(strstr(run, "\"InTime\": false"));
                g_assert_nonnull(strstr(junit, "skipped message=\"The run proves nothing."));
        }
}

static void test_load(Fixture *fixture, const void *unused)
{
        FleetLoad begin, end, load;

        g_assert_cmpint(fleet_load_parse("cpu  10 1 5 80 4 1 1 8 3 0\ncpu0 1 2\n", &begin), ==, 0);
        g_assert_cmpint(fleet_load_parse("cpu  30 1 15 100 3 2 2 18 9 0\n", &end), ==, 0);
        g_assert_cmpint(fleet_load_parse("cpux 1", &load), ==, -EBADMSG);
        load = fleet_load_between(&begin, &end);
        g_assert_cmpuint(load.busy, ==, 32);
        g_assert_cmpuint(load.stolen, ==, 10);
        g_assert_cmpuint(load.all, ==, 61);
}

static void add(const char *path, void (*test)(Fixture *fixture, const void *unused))
{
        g_test_add(path, Fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        add("/fleet/report/hostile-text", test_hostile_text);
        add("/fleet/report/needs-nothing", test_needs_nothing);
        add("/fleet/report/metrics", test_metrics);
        add("/fleet/report/extreme-metrics", test_extreme_metrics);
        add("/fleet/report/tolerate", test_tolerate);
        add("/fleet/report/events-count", test_events_count);
        add("/fleet/report/interruption", test_interruption);
        add("/fleet/report/usage-is-of-all-runs", test_usage_is_of_all_runs);
        add("/fleet/report/usage-is-of-each-start", test_usage_is_of_each_start);
        add("/fleet/report/metrics-have-limits", test_metrics_have_limits);
        add("/fleet/report/record-is-bounded", test_record_is_bounded);
        add("/fleet/report/lateness", test_lateness);
        add("/fleet/report/load", test_load);
        return g_test_run();
}
