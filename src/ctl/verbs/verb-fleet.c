/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fleet up, run, status, down, list. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "ctl/fleet/calls.h"
#include "ctl/fleet/capture-filter.h"
#include "ctl/fleet/emulation.h"
#include "ctl/fleet/programs.h"
#include "ctl/fleet/results.h"
#include "ctl/fleet/run.h"
#include "ctl/fleet/state.h"
#include "ctl/fleet/view.h"
#include "ctl/output/pager.h"
#include "ctl/output/table.h"
#include "fleet/expansion/expand.h"
#include "fleet/results/lateness.h"

#define STATISTICS_USEC  (20 * UINT64_C(1000000))
#define REMOVE_CALL_USEC (120 * UINT64_C(1000000)) /* a stop that takes as long hangs */

static int fleet_load(
                const char *path, FleetPlan **ret_plan, FleetExpansion **ret_expansion, Error *ret_error)
{
        g_autoptr(FleetPlan) plan = NULL;
        int r;

        r = fleet_plan_load(path, &plan, ret_error);
        if (r >= 0)
                r = fleet_expand(plan, ret_expansion, ret_error);
        if (r < 0)
                return r;

        *ret_plan = g_steal_pointer(&plan);
        return 0;
}

/* Up to where unikernels are created. All three are the caller's to free, also if it fails. */
static int fleet_begin(Ctl *ctl, const char *path, FleetPlan **plan, FleetExpansion **expansion,
                FleetRun **run, Error *ret_error)
{
        g_autofree char *filter = NULL;
        int r;

        r = fleet_load(path, plan, expansion, ret_error);
        if (r >= 0)
                r = fleet_links_check(ctl, *plan, *expansion, ret_error);
        if (r >= 0)
                r = fleet_compile_capture_filter(*plan, &filter, ret_error);
        if (r < 0)
                return r;

        fleet_catch_signals();
        *run = fleet_run_new(ctl, *expansion);
        (*run)->capture_filter = g_steal_pointer(&filter);
        r = fleet_run_follow(*run, ret_error);
        return r < 0 ? r : fleet_prepare(*run, ret_error);
}

/* What is left when a signal ended it, or something failed. The first error stays. Returns an exit status.
 */
static int fleet_take_down(FleetRun *run)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        run->removing = true;
        fleet_calls_drop_waiting(run);
        fleet_view_phase(run, "removing");
        fleet_view_clear(run);
        if (run->lost && !run->silent)
                fleet_reconnect(run);
        if (run->lost) {
                fprintf(stderr,
                                "Nothing of the fleet was removed, as shruthid does not answer: shruthictl "
                                "fleet "
                                "down %s\n",
                                run->plan->name);
                return CTL_EXIT_FAILURE;
        }

        run->ctl->call_timeout = REMOVE_CALL_USEC;
        r = fleet_remove(run->ctl, run->plan->name, geteuid(), NULL, &error);
        if (r == CTL_EXIT_SUCCESS || error.code == ERROR_NO_SUCH_UNIKERNEL)
                return CTL_EXIT_SUCCESS;
        if (error.message)
                terminal_print_error(&error, r);
        fprintf(stderr, "Something of the fleet is left: shruthictl fleet down %s\n", run->plan->name);
        return CTL_EXIT_FAILURE;
}

int verb_fleet_up(Ctl *ctl, char **operands, Error *ret_error)
{
        g_autoptr(FleetPlan) plan = NULL;
        g_autoptr(FleetExpansion) expansion = NULL;
        g_autoptr(FleetRun) run = NULL;
        int r;

        r = fleet_begin(ctl, operands[0], &plan, &expansion, &run, ret_error);
        if (r < 0)
                return r;
        if (fleet_signal()) {
                fleet_state_remove(plan->name);
                return CTL_EXIT_FAILURE;
        }

        r = fleet_create(run, ret_error);
        if (r >= 0)
                r = fleet_start(run, ret_error);
        if (r >= 0)
                r = fleet_wait_barriers(run, ret_error);
        fleet_view_clear(run);
        if (r < 0 || fleet_signal()) {
                (void) fleet_take_down(run);
                return r < 0 ? r : CTL_EXIT_FAILURE;
        }

        if (!ctl->options.quiet && ctl->options.json == JSON_OFF)
                printf("The fleet %s is up: %u members, of which %u failed. To end it: shruthictl fleet "
                       "down %s\n",
                                plan->name, expansion->members->len, fleet_record_count_failed(run->record),
                                plan->name);
        return fleet_record_is_success(run->record) ? CTL_EXIT_SUCCESS : CTL_EXIT_FAILURE;
}

