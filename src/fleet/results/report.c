/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The report. */

#include "fleet/results/report.h"

#include <string.h>

#include "fleet/expansion/text.h"
#include "fleet/results/html.h"
#include "fleet/results/lateness.h"

#define POINTS         200 /* of a metric's curve */
#define METRICS_SHOWN  12
#define FAILURES_SHOWN 50
#define EVENTS_SHOWN   200
#define SECONDS(usec)  ((double) (usec) / G_USEC_PER_SEC)

static const char *const state_colors[_FLEET_STATE_MAX] = {
                [FLEET_STATE_ABSENT] = "#999999",
                [FLEET_STATE_STOPPED] = "#56b4e9",
                [FLEET_STATE_STARTING] = "#e69f00",
                [FLEET_STATE_RUNNING] = "#009e73",
                [FLEET_STATE_PAUSED] = "#cc79a7",
                [FLEET_STATE_FAILED] = "#d55e00",
};

static void report_append_states(GString *out, const FleetRecord *record)
{
        Plot plot = {.title = "Members by state",
                        .x_label = "seconds since the run began",
                        .y_label = "members",
                        .x_max = SECONDS(record->ended),
                        .series = g_array_new(FALSE, FALSE, sizeof(PlotSeries))};

        for (FleetState state = 0; state < _FLEET_STATE_MAX; state++) {
                GArray *points;
                bool any = false;

                for (guint i = 0; i < record->samples->len && !any; i++)
                        any = g_array_index(record->samples, FleetSample, i).counts[state] > 0;
                if (!any)
                        continue;
                points = html_series_add(&plot, fleet_state_to_string(state), state_colors[state], true);
                for (guint i = 0; i < record->samples->len; i++) {
                        const FleetSample *sample = &g_array_index(record->samples, FleetSample, i);

                        html_point_add(points, SECONDS(sample->usec), sample->counts[state]);
                        if (i + 1 == record->samples->len)
                                html_point_add(points, SECONDS(record->ended), sample->counts[state]);
                }
        }
        html_plot(out, &plot);
}

static void append_duration(GString *out, double seconds)
{
        fleet_append_seconds(out, (int64_t) (seconds * G_USEC_PER_SEC + 0.5));
}

static void report_append_latencies(GString *out, const FleetRecord *record)
{
        g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(double));
        Plot plot = {.title = "Start latency",
                        .x_label = "seconds from the call to ready",
                        .y_label = "share of the starts",
                        .series = g_array_new(FALSE, FALSE, sizeof(PlotSeries))};
        GArray *points;

        for (guint i = 0; i < record->expansion->members->len; i++)
                for (guint k = 0; k < record->members[i].latencies->len; k++) {
                        double seconds = SECONDS(g_array_index(record->members[i].latencies, int64_t, k));

                        g_array_append_val(all, seconds);
                }
        g_array_sort(all, html_compare_numbers);
        points = html_series_add(&plot, "starts", "#0072b2", true);
        html_point_add(points, 0, 0);
        for (guint i = 0; i < all->len; i++)
                html_point_add(points, g_array_index(all, double, i), (i + 1.0) / all->len);
        html_plot(out, &plot);
        if (all->len == 0)
                return;

        g_string_append_printf(out, "<p>%u starts; median ", all->len);
        append_duration(out, html_quantile(all, 0.5));
        g_string_append(out, " s, 95% within ");
        append_duration(out, html_quantile(all, 0.95));
        g_string_append(out, " s, the longest ");
        append_duration(out, html_quantile(all, 1));
        g_string_append(out, " s.</p>\n");
}

static int compare_metrics(gconstpointer a, gconstpointer b)
{
        const FleetMetric *x = *(const FleetMetric *const *) a, *y = *(const FleetMetric *const *) b;

        return x->usec < y->usec ? -1 : x->usec > y->usec;
}

void fleet_metric_curves(const FleetRecord *record, const char *name, const double *shares, size_t n_shares,
                GArray *const *points)
{
        guint n = record->expansion->members->len;
        g_autofree double *values = g_new0(double, n);
        g_autofree bool *known = g_new0(bool, n);
        g_autoptr(GPtrArray) sorted = g_ptr_array_new();
        guint next = 0;

        for (guint i = 0; i < record->metrics->len; i++) {
                FleetMetric *metric = &g_array_index(record->metrics, FleetMetric, i);

                if (g_str_equal(metric->name, name))
                        g_ptr_array_add(sorted, metric);
        }
        g_ptr_array_sort(sorted, compare_metrics);
        for (guint step = 0; step <= POINTS; step++) {
                int64_t usec = (int64_t) ((double) record->ended * step / POINTS);
                g_autoptr(GArray) now = g_array_new(FALSE, FALSE, sizeof(double));

                for (; next < sorted->len; next++) {
                        const FleetMetric *metric = sorted->pdata[next];

                        if (metric->usec > usec && step < POINTS)
                                break;
                        values[metric->member] = metric->value;
                        known[metric->member] = true;
                }
                for (guint i = 0; i < n; i++)
                        if (known[i])
                                g_array_append_val(now, values[i]);
                g_array_sort(now, html_compare_numbers);
                for (size_t i = 0; now->len > 0 && i < n_shares; i++)
                        html_point_add(points[i], SECONDS(usec), html_quantile(now, shares[i]));
        }
}

