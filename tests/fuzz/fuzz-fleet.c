/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Plans of fleets and tables of values, and lines of consoles that are metrics. */

#include "fuzz.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/expand.h"
#include "fleet/report.h"
#include "fleet/tables.h"
#include "fleet/values.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree char *text = g_strndup(size > 0 ? (const char *) data : "", size);
        g_autoptr(FleetPlan) plan = NULL;
        g_autoptr(FleetExpansion) expansion = NULL;
        g_autoptr(GPtrArray) columns = NULL, rows = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        if (fleet_values_parse("/f.csv", text, strlen(text), &columns, &rows, NULL) >= 0)
                for (guint i = 0; i < rows->len; i++)
                        if (g_strv_length(rows->pdata[i]) != columns->len)
                                abort();

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
        fuzz_run(expansion, text);
        return 0;
}