/* Stops all members, so that their consoles are whole. */
static void on_fleet_stopped(
                FleetRun *run, guint member, void *userdata, sd_bus_message *reply, const Error *error)
{
}

/* A start under way is answered when its stop is. */
static int fleet_stop_all(FleetRun *run, Error *ret_error)
{
        uint64_t until = (uint64_t) g_get_monotonic_time() + STATISTICS_USEC;
        int r = 0;

        run->removing = true;
        fleet_calls_refuse_waiting(run);
        run->removing = false;
        fleet_ask_statistics(run, NULL);
        while (r >= 0 && run->asked && (uint64_t) g_get_monotonic_time() < until)
                r = fleet_pump(run, until, ret_error);

        run->removing = true;
        fleet_view_phase(run, "stopping");
        for (guint i = 0; r >= 0 && i < run->expansion->members->len; i++)
                if (run->record->members[i].called != FLEET_NEVER)
                        r = fleet_call_member(run, "StopUnikernel", i, true, on_fleet_stopped, NULL, NULL);

        return r < 0 ? r : fleet_finish_calls(run, ret_error);
}

static void run_note_problem(FleetRun *run, const Error *error, int r)
{
        if (r < 0 && !run->record->problem)
                run->record->problem = g_strdup(error_message(error, r));
}

/* Everything from the first member to the results. What happened is in the record, whatever it was. */
static void fleet_run_plan(FleetRun *run)
{
        _cleanup_error_ Error error = ERROR_INIT, stop_error = ERROR_INIT;
        int r;

        r = fleet_create(run, &error);
        if (r >= 0 && !fleet_signal())
                r = fleet_start(run, &error);
        if (r >= 0 && !fleet_signal())
                r = fleet_wait_barriers(run, &error);
        if (r >= 0 && !fleet_signal())
                r = fleet_carry_out(run, &error);
        run->record->interrupted = fleet_signal() != 0;
        run_note_problem(run, &error, r);
        fleet_programs_end(run);
        run->record->ended = fleet_run_now(run);
        fleet_run_end_load(run);
        fleet_record_sample(run->record, run->record->ended);

        if (run->lost && !run->silent)
                fleet_reconnect(run);
        if (!run->lost) {
                r = fleet_stop_all(run, &stop_error);
                run_note_problem(run, &stop_error, r);
        }
        fleet_links_finish(run);
}

static void fleet_run_print(const FleetRun *run)
{
        const FleetRecord *record = run->record;
        g_autofree char *problem = record->problem ? text_for_display(record->problem, 1000) : NULL,
                        *lateness = fleet_record_lateness(record);

        if (problem)
                fprintf(stderr, "%s\n", problem);
        if (lateness)
                fprintf(stderr,
                                "The host was too slow for the links of this plan, so the run proves "
                                "nothing. %s\n",
                                lateness);
        if (record->metrics_left_out > 0)
                fprintf(stderr,
                                "%" G_GUINT64_FORMAT
                                " metrics were left out: members printed more of them, or of "
                                "more names, than are taken\n",
                                record->metrics_left_out);
        if (run->ctl->options.quiet || run->ctl->options.json != JSON_OFF)
                return;
        printf("%s: %u members, of which %u failed, %u events, of which %u failed. Results: %s\n",
                        record->interrupted               ? "Interrupted"
                        : fleet_record_is_success(record) ? "Done"
                                                          : "Failed",
                        run->expansion->members->len, fleet_record_count_failed(record), record->events->len,
                        fleet_record_count_failed_events(record), run->results);
}

int verb_fleet_run(Ctl *ctl, char **operands, Error *ret_error)
{
        g_autoptr(FleetPlan) plan = NULL;
        g_autoptr(FleetExpansion) expansion = NULL;
        g_autoptr(FleetRun) run = NULL;
        g_autofree char *folder = NULL;
        int r, removed;

        r = fleet_begin(ctl, operands[0], &plan, &expansion, &run, ret_error);
        if (r < 0)
                return r;
        r = fleet_results_make(run, ctl->options.results, &folder, ret_error);
        if (r < 0) {
                fleet_state_remove(plan->name);
                return r;
        }

        run->results = folder;
        fleet_run_plan(run);
        r = fleet_results_write(run, ret_error);
        fleet_view_clear(run);
        removed = fleet_take_down(run);
        if (r < 0)
                return r;

        fleet_run_print(run);
        return fleet_record_is_success(run->record) ? removed : CTL_EXIT_FAILURE;
}

