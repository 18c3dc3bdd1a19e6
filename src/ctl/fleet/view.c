/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The view of a run. */

#include "ctl/fleet/view.h"

#include <stdio.h>

#include "common/string-util.h"
#include "ctl/output/terminal.h"
#include "fleet/expansion/text.h"

#define INTERVAL_USEC (250 * UINT64_C(1000))
#define GROUPS_MAX    20

static bool view_is_table(const FleetRun *run)
{
        return terminal_is_output() && run->ctl->options.json == JSON_OFF && !run->ctl->options.quiet;
}

void fleet_view_clear(FleetRun *run)
{
        if (run->shown_lines > 0)
                printf("\x1b[%uA\x1b[J", run->shown_lines);
        run->shown_lines = 0;
}

static void view_print_row(const char *name, const guint counts[static _FLEET_STATE_MAX], guint count)
{
        printf("%-14.14s %7u", name, count);
        for (FleetState state = 0; state < _FLEET_STATE_MAX; state++)
                printf(" %8u", counts[state]);
        puts("\x1b[K");
}

/* What is left of the run's time; empty before the clock begins. */
static char *view_format_left(const FleetRun *run)
{
        int64_t now = fleet_run_now(run), left;

        if (run->record->clock == FLEET_NEVER || run->removing || run->plan->duration_usec == 0)
                return g_strdup("");

        left = (int64_t) run->plan->duration_usec - (now - run->record->clock);
        return g_strdup_printf(", %" G_GINT64_FORMAT " s left", MAX(left, 0) / G_USEC_PER_SEC);
}

void fleet_view_show(FleetRun *run, bool now)
{
        uint64_t time = (uint64_t) g_get_monotonic_time();
        const GPtrArray *groups = run->plan->groups;
        g_autofree char *left = NULL;
        guint counts[_FLEET_STATE_MAX];

        if (!run->record || !view_is_table(run) || (!now && time < run->shown + INTERVAL_USEC))
                return;

        left = view_format_left(run);
        fleet_view_clear(run);
        run->shown = time;
        printf("%.24s: %s, %" G_GINT64_FORMAT " s%s, %u events\x1b[K\n", run->plan->name, run->phase,
                        fleet_run_now(run) / G_USEC_PER_SEC, left, run->record->events->len);
        printf("%-14s %7s", "GROUP", "MEMBERS");
        for (FleetState state = 0; state < _FLEET_STATE_MAX; state++) {
                g_autofree char *head = g_ascii_strup(fleet_state_to_string(state), -1);

                printf(" %8s", head);
        }
        puts("\x1b[K");
        run->shown_lines = 2;
        for (guint i = 0; i < MIN(groups->len, GROUPS_MAX); i++) {
                const FleetGroup *group = groups->pdata[i];

                fleet_record_count(run->record, group, counts);
                view_print_row(group->name, counts, group->count);
                run->shown_lines++;
        }
        if (groups->len > 1) {
                fleet_record_count(run->record, NULL, counts);
                view_print_row("all", counts, run->expansion->members->len);
                run->shown_lines++;
        }
        (void) fflush(stdout);
}

void fleet_view_note(FleetRun *run, const char *what, const char *who, const char *problem)
{
        g_autoptr(GString) line = g_string_new(NULL);
        g_autofree char *shown_who = text_for_display(who ?: "", 80),
                        *shown_problem = problem ? text_for_display(problem, 400) : NULL;
        int64_t now = fleet_run_now(run);

        if (run->ctl->options.json != JSON_OFF) {
                g_string_append(line, "{\"Time\":");
                fleet_append_seconds(line, now);
                g_string_append(line, ",\"What\":");
                fleet_append_json(line, what);
                g_string_append(line, ",\"Who\":");
                fleet_append_json(line, who);
                g_string_append(line, ",\"Problem\":");
                fleet_append_json(line, problem);
                g_string_append_c(line, '}');
        } else if (run->ctl->options.quiet)
                return;
        else {
                fleet_append_seconds(line, now);
                g_string_append_printf(line, " s  %s%s%s%s%s", what, *shown_who ? " " : "", shown_who,
                                shown_problem ? ": " : "", shown_problem ?: "");
        }

        fleet_view_clear(run);
        puts(line->str);
        fleet_view_show(run, true);
        (void) fflush(stdout);
}

void fleet_view_phase(FleetRun *run, const char *phase)
{
        run->phase = phase;
        fleet_view_note(run, phase, NULL, NULL);
}
