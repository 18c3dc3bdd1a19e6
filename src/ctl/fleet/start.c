/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The beginning: starts at their rates, and barriers. */

#include "ctl/fleet/member-start.h"

#include <math.h>
#include <string.h>

#include "ctl/fleet/calls.h"
#include "ctl/fleet/consoles.h"
#include "ctl/fleet/view.h"

#define CONSOLE_ROUND_USEC (500 * 1000)

static void on_started(
                FleetRun *run, guint member, void *userdata, sd_bus_message *reply, const Error *error)
{
        FleetMemberRecord *record = &run->record->members[member];
        FleetEventRecord *event = userdata;
        int64_t now = fleet_run_now(run);
        bool replaced = run->replaced[member] > 0;

        run->started[member] = true;
        run->starting[member]--;
        if (replaced)
                run->replaced[member]--;
        /* A start that the plan has stopped, killed or begun anew did what the plan says. */
        replaced = replaced && !reply;
        if (event) {
                event->began = record->called;
                event->ended = now;
                g_free(event->problem);
                event->problem = replaced ? NULL : g_strdup(error->message);
        }
        if (reply) {
                record->ready = now;
                fleet_record_started(record, now - record->called);
                return;
        }
        if (replaced || run->removing || fleet_signal())
                return;

        g_free(record->problem);
        record->problem = g_strdup(error->message);
        if (!record->failed)
                fleet_view_note(run, "cannot start", record->member->name, record->problem);
        record->failed = true;
}

void fleet_member_start(FleetRun *run, guint member, bool again, FleetEventRecord *event)
{
        FleetMemberRecord *record = &run->record->members[member];

        if (record->state == FLEET_STATE_ABSENT) {
                run->started[member] = true;
                if (event)
                        event->problem = g_strdup("it was not created");
                return;
        }
        record->ready = FLEET_NEVER;
        if (fleet_call_member(run, again ? "RestartUnikernel" : "StartUnikernel", member, true, on_started,
                            event, &record->called) >= 0)
                run->starting[member]++;
}

/* The members of one group are started one after the other, and groups beside each other. */
int fleet_start(FleetRun *run, Error *ret_error)
{
        int64_t began = fleet_run_now(run);
        guint n = run->plan->groups->len;
        g_autofree guint *next = g_new0(guint, n);
        bool more = true;
        int r = 0;

        fleet_view_phase(run, "starting");
        while (r >= 0 && more && !fleet_signal()) {
                int64_t now = fleet_run_now(run) - began, wake = INT64_MAX;

                more = false;
                for (guint i = 0; i < n; i++) {
                        const FleetGroup *group = run->plan->groups->pdata[i];

                        for (; next[i] < group->count && !group->late; next[i]++) {
                                int64_t due = group->rate > 0 ? (int64_t) floor(next[i] * 1e6 / group->rate)
                                                              : 0;

                                if (due > now) {
                                        wake = MIN(wake, due);
                                        more = true;
                                        break;
                                }
                                fleet_member_start(run, group->first + next[i], false, NULL);
                        }
                }
                r = fleet_pump(run, more ? (uint64_t) (run->begun + began + wake) : 0, ret_error);
        }

        return r;
}

/* Whether a member counts for a barrier, and has passed it. One that has failed never will. */
static bool barrier_counts(const FleetBarrier *barrier, const FleetMember *member)
{
        return barrier->group ? barrier->group == member->group : !member->group->late;
}

static void barrier_count(FleetRun *run, FleetBarrierRecord *record, const bool *seen, guint *ret_left)
{
        record->passed = record->all = *ret_left = 0;
        for (guint i = 0; i < run->expansion->members->len; i++) {
                const FleetMemberRecord *member = &run->record->members[i];

                if (!barrier_counts(record->barrier, member->member))
                        continue;
                record->all++;
                if (record->barrier->console ? seen[i] : member->ready != FLEET_NEVER)
                        record->passed++;
                else if (!member->failed)
                        (*ret_left)++;
        }
}

static int barrier_wait(FleetRun *run, const FleetBarrier *barrier, Error *ret_error)
{
        FleetBarrierRecord record = {.barrier = barrier, .began = fleet_run_now(run)};
        g_autofree bool *seen = g_new0(bool, run->expansion->members->len);
        g_autofree uint64_t *since = g_new0(uint64_t, run->expansion->members->len);
        int64_t until = record.began + (int64_t) barrier->timeout_usec, round = 0;
        guint left;
        int r = 0;

        while (r >= 0 && !fleet_signal()) {
                barrier_count(run, &record, seen, &left);
                record.held = record.all > 0 && record.passed * 100.0 >= record.all * barrier->share - 1e-9;
                if (record.held || left == 0 || fleet_run_now(run) >= until)
                        break;
                if (barrier->console && fleet_run_now(run) >= round) {
                        r = fleet_consoles_match(run, barrier, seen, since, ret_error);
                        round = fleet_run_now(run) + CONSOLE_ROUND_USEC;
                        continue;
                }
                r = fleet_pump(run, (uint64_t) (run->begun + (barrier->console ? MIN(round, until) : until)),
                                ret_error);
        }
        if (r < 0 || fleet_signal())
                return r;

        record.ended = fleet_run_now(run);
        g_array_append_val(run->record->barriers, record);
        if (!record.held)
                return error_set(ret_error, ERROR_TIMED_OUT,
                                "[Barrier %s] does not hold: %u of %u members have passed it, and Share= is "
                                "%g%%",
                                barrier->name, record.passed, record.all, barrier->share);

        fleet_view_note(run, "barrier", barrier->name, NULL);
        return 0;
}

static bool all_are_started(const FleetRun *run)
{
        for (guint i = 0; i < run->expansion->members->len; i++)
                if (!run->record->members[i].member->group->late && !run->started[i])
                        return false;

        return true;
}

int fleet_wait_barriers(FleetRun *run, Error *ret_error)
{
        int r = 0;

        for (guint i = 0; r >= 0 && i < run->plan->barriers->len; i++)
                r = barrier_wait(run, run->plan->barriers->pdata[i], ret_error);
        while (r >= 0 && run->plan->barriers->len == 0 && !fleet_signal() && !all_are_started(run))
                r = fleet_pump(run, UINT64_MAX, ret_error);

        return r;
}
