/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Findings, and their report. */

#include "fleet/results/compare.h"

#include <math.h>
#include <string.h>

#include "fleet/expansion/text.h"
#include "fleet/results/html.h"
#include "fleet/results/report.h"

#define METRICS_MAX   20
#define SECONDS(usec) ((double) (usec) / G_USEC_PER_SEC)

static void finding_free(gpointer data)
{
        FleetFinding *finding = data;

        for (guint i = 0; finding->texts[i]; i++)
                g_free(finding->texts[i]);
        g_free(finding->texts);
        g_free(finding->numbers);
        g_free(finding->name);
        g_free(finding);
}

void fleet_comparison_free(FleetComparison *comparison)
{
        if (!comparison)
                return;

        g_ptr_array_unref(comparison->findings);
        g_free(comparison);
}

/* --- what is looked at --- */

static char *text_of_fleet(const FleetResults *run)
{
        return g_strdup(run->plan->name);
}

static char *text_of_seed(const FleetResults *run)
{
        return g_strdup(run->plan->seed);
}

static char *text_of_outcome(const FleetResults *run)
{
        return g_strdup(run->success ? "success" : run->record->interrupted ? "interrupted" : "failure");
}

static char *text_of_problem(const FleetResults *run)
{
        return g_strdup(run->record->problem ?: "");
}

static char *text_of_began(const FleetResults *run)
{
        g_autoptr(GDateTime) began =
                        g_date_time_new_from_unix_utc(run->record->begun_realtime / G_USEC_PER_SEC);

        return began && run->record->begun_realtime > 0 ? g_date_time_format_iso8601(began) : g_strdup("");
}

static double number_of_time(int64_t usec)
{
        return usec == FLEET_NEVER ? NAN : SECONDS(usec);
}

static double number_of_duration(const FleetResults *run)
{
        return SECONDS(run->plan->duration_usec);
}

static double number_of_end(const FleetResults *run)
{
        return number_of_time(run->record->ended);
}

static double number_of_clock(const FleetResults *run)
{
        return number_of_time(run->record->clock);
}

static double number_of_members(const FleetResults *run)
{
        return run->expansion->members->len;
}

static double number_of_failed(const FleetResults *run)
{
        return fleet_record_count_failed(run->record);
}

static double number_of_events(const FleetResults *run)
{
        return run->record->events->len;
}

static double number_of_failed_events(const FleetResults *run)
{
        return fleet_record_count_failed_events(run->record);
}

static GArray *latencies_of(const FleetResults *run)
{
        GArray *all = g_array_new(FALSE, FALSE, sizeof(double));

        for (guint i = 0; i < run->expansion->members->len; i++) {
                const GArray *latencies = run->record->members[i].latencies;

                for (guint k = 0; k < latencies->len; k++) {
                        double seconds = SECONDS(g_array_index(latencies, int64_t, k));

                        g_array_append_val(all, seconds);
                }
        }
        g_array_sort(all, html_compare_numbers);
        return all;
}

static double latency_quantile(const FleetResults *run, double share)
{
        g_autoptr(GArray) all = latencies_of(run);

        return all->len > 0 ? html_quantile(all, share) : NAN;
}

static double number_of_latency_median(const FleetResults *run)
{
        return latency_quantile(run, 0.5);
}

static double number_of_latency_90(const FleetResults *run)
{
        return latency_quantile(run, 0.9);
}

static double number_of_latency_99(const FleetResults *run)
{
        return latency_quantile(run, 0.99);
}

static double number_of_latency_max(const FleetResults *run)
{
        return latency_quantile(run, 1);
}

#define SUM_OF(what, expression)                                                                            \
        static double number_of_##what(const FleetResults *run)                                             \
        {                                                                                                   \
                double sum = 0;                                                                             \
                                                                                                            \
                for (guint i = 0; i < run->expansion->members->len; i++) {                                  \
                        const FleetMemberRecord *member = &run->record->members[i];                         \
                                                                                                            \
                        sum += (double) (expression);                                                       \
                }                                                                                           \
                return sum;                                                                                 \
        }
