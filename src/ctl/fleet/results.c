/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes the results of a run. */

#include "ctl/fleet/results.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "ctl/fleet/calls.h"
#include "ctl/fleet/consoles.h"
#include "ctl/fleet/view.h"
#include "fleet/results/openmetrics.h"
#include "fleet/results/report.h"
#include "fleet/results/series.h"
#include "fleet/results/tables.h"

/* Opens the folder that was just made there: whoever may write where it lies can have put another. */
static int results_open_folder(int dir, const char *name, int *ret_fd)
{
        _cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (st.st_uid != geteuid())
                return -EPERM;

        *ret_fd = TAKE_FD(fd);
        return 0;
}

int fleet_results_make(FleetRun *run, const char *name, char **ret_folder, Error *ret_error)
{
        g_autoptr(GDateTime) now = g_date_time_new_now_local();
        g_autofree char *when = g_date_time_format(now, "%Y%m%d-%H%M%S"),
                        *own = g_strdup_printf("%s-%s", run->plan->name, when),
                        *folder = g_canonicalize_filename(name ?: own, NULL),
                        *parent = g_path_get_dirname(folder);
        int r;

        if (g_mkdir_with_parents(parent, 0755) < 0)
                return error_set_errno(ret_error, errno, "Cannot make the folder %s", parent);
        if (mkdir(folder, 0700) < 0) {
                if (errno == EEXIST)
                        return error_set(ret_error, ERROR_INVALID_ARGS,
                                        "%s is there already, and results of two runs do not belong "
                                        "together: give another with --results=DIR",
                                        folder);
                return error_set_errno(ret_error, errno, "Cannot make the folder %s", folder);
        }
        r = results_open_folder(AT_FDCWD, folder, &run->results_fd);
        if (r >= 0 && mkdirat(run->results_fd, "consoles", 0700) < 0)
                r = -errno;
        if (r >= 0)
                r = results_open_folder(run->results_fd, "consoles", &run->consoles_fd);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot make the folder %s", folder);

        *ret_folder = g_steal_pointer(&folder);
        return 0;
}

static int results_write_file(const FleetRun *run, const char *name, const char *text, Error *ret_error)
{
        int r = fleet_results_write_file(run->results_fd, name, text, strlen(text));

        return r < 0 ? error_set_errno(ret_error, r, "Cannot write the results: %s/%s", run->results, name)
                     : 0;
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
                        {"states.csv", fleet_format_states},
                        {"usage.csv", fleet_format_usage},
                        {"host.csv", fleet_format_host},
                        {"openmetrics.txt", fleet_format_openmetrics},
                        {"junit.xml", fleet_format_junit},
                        {"report.html", fleet_format_report},
        };
        g_autofree char *problem = NULL, *schedule = fleet_expansion_format(run->expansion);
        _cleanup_error_ Error error = ERROR_INIT;
        int r = run->lost ? -ENOTCONN : fleet_consoles_collect(run, &problem, &error);

        if (problem)
                fleet_view_note(run, "consoles", NULL, problem);
        if (r < 0 && !run->record->problem)
                run->record->problem =
                                g_strdup_printf("The consoles cannot be read: %s", error_message(&error, r));

        r = results_write_file(run, "schedule.jsonl", schedule, ret_error);
        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(files); i++) {
                g_autofree char *text = files[i].format(run->record);

                r = results_write_file(run, files[i].name, text, ret_error);
        }

        return r;
}