/* How the last values of all members that have one spread over time. */
static void report_append_metric(GString *out, const FleetRecord *record, const char *name)
{
        static const double shares[] = {0.1, 0.5, 0.9};
        static const char *const labels[] = {"10% below", "median", "90% below"}, *const colors[] = {
                                                                                                  "#9ecae1",
                                                                                                  "#0072b2",
                                                                                                  "#9ecae1"};
        g_autofree char *title = g_strconcat("Metric ", name, NULL);
        Plot plot = {.title = title,
                        .x_label = "seconds since the run began",
                        .y_label = "last value of each member",
                        .x_max = SECONDS(record->ended),
                        .series = g_array_new(FALSE, FALSE, sizeof(PlotSeries))};
        GArray *points[G_N_ELEMENTS(shares)];

        for (size_t i = 0; i < G_N_ELEMENTS(shares); i++) {
                points[i] = html_series_add(&plot, labels[i], colors[i], true);
                g_array_index(plot.series, PlotSeries, i).faint = i != 1;
        }
        fleet_metric_curves(record, name, shares, G_N_ELEMENTS(shares), points);
        html_plot(out, &plot);
}

static void report_append_metrics(GString *out, const FleetRecord *record)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new();

        for (guint i = 0; i < record->metrics->len; i++) {
                const char *name = g_array_index(record->metrics, FleetMetric, i).name;

                if (!g_ptr_array_find(names, name, NULL) && names->len < METRICS_SHOWN)
                        g_ptr_array_add(names, (char *) name);
        }
        for (guint i = 0; i < names->len; i++)
                report_append_metric(out, record, names->pdata[i]);
}

static void report_append_summary(GString *out, const FleetRecord *record)
{
        const FleetPlan *plan = record->expansion->plan;
        g_autofree char *members = g_strdup_printf("%u, of which %u failed (tolerated: %g%%)",
                        record->expansion->members->len, fleet_record_count_failed(record), plan->tolerate);
        g_autoptr(GDateTime) began = g_date_time_new_from_unix_utc(record->begun_realtime / G_USEC_PER_SEC);
        g_autofree char *when = g_date_time_format_iso8601(began),
                        *left_out = g_strdup_printf("%" G_GUINT64_FORMAT
                                                    ": the guests printed more than are taken",
                                        record->metrics_left_out);
        g_autoptr(GString) took = g_string_new(NULL);

        g_string_append_printf(out, "<p%s>The run %s.</p>\n<table>\n",
                        fleet_record_is_success(record) ? "" : " class=\"bad\"",
                        fleet_record_is_success(record) ? "succeeded"
                        : record->interrupted           ? "was interrupted"
                                                        : "failed");
        if (record->problem)
                html_row(out, "Why", record->problem);
        if (record->metrics_left_out > 0)
                html_row(out, "Metrics left out", left_out);
        html_row(out, "Seed", plan->seed);
        html_row(out, "Members", members);
        html_row(out, "Began", when);
        fleet_append_seconds(took, record->ended);
        g_string_append(took, " s");
        if (record->clock != FLEET_NEVER) {
                g_string_append(took, ", the clock began at ");
                fleet_append_seconds(took, record->clock);
                g_string_append(took, " s");
        }
        html_row(out, "Took", took->str);
        for (guint i = 0; i < plan->groups->len; i++) {
                const FleetGroup *group = plan->groups->pdata[i];
                g_autofree char *key = g_strconcat("Group ", group->name, NULL),
                                *value = g_strdup_printf("%u of %s, %s", group->count, group->image,
                                                i < record->digests->len ? (char *) record->digests->pdata[i]
                                                                         : "not imported");

                html_row(out, key, value);
        }
        for (guint i = 0; i < record->barriers->len; i++) {
                const FleetBarrierRecord *barrier = &g_array_index(record->barriers, FleetBarrierRecord, i);
                g_autofree char *key = g_strconcat("Barrier ", barrier->barrier->name, NULL);
                g_autoptr(GString) value = g_string_new(NULL);

                g_string_append_printf(value, "%u of %u members, %s ", barrier->passed, barrier->all,
                                barrier->held ? "after" : "not enough within");
                fleet_append_seconds(value, barrier->ended - barrier->began);
                g_string_append(value, " s");
                html_row(out, key, value->str);
        }
        for (guint i = 0; i + 1 < record->facts->len; i += 2)
                html_row(out, record->facts->pdata[i], record->facts->pdata[i + 1]);
        g_string_append(out, "</table>\n");
}