SUM_OF(starts, member->starts)
SUM_OF(cpu, member->current.cpu_usec / 1e6)
SUM_OF(memory, member->memory)
SUM_OF(received_bytes, member->current.received_bytes)
SUM_OF(received_packets, member->current.received_packets)
SUM_OF(sent_bytes, member->current.sent_bytes)
SUM_OF(sent_packets, member->current.sent_packets)
#undef SUM_OF

static const struct {
        const char *key, *label;
        char *(*text)(const FleetResults *run);
        double (*number)(const FleetResults *run);
} looks[] = {
                {"Fleet", "fleet", text_of_fleet, NULL},
                {"Seed", "seed", text_of_seed, NULL},
                {"Outcome", "outcome", text_of_outcome, NULL},
                {"Problem", "why", text_of_problem, NULL},
                {"Began", "began", text_of_began, NULL},
                {"Duration", "planned duration, s", NULL, number_of_duration},
                {"Clock", "the clock began, s", NULL, number_of_clock},
                {"Ended", "ended, s", NULL, number_of_end},
                {"Members", "members", NULL, number_of_members},
                {"Failed", "members that failed", NULL, number_of_failed},
                {"Events", "events", NULL, number_of_events},
                {"FailedEvents", "events that failed", NULL, number_of_failed_events},
                {"Starts", "starts", NULL, number_of_starts},
                {"StartLatencyMedian", "start latency, median, s", NULL, number_of_latency_median},
                {"StartLatency90", "start latency, 90% within, s", NULL, number_of_latency_90},
                {"StartLatency99", "start latency, 99% within, s", NULL, number_of_latency_99},
                {"StartLatencyMax", "start latency, longest, s", NULL, number_of_latency_max},
                {"CPUTime", "processor time, s", NULL, number_of_cpu},
                {"Memory", "memory, most of each, bytes", NULL, number_of_memory},
                {"ReceivedBytes", "received, bytes", NULL, number_of_received_bytes},
                {"ReceivedPackets", "received, packets", NULL, number_of_received_packets},
                {"SentBytes", "sent, bytes", NULL, number_of_sent_bytes},
                {"SentPackets", "sent, packets", NULL, number_of_sent_packets},
};

/* --- findings --- */

static FleetFinding *finding_new(FleetComparison *comparison, const char *section, const char *name,
                const char *key, const char *label, bool number)
{
        FleetFinding *finding = g_new0(FleetFinding, 1);

        *finding = (FleetFinding){.section = section,
                        .name = g_strdup(name),
                        .key = key,
                        .label = label,
                        .texts = g_new0(char *, comparison->n + 1),
                        .numbers = number ? g_new0(double, comparison->n) : NULL};
        g_ptr_array_add(comparison->findings, finding);
        return finding;
}

static void finding_set_number(FleetFinding *finding, guint run, double number)
{
        g_autoptr(GString) text = g_string_new(NULL);

        finding->numbers[run] = number;
        if (!isnan(number))
                plot_append_number(text, number);
        finding->texts[run] = g_string_free(g_steal_pointer(&text), FALSE);
}

/* Rounding of the files does not count. */
static bool numbers_differ(double a, double b)
{
        if (isnan(a) || isnan(b))
                return isnan(a) != isnan(b);
        return fabs(a - b) > 1e-9 * fmax(fabs(a), fabs(b));
}

static void finding_settle(FleetFinding *finding, guint n)
{
        for (guint i = 1; i < n && !finding->differs; i++)
                finding->differs = finding->numbers
                                                   ? numbers_differ(finding->numbers[0], finding->numbers[i])
                                                   : !g_str_equal(finding->texts[0], finding->texts[i]);
}

char *fleet_finding_change(const FleetFinding *finding, guint run)
{
        double first, own, change;

        if (!finding->numbers || run == 0)
                return NULL;
        first = finding->numbers[0];
        own = finding->numbers[run];
        if (isnan(first) || isnan(own) || first == 0 || !numbers_differ(first, own))
                return NULL;

        change = (own / first - 1) * 100;
        if (!isfinite(change) || fabs(change) > 1e6)
                return NULL;
        return fabs(change) < 1 ? g_strdup_printf("%+.2f%%", change) : g_strdup_printf("%+.0f%%", change);
}

