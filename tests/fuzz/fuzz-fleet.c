/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Plans of fleets, their tables, matrices and graphs, the rules that follow from them, and lines of consoles
 * that are metrics. */

#include "fuzz.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/expansion/expand.h"
#include "fleet/expansion/links.h"
#include "fleet/plan/graph.h"
#include "fleet/plan/matrix.h"
#include "fleet/plan/values.h"
#include "fleet/results/report.h"
#include "fleet/results/tables.h"
#include "link/rules.h"

static void fuzz_run(const FleetExpansion *expansion, const char *text)
{
        g_autoptr(FleetRecord) record = fleet_record_new(expansion);
        g_autofree char *report = NULL, *run = NULL;
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        /* In a comment of the plan there may be a metric of some member. */
        for (guint i = 0; lines[i]; i++)
                (void) fleet_record_add_metric(record, i % expansion->members->len, (int64_t) i * 1000,
                                lines[i] + (*lines[i] == '#'));
        record->members[0].failed = true;
        record->members[0].problem = g_strdup(text);
        report = fleet_format_report(record);
        run = fleet_format_run(record);
        if (!g_utf8_validate(report, -1, NULL) || strstr(report, "<script") ||
                        !g_utf8_validate(run, -1, NULL))
                abort();
}

static void fuzz_graph(const char *text, size_t size)
{
        g_autoptr(FleetGraph) graph = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree uint64_t *latency = NULL;
        g_autofree double *loss = NULL;

        if (fleet_graph_parse("/f.gml", text, size, &graph, &error) < 0) {
                if (!error.message)
                        abort();
                return;
        }
        latency = g_new(uint64_t, graph->nodes->len);
        loss = g_new(double, graph->nodes->len);
        fleet_graph_paths(graph, 0, latency, loss);
        for (guint i = 0; i < graph->nodes->len; i++)
                if (!(loss[i] >= 0 && loss[i] <= 1))
                        abort();
}

/* What was accepted as a plan is rules that shruthi-switch accepts, whenever it is asked for. */
static void fuzz_rules(const FleetExpansion *expansion)
{
        for (guint i = 0; i < expansion->links->len; i++)
                for (guint entries = 0; entries <= expansion->schedule->len;
                                entries += MAX(expansion->schedule->len, 1)) {
                        g_autofree char *text = NULL;
                        g_autoptr(Rules) rules = NULL;
                        _cleanup_error_ Error error = ERROR_INIT;

                        if (fleet_links_rules(expansion, expansion->links->pdata[i], entries, &text,
                                            &error) < 0) {
                                if (!error.message)
                                        abort();
                                continue;
                        }
                        if (rules_parse(text, strlen(text), &rules, NULL, &error) < 0)
                                abort();
                }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree char *text = g_strndup(size > 0 ? (const char *) data : "", size);
        g_autoptr(FleetPlan) plan = NULL;
        g_autoptr(FleetExpansion) expansion = NULL;
        g_autoptr(GPtrArray) columns = NULL, rows = NULL;
        static const char *const regions[] = {"eu", "us"};
        g_autofree double *rtt = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        if (fleet_values_parse("/f.csv", text, strlen(text), &columns, &rows, NULL) >= 0)
                for (guint i = 0; i < rows->len; i++)
                        if (g_strv_length(rows->pdata[i]) != columns->len)
                                abort();

        fuzz_graph(text, strlen(text));
        (void) fleet_matrix_parse("/f.csv", text, strlen(text), regions, G_N_ELEMENTS(regions), &rtt, NULL);
        if (fleet_plan_parse("/f.fleet", (const char *) data, size, &plan, &error) < 0 ||
                        fleet_expand(plan, &expansion, &error) < 0) {
                if (!error.message)
                        abort();
                return 0;
        }
        if (expansion->members->len != plan->n_members || expansion->schedule->len > FLEET_SCHEDULE_MAX)
                abort();
        for (guint i = 1; i < expansion->schedule->len; i++)
                if (g_array_index(expansion->schedule, FleetEntry, i).usec <
                                g_array_index(expansion->schedule, FleetEntry, i - 1).usec)
                        abort();
        fuzz_rules(expansion);
        fuzz_run(expansion, text);
        return 0;
}