/* Whether the links were what the plan says comes before all that was seen on them. */
static void report_append_lateness(GString *out, const FleetRecord *record)
{
        g_autofree char *lateness = fleet_record_lateness(record);

        if (!lateness)
                return;
        g_string_append(out, "<p class=\"bad\">The host was too slow for the links of this plan, so the run "
                             "proves "
                             "nothing. ");
        fleet_append_html(out, lateness);
        g_string_append(out, "</p>\n");
}

static void report_append_links(GString *out, const FleetRecord *record)
{
        g_autofree char *load = fleet_load_format(&record->load);

        for (guint i = 0; record->links && i < record->links->len; i++) {
                const FleetLinksRecord *links = record->links->pdata[i];

                g_string_append(out, "<h2>Links of ");
                fleet_append_html(out, links->network->name);
                g_string_append(out, "</h2>\n<table>\n");
                for (guint k = 0; k + 1 < links->summary->len; k += 2)
                        html_row(out, links->summary->pdata[k], links->summary->pdata[k + 1]);
                if (links->problem)
                        html_row(out, "Why there is nothing", links->problem);
                html_row(out, "Processors of the host", load);
                g_string_append(out, "</table>\n");
        }
}

static void report_append_failures(GString *out, const FleetRecord *record)
{
        guint shown = 0, n = fleet_record_count_failed(record);

        if (n == 0)
                return;

        g_string_append(out, "<h2>Members that failed</h2>\n<table>\n");
        for (guint i = 0; i < record->expansion->members->len && shown < FAILURES_SHOWN; i++) {
                const FleetMemberRecord *member = &record->members[i];

                if (!member->failed)
                        continue;
                shown++;
                html_row(out, member->member->name, member->problem ?: member->result ?: "failed");
        }
        g_string_append(out, "</table>\n");
        if (n > shown)
                g_string_append_printf(out, "<p>And %u more: see members.csv.</p>\n", n - shown);
}

static void report_append_time(GString *out, const FleetRecord *record, int64_t usec)
{
        g_string_append(out, "<td class=\"n\">");
        if (usec != FLEET_NEVER)
                fleet_append_seconds(out, usec - record->clock);
        g_string_append(out, "</td>");
}

static void report_append_events(GString *out, const FleetRecord *record)
{
        if (record->events->len == 0)
                return;

        g_string_append(out,
                        "<h2>Events</h2>\n<table>\n<tr><th>Planned, s</th><th>Began, s</th><th>Ended, s</th>"
                        "<th>What</th><th>Who</th><th>Problem</th></tr>\n");
        for (guint i = 0; i < MIN(record->events->len, EVENTS_SHOWN); i++) {
                const FleetEventRecord *event = record->events->pdata[i];

                g_string_append(out, "<tr><td class=\"n\">");
                fleet_append_seconds(out, event->planned);
                g_string_append(out, "</td>");
                report_append_time(out, record, event->began);
                report_append_time(out, record, event->ended);
                g_string_append_printf(out, "<td>%s</td><td>", fleet_verb_to_string(event->verb));
                fleet_append_html(out, event->who);
                g_string_append(out, "</td><td>");
                fleet_append_html(out, event->problem);
                g_string_append(out, "</td></tr>\n");
        }
        g_string_append(out, "</table>\n");
        if (record->events->len > EVENTS_SHOWN)
                g_string_append_printf(out, "<p>And %u more: see events.jsonl.</p>\n",
                                record->events->len - EVENTS_SHOWN);
}

char *fleet_format_report(const FleetRecord *record)
{
        const FleetPlan *plan = record->expansion->plan;
        g_autofree char *title = g_strconcat("Fleet ", plan->name, NULL);
        g_autoptr(GString) out = g_string_new(NULL);

        html_begin(out, title);
        report_append_lateness(out, record);
        report_append_summary(out, record);
        report_append_states(out, record);
        report_append_latencies(out, record);
        report_append_metrics(out, record);
        report_append_links(out, record);
        report_append_failures(out, record);
        report_append_events(out, record);
        g_string_append(out, "<h2>Plan</h2>\n<pre>");
        fleet_append_html(out, plan->text);
        g_string_append(out, "</pre>\n");
        html_end(out);

        return g_string_free(g_steal_pointer(&out), FALSE);
}