/* The names of all runs, in the order in which they are found. */
static void names_add(GPtrArray *names, const char *name, guint max)
{
        for (guint i = 0; i < names->len; i++)
                if (g_str_equal(names->pdata[i], name))
                        return;
        if (names->len < max)
                g_ptr_array_add(names, (char *) name);
}

static void compare_groups(FleetComparison *comparison)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new();

        for (guint i = 0; i < comparison->n; i++)
                for (guint k = 0; k < comparison->runs[i]->plan->groups->len; k++)
                        names_add(names, ((FleetGroup *) comparison->runs[i]->plan->groups->pdata[k])->name,
                                        G_MAXUINT);
        for (guint k = 0; k < names->len; k++) {
                FleetFinding *count = finding_new(comparison, "Groups", names->pdata[k], "Count", "members",
                                             true),
                             *image = finding_new(comparison, "Groups", names->pdata[k], "ImageDigest",
                                             "image", false);

                for (guint i = 0; i < comparison->n; i++) {
                        const FleetResults *run = comparison->runs[i];
                        const FleetGroup *group = fleet_plan_find_group(run->plan, names->pdata[k]);
                        guint number = 0;

                        while (group && run->plan->groups->pdata[number] != group)
                                number++;
                        finding_set_number(count, i, group ? group->count : NAN);
                        image->texts[i] = g_strdup(group && number < run->record->digests->len
                                                                   ? run->record->digests->pdata[number]
                                                                   : "");
                }
        }
}

static void compare_facts(FleetComparison *comparison)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new();

        for (guint i = 0; i < comparison->n; i++)
                for (guint k = 0; k + 1 < comparison->runs[i]->record->facts->len; k += 2)
                        names_add(names, comparison->runs[i]->record->facts->pdata[k], G_MAXUINT);
        for (guint k = 0; k < names->len; k++) {
                FleetFinding *finding =
                                finding_new(comparison, "Host", names->pdata[k], "Value", "value", false);

                for (guint i = 0; i < comparison->n; i++) {
                        const GPtrArray *facts = comparison->runs[i]->record->facts;

                        for (guint f = 0; f + 1 < facts->len && !finding->texts[i]; f += 2)
                                if (g_str_equal(facts->pdata[f], names->pdata[k]))
                                        finding->texts[i] = g_strdup(facts->pdata[f + 1]);
                        if (!finding->texts[i])
                                finding->texts[i] = g_strdup("");
                }
        }
}

static GPtrArray *metric_names(const FleetComparison *comparison)
{
        GPtrArray *names = g_ptr_array_new();

        for (guint i = 0; i < comparison->n; i++) {
                const GArray *metrics = comparison->runs[i]->record->metrics;
                const char *before = NULL;

                for (guint k = 0; k < metrics->len; k++) {
                        const char *name = g_array_index(metrics, FleetMetric, k).name;

                        if (name != before)
                                names_add(names, name, METRICS_MAX);
                        before = name;
                }
        }

        return names;
}

/* The last values of all members that have the metric, sorted. */
static GArray *metric_last_values(const FleetResults *run, const char *name)
{
        guint n = run->expansion->members->len;
        g_autofree const FleetMetric **last = g_new0(const FleetMetric *, n);
        GArray *values = g_array_new(FALSE, FALSE, sizeof(double));

        for (guint i = 0; i < run->record->metrics->len; i++) {
                const FleetMetric *metric = &g_array_index(run->record->metrics, FleetMetric, i);

                if (g_str_equal(metric->name, name) &&
                                (!last[metric->member] || last[metric->member]->usec <= metric->usec))
                        last[metric->member] = metric;
        }
        for (guint i = 0; i < n; i++)
                if (last[i])
                        g_array_append_val(values, last[i]->value);
        g_array_sort(values, html_compare_numbers);
        return values;
}

