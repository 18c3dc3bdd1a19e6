/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes the results of a run. */

#include "ctl/fleet/results.h"

#include <string.h>

#include "ctl/fleet/calls.h"
#include "ctl/fleet/consoles.h"
#include "ctl/fleet/view.h"
#include "fleet/report.h"
#include "fleet/tables.h"

static int results_check_empty(const char *folder, Error *ret_error)
{
        g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);

        if (dir && g_dir_read_name(dir))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "The folder %s is not empty, and results of two runs do not belong "
                                "together: give "
                                "another with --results=DIR",
                                folder);
        return 0;
}

int fleet_results_make(const FleetRun *run, const char *name, char **ret_folder, Error *ret_error)
{
        g_autoptr(GDateTime) now = g_date_time_new_now_local();
        g_autofree char *when = g_date_time_format(now, "%Y%m%d-%H%M%S"),
                        *own = g_strdup_printf("%s-%s", run->plan->name, when),
                        *folder = g_canonicalize_filename(name ?: own, NULL), *consoles = NULL;
        int r;

        r = results_check_empty(folder, ret_error);
        if (r < 0)
                return r;

        consoles = g_build_filename(folder, "consoles", NULL);
        if (g_mkdir_with_parents(consoles, 0755) < 0)
                return error_set_errno(ret_error, errno, "Cannot make the folder %s", consoles);

        *ret_folder = g_steal_pointer(&folder);
        return 0;
}

static int results_write_file(const FleetRun *run, const char *name, const char *text, Error *ret_error)
{
        g_autofree char *path = g_build_filename(run->results, name, NULL);
        g_autoptr(GError) error = NULL;

        if (!g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, &error))
                return error_set(ret_error, ERROR_FAILED, "Cannot write the results: %s", error->message);

        return 0;
}

int fleet_results_write(FleetRun *run, Error *ret_error)
{
        static const struct {
                const char *name;
                char *(*format)(const FleetRecord *record);
        } files[] = {
                        {"run.json", fleet_format_run},
                        {"members.csv", fleet_format_members},
                        {"events.jsonl", fleet_format_events},
                        {"metrics.csv", fleet_format_metrics},
                        {"junit.xml", fleet_format_junit},
                        {"report.html", fleet_format_report},
        };
        g_autofree char *consoles = g_build_filename(run->results, "consoles", NULL), *problem = NULL,
                        *schedule = fleet_expansion_format(run->expansion);
        int r = 0;

        if (!run->lost)
                r = fleet_consoles_collect(run, consoles, &problem, ret_error);
        if (problem)
                fleet_view_note(run, "consoles", NULL, problem);
        if (r >= 0)
                r = results_write_file(run, "schedule.jsonl", schedule, ret_error);
        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(files); i++) {
                g_autofree char *text = files[i].format(run->record);

                r = results_write_file(run, files[i].name, text, ret_error);
        }

        return r;
}