int verb_fleet_down(Ctl *ctl, char **operands, Error *ret_error)
{
        g_autofree char *name = NULL;
        uid_t owner;
        guint n = 0;
        int r;

        r = fleet_owned_name(operands[0], &owner, &name, ret_error);
        if (r >= 0)
                r = fleet_remove(ctl, name, owner, &n, ret_error);
        if (r == CTL_EXIT_SUCCESS && !ctl->options.quiet)
                printf("The fleet %s is gone, with %u members.\n", name, n);

        return r;
}

int verb_fleet_status(Ctl *ctl, char **operands, Error *ret_error)
{
        static const char *const headers[] = {"NAME", "STATE", "OWNER", NULL};
        g_autoptr(Table) table = table_new(headers);
        g_autoptr(GPtrArray) found = NULL;
        g_autofree char *name = NULL;
        uid_t owner, other;
        int r;

        r = fleet_owned_name(operands[0], &owner, &name, ret_error);
        if (r >= 0)
                r = fleet_find_members(ctl, name, &found, ret_error);
        if (r < 0)
                return r;
        other = fleet_found_keep(found, owner);
        if (found->len == 0)
                return fleet_refuse_owner(name, "status", owner, other, ret_error);

        for (guint i = 0; i < found->len; i++) {
                const FleetFound *one = found->pdata[i];

                table_add(table, one->name, COLOR_NONE, NULL);
                table_add(table, one->state, state_color(one->state), NULL);
                table_add_owner(table, one->owner);
        }
        pager_open(&ctl->options);
        table_print(table, &ctl->options, "members listed");
        return CTL_EXIT_SUCCESS;
}

typedef struct FleetSum {
        const char *name;
        uid_t owner;
        guint members, running, failed;
} FleetSum;

static int compare_sums(gconstpointer a, gconstpointer b)
{
        const FleetSum *x = a, *y = b;
        int order = strcmp(x->name, y->name);

        return order != 0 ? order : x->owner < y->owner ? -1 : x->owner > y->owner;
}

/* Fleets of several users may have the same name. */
static FleetSum *fleet_sum_get(GHashTable *sums, const char *name, uid_t owner)
{
        g_autofree char *key = g_strdup_printf("%u:%s", (unsigned) owner, name);
        FleetSum *sum = g_hash_table_lookup(sums, key);

        if (!sum) {
                sum = g_new0(FleetSum, 1);
                *sum = (FleetSum){.name = name, .owner = owner};
                g_hash_table_insert(sums, g_steal_pointer(&key), sum);
        }

        return sum;
}

static void fleet_list_add(Table *table, const FleetSum *sum)
{
        g_autofree char *members = g_strdup_printf("%u", sum->members),
                        *running = g_strdup_printf("%u", sum->running),
                        *failed = g_strdup_printf("%u", sum->failed);

        table_add(table, sum->name, COLOR_NONE, NULL);
        table_add_owner(table, sum->owner);
        table_add(table, members, COLOR_NONE, json_number(sum->members));
        table_add(table, running, COLOR_NONE, json_number(sum->running));
        table_add(table, failed, sum->failed > 0 ? COLOR_RED : COLOR_NONE, json_number(sum->failed));
}

int verb_fleet_list(Ctl *ctl, char **operands, Error *ret_error)
{
        static const char *const headers[] = {"NAME", "OWNER", "MEMBERS", "RUNNING", "FAILED", NULL};
        g_autoptr(Table) table = table_new(headers);
        g_autoptr(GHashTable) sums = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_auto(GStrv) files = fleet_state_list();
        g_autoptr(GPtrArray) found = NULL;
        g_autoptr(GList) sorted = NULL;
        int r;

        r = fleet_find_members(ctl, NULL, &found, ret_error);
        if (r < 0)
                return r;
        for (guint i = 0; i < found->len; i++) {
                const FleetFound *one = found->pdata[i];
                FleetSum *sum = fleet_sum_get(sums, one->fleet, one->owner);

                sum->members++;
                sum->running += g_str_equal(one->state, "running");
                sum->failed += g_str_equal(one->state, "failed");
        }
        /* Of one that was interrupted, networks alone may be left. */
        for (char **file = files; *file; file++)
                (void) fleet_sum_get(sums, *file, geteuid());

        sorted = g_list_sort(g_hash_table_get_values(sums), compare_sums);
        for (GList *l = sorted; l; l = l->next)
                fleet_list_add(table, l->data);
        pager_open(&ctl->options);
        table_print(table, &ctl->options, "fleets listed");
        return CTL_EXIT_SUCCESS;
}