static void compare_metrics(FleetComparison *comparison)
{
        static const struct {
                const char *key, *label;
                double share;
        } parts[] = {{"Low", "last value, 10% below", 0.1}, {"Median", "last value, median", 0.5},
                        {"High", "last value, 90% below", 0.9}};
        g_autoptr(GPtrArray) names = metric_names(comparison);

        for (guint k = 0; k < names->len; k++) {
                FleetFinding *members = finding_new(comparison, "Metrics", names->pdata[k], "Members",
                                "members that have it", true);
                FleetFinding *findings[G_N_ELEMENTS(parts)];

                for (size_t p = 0; p < G_N_ELEMENTS(parts); p++)
                        findings[p] = finding_new(comparison, "Metrics", names->pdata[k], parts[p].key,
                                        parts[p].label, true);
                for (guint i = 0; i < comparison->n; i++) {
                        g_autoptr(GArray) values = metric_last_values(comparison->runs[i], names->pdata[k]);

                        finding_set_number(members, i, values->len);
                        for (size_t p = 0; p < G_N_ELEMENTS(parts); p++)
                                finding_set_number(findings[p], i,
                                                values->len > 0 ? html_quantile(values, parts[p].share)
                                                                : NAN);
                }
        }
}

static void compare_links(FleetComparison *comparison)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new();

        for (guint i = 0; i < comparison->n; i++)
                for (guint k = 0; k < comparison->runs[i]->links->len; k++)
                        names_add(names, ((FleetLinkSum *) comparison->runs[i]->links->pdata[k])->name,
                                        G_MAXUINT);
        for (guint k = 0; k < names->len; k++) {
                FleetFinding *finding = finding_new(
                                comparison, "Links", names->pdata[k], "Sum", "of all links", true);

                for (guint i = 0; i < comparison->n; i++) {
                        double sum = NAN;

                        for (guint l = 0; l < comparison->runs[i]->links->len; l++) {
                                const FleetLinkSum *link = comparison->runs[i]->links->pdata[l];

                                if (g_str_equal(link->name, names->pdata[k]))
                                        sum = link->sum;
                        }
                        finding_set_number(finding, i, sum);
                }
        }
}

FleetComparison *fleet_compare(FleetResults **runs, guint n)
{
        FleetComparison *comparison = g_new0(FleetComparison, 1);

        *comparison = (FleetComparison){
                        .runs = runs, .n = n, .findings = g_ptr_array_new_with_free_func(finding_free)};
        for (size_t i = 0; i < G_N_ELEMENTS(looks); i++) {
                FleetFinding *finding = finding_new(comparison, NULL, NULL, looks[i].key, looks[i].label,
                                looks[i].number != NULL);

                for (guint run = 0; run < n; run++)
                        if (looks[i].number)
                                finding_set_number(finding, run, looks[i].number(runs[run]));
                        else
                                finding->texts[run] = looks[i].text(runs[run]);
        }
        compare_groups(comparison);
        compare_metrics(comparison);
        compare_links(comparison);
        compare_facts(comparison);
        for (guint i = 0; i < comparison->findings->len; i++)
                finding_settle(comparison->findings->pdata[i], n);

        return comparison;
}

/* --- the page --- */

static void page_append_finding(GString *out, const FleetComparison *comparison, const FleetFinding *finding)
{
        g_string_append(out, "<tr><th>");
        if (finding->section) {
                fleet_append_html(out, finding->section);
                g_string_append_c(out, ' ');
                fleet_append_html(out, finding->name);
                g_string_append(out, ": ");
        }
        fleet_append_html(out, finding->label);
        g_string_append(out, "</th>");
        for (guint i = 0; i < comparison->n; i++) {
                g_autofree char *change = fleet_finding_change(finding, i);

                g_string_append_printf(out, "<td%s%s>", finding->numbers ? " class=\"n\"" : "",
                                finding->differs ? " style=\"font-weight:bold\"" : "");
                fleet_append_html(out, finding->texts[i]);
                if (change) {
                        g_string_append(out, " (");
                        fleet_append_html(out, change);
                        g_string_append_c(out, ')');
                }
                g_string_append(out, "</td>");
        }
        g_string_append(out, "</tr>\n");
}

