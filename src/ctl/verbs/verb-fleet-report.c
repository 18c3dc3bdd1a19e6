/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fleet report: the results of runs, from their folders. Without shruthid. */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/io.h"
#include "common/string-util.h"
#include "ctl/cli/ctl.h"
#include "ctl/output/pager.h"
#include "ctl/output/table.h"
#include "fleet/results/compare.h"
#include "fleet/results/report.h"

#define REPORT_NAME "report.html"
#define TEXT_SHOWN  40

static void result_free_pointer(gpointer data)
{
        fleet_results_free(data);
}

/* Where other programs may write too, a file of that name may be anything: it is replaced, not written
 * into. */
static int report_write(const char *path, const char *text, Error *ret_error)
{
        g_autofree char *folder = g_path_get_dirname(path), *name = g_path_get_basename(path);
        int r = file_replace(folder, name, text, strlen(text), 0600);

        return r < 0 ? error_set_errno(ret_error, r, "Cannot write %s", path) : 0;
}

static int report_of_one(Ctl *ctl, const FleetResults *run, Error *ret_error)
{
        g_autofree char *own = g_build_filename(run->folder, REPORT_NAME, NULL),
                        *text = fleet_format_report(run->record);
        const char *path = ctl->options.html ?: own;
        int r;

        r = report_write(path, text, ret_error);
        if (r >= 0 && !ctl->options.quiet && ctl->options.json == JSON_OFF)
                printf("Report: %s\n", path);
        return r;
}

static char *finding_label(const FleetFinding *finding)
{
        g_autofree char *name = finding->name ? text_for_display(finding->name, TEXT_SHOWN) : NULL;

        return finding->section ? g_strdup_printf("%s %s: %s", finding->section, name, finding->label)
                                : g_strdup(finding->label);
}

static void report_add_row(Table *table, const FleetComparison *comparison, const FleetFinding *finding)
{
        g_autofree char *label = finding_label(finding);

        table_add(table, label, COLOR_NONE, NULL);
        for (guint i = 0; i < comparison->n; i++) {
                g_autofree char *change = fleet_finding_change(finding, i),
                                *shown = text_for_display(finding->texts[i], TEXT_SHOWN),
                                *cell = g_strconcat(shown, change ? " (" : "", change ?: "",
                                                change ? ")" : "", NULL);

                table_add(table, cell, i > 0 && finding->differs ? COLOR_YELLOW : COLOR_NONE, NULL);
        }
        table_add(table, finding->differs ? "*" : "", COLOR_NONE, NULL);
}

static void report_print(const Ctl *ctl, const FleetComparison *comparison)
{
        g_autofree const char **headers = g_new0(const char *, comparison->n + 3);
        g_autoptr(Table) table = NULL;

        headers[0] = "WHAT";
        for (guint i = 0; i < comparison->n; i++)
                headers[i + 1] = comparison->runs[i]->folder;
        headers[comparison->n + 1] = "DIFFERS";
        table = table_new(headers);
        for (guint i = 0; i < comparison->findings->len; i++)
                report_add_row(table, comparison, comparison->findings->pdata[i]);
        table_print(table, &ctl->options, NULL);
        for (guint i = 0; i < comparison->n; i++)
                for (guint k = 0; k < comparison->runs[i]->notes->len; k++) {
                        g_autofree char *folder = text_for_display(comparison->runs[i]->folder, 200),
                                        *note = text_for_display(comparison->runs[i]->notes->pdata[k], 200);

                        printf("%s: %s\n", folder, note);
                }
}

static JsonObject *object_member(JsonObject *object, const char *name)
{
        if (!json_object_has_member(object, name))
                json_object_set_object_member(object, name, json_object_new());
        return json_object_get_object_member(object, name);
}

static JsonNode *finding_to_json(const FleetFinding *finding, guint run)
{
        JsonNode *node;

        if (!finding->numbers)
                return json_text(finding->texts[run]);

        node = json_node_alloc();
        return isnan(finding->numbers[run]) ? json_node_init_null(node)
                                            : json_node_init_double(node, finding->numbers[run]);
}

static void report_print_json(const Ctl *ctl, const FleetComparison *comparison)
{
        JsonArray *runs = json_array_new();

        for (guint i = 0; i < comparison->n; i++) {
                JsonObject *run = json_object_new();
                JsonArray *notes = json_array_new();

                json_object_set_member(run, "Folder", json_text(comparison->runs[i]->folder));
                for (guint k = 0; k < comparison->findings->len; k++) {
                        const FleetFinding *finding = comparison->findings->pdata[k];
                        JsonObject *place = run;

                        if (finding->section) {
                                g_autofree char *name = g_utf8_make_valid(finding->name, -1);

                                place = object_member(object_member(run, finding->section), name);
                        }
                        json_object_set_member(place, finding->key, finding_to_json(finding, i));
                }
                for (guint k = 0; k < comparison->runs[i]->notes->len; k++)
                        json_array_add_element(notes, json_text(comparison->runs[i]->notes->pdata[k]));
                json_object_set_array_member(run, "Notes", notes);
                json_array_add_object_element(runs, run);
        }
        json_print_array(&ctl->options, runs, comparison->n == 1);
}

int verb_fleet_report(Ctl *ctl, char **operands, Error *ret_error)
{
        g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func(result_free_pointer);
        g_autoptr(FleetComparison) comparison = NULL;
        int r = 0;

        for (char **folder = operands; *folder; folder++) {
                FleetResults *run = NULL;

                r = fleet_results_read(*folder, &run, ret_error);
                if (r < 0)
                        return r;
                g_ptr_array_add(runs, run);
        }

        comparison = fleet_compare((FleetResults **) runs->pdata, runs->len);
        if (runs->len == 1)
                r = report_of_one(ctl, runs->pdata[0], ret_error);
        else if (ctl->options.html) {
                g_autofree char *page = fleet_format_comparison(comparison);

                r = report_write(ctl->options.html, page, ret_error);
        }
        if (r < 0)
                return r;

        pager_open(&ctl->options);
        if (ctl->options.json != JSON_OFF)
                report_print_json(ctl, comparison);
        else if (!ctl->options.quiet)
                report_print(ctl, comparison);
        return CTL_EXIT_SUCCESS;
}