static void page_append_latencies(GString *out, const FleetComparison *comparison)
{
        Plot plot = {.title = "Start latency",
                        .x_label = "seconds from the call to ready, of each member's last start",
                        .y_label = "share of the members",
                        .series = g_array_new(FALSE, FALSE, sizeof(PlotSeries))};

        for (guint i = 0; i < comparison->n; i++) {
                g_autoptr(GArray) all = latencies_of(comparison->runs[i]);
                GArray *points = html_series_add(&plot, comparison->runs[i]->folder, html_color(i), true);

                html_point_add(points, 0, 0);
                for (guint k = 0; k < all->len; k++)
                        html_point_add(points, g_array_index(all, double, k), (k + 1.0) / all->len);
        }
        html_plot(out, &plot);
}

static void page_append_running(GString *out, const FleetComparison *comparison)
{
        Plot plot = {.title = "Members that run",
                        .x_label = "seconds since the run began",
                        .y_label = "members",
                        .series = g_array_new(FALSE, FALSE, sizeof(PlotSeries))};

        for (guint i = 0; i < comparison->n; i++) {
                const GArray *samples = comparison->runs[i]->record->samples;
                GArray *points = html_series_add(&plot, comparison->runs[i]->folder, html_color(i), true);

                for (guint k = 0; k < samples->len; k++) {
                        const FleetSample *sample = &g_array_index(samples, FleetSample, k);

                        html_point_add(points, SECONDS(sample->usec), sample->counts[FLEET_STATE_RUNNING]);
                }
        }
        html_plot(out, &plot);
}

static void page_append_metric(GString *out, const FleetComparison *comparison, const char *name)
{
        static const double median = 0.5;
        g_autofree char *title = g_strconcat("Metric ", name, NULL);
        Plot plot = {.title = title,
                        .x_label = "seconds since the run began",
                        .y_label = "median of the members' last values",
                        .series = g_array_new(FALSE, FALSE, sizeof(PlotSeries))};

        for (guint i = 0; i < comparison->n; i++) {
                GArray *points = html_series_add(&plot, comparison->runs[i]->folder, html_color(i), true);

                fleet_metric_curves(comparison->runs[i]->record, name, &median, 1, &points);
        }
        html_plot(out, &plot);
}

char *fleet_format_comparison(const FleetComparison *comparison)
{
        g_autoptr(GPtrArray) names = metric_names(comparison);
        g_autoptr(GString) out = g_string_new(NULL);

        html_begin(out, "Runs of fleets, compared");
        g_string_append(out, "<p>What differs is bold; in brackets, against the "
                             "first.</p>\n<table>\n<tr><th></th>");
        for (guint i = 0; i < comparison->n; i++) {
                g_string_append(out, "<th>");
                fleet_append_html(out, comparison->runs[i]->folder);
                g_string_append(out, "</th>");
        }
        g_string_append(out, "</tr>\n");
        for (guint i = 0; i < comparison->findings->len; i++)
                page_append_finding(out, comparison, comparison->findings->pdata[i]);
        g_string_append(out, "</table>\n");
        for (guint i = 0; i < comparison->n; i++)
                for (guint k = 0; k < comparison->runs[i]->notes->len; k++) {
                        g_string_append(out, "<p class=\"bad\">");
                        fleet_append_html(out, comparison->runs[i]->folder);
                        g_string_append(out, ": ");
                        fleet_append_html(out, comparison->runs[i]->notes->pdata[k]);
                        g_string_append(out, "</p>\n");
                }
        page_append_latencies(out, comparison);
        page_append_running(out, comparison);
        for (guint i = 0; i < names->len; i++)
                page_append_metric(out, comparison, names->pdata[i]);
        html_end(out);

        return g_string_free(g_steal_pointer(&out), FALSE);
}
