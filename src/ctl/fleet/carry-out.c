/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The schedule is carried out. */

#include "ctl/fleet/calls.h"
#include "ctl/fleet/emulation.h"
#include "ctl/fleet/member-start.h"
#include "ctl/fleet/programs.h"
#include "ctl/fleet/view.h"
#include "fleet/expansion/schedule.h"

#define STATISTICS_USEC (10 * 1000 * 1000) /* for 1000 members or more */
#define STATISTICS_MIN  (1000 * 1000)
#define STATISTICS_EACH (10 * 1000) /* of a member */
#define LOOK_AHEAD_USEC (300 * 1000)
#define LOOK_SPAN_USEC  (1000 * 1000)      /* of the entries that are looked at together */
#define SETTLE_USEC     (10 * 1000 * 1000) /* for what the end of the run finds under way */

static void on_entry_done(
                FleetRun *run, guint member, void *userdata, sd_bus_message *reply, const Error *error)
{
        FleetEventRecord *event = userdata;

        event->ended = fleet_run_now(run);
        g_free(event->problem);
        event->problem = g_strdup(error->message);
        if (error->message)
                fleet_view_note(run, fleet_verb_to_string(event->verb), event->who, error->message);
}

static void carry_out_kill(FleetRun *run, guint member, FleetEventRecord *event)
{
        _cleanup_message_ sd_bus_message *message = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        if (client_new_call(run->ctl, "KillUnikernel", &message, &error) >= 0 &&
                        sd_bus_message_append(message, "si", fleet_member_at(run->expansion, member)->name,
                                        (int32_t) 15) >= 0)
                fleet_call(run, message, on_entry_done, member, event, &event->began);
}

static bool entry_ends_run(const FleetEntry *entry)
{
        return entry->verb == FLEET_STOP || entry->verb == FLEET_KILL || entry->verb == FLEET_RESTART;
}

static void carry_out_entry(FleetRun *run, const FleetEntry *entry)
{
        static const char *const methods[_FLEET_VERB_MAX] = {
                        [FLEET_STOP] = "StopUnikernel",
                        [FLEET_PAUSE] = "PauseUnikernel",
                        [FLEET_RESUME] = "ResumeUnikernel",
        };
        FleetEventRecord *event = g_new0(FleetEventRecord, 1);

        *event = (FleetEventRecord){
                        .verb = entry->verb,
                        .cause = entry->cause,
                        .member = entry->member,
                        .who = fleet_entry_who(run->expansion, entry),
                        .planned = (int64_t) entry->usec,
                        .began = fleet_run_now(run),
                        .ended = FLEET_NEVER,
        };
        g_ptr_array_add(run->record->events, event);
        fleet_view_note(run, fleet_verb_to_string(entry->verb), event->who, NULL);
        if (entry->member != FLEET_NOBODY) {
                /* Its name may be another's. */
                if (run->record->members[entry->member].state == FLEET_STATE_ABSENT) {
                        event->ended = event->began;
                        event->problem = g_strdup("it was not created");
                        run->started[entry->member] = true;
                        return;
                }
                if (entry_ends_run(entry))
                        run->replaced[entry->member] = run->starting[entry->member];
        }

        if (fleet_verb_is_of_links(entry->verb)) {
                fleet_links_change(run, event);
                return;
        }

        switch (entry->verb) {
        case FLEET_EXECUTE:
                fleet_programs_start(run, entry->action->command, event);
                break;
        case FLEET_START:
        case FLEET_RESTART:
                fleet_member_start(run, entry->member, entry->verb == FLEET_RESTART, event);
                break;
        case FLEET_KILL:
                carry_out_kill(run, entry->member, event);
                break;
        default:
                (void) fleet_call_member(run, methods[entry->verb], entry->member, entry->verb == FLEET_STOP,
                                on_entry_done, event, &event->began);
        }
}

/* Shortly before members are stopped, their counters are asked for, which are gone with them. from: the
 * first entry that was not looked at; returns the next one. */
static guint carry_out_look(FleetRun *run, guint from, int64_t now)
{
        const GArray *schedule = run->expansion->schedule;
        g_autofree bool *wanted = g_new0(bool, run->expansion->members->len);
        bool any = false;

        if (run->asked || from == schedule->len ||
                        (int64_t) g_array_index(schedule, FleetEntry, from).usec > now + LOOK_AHEAD_USEC)
                return from;

        for (; from < schedule->len; from++) {
                const FleetEntry *entry = &g_array_index(schedule, FleetEntry, from);

                if ((int64_t) entry->usec > now + LOOK_SPAN_USEC)
                        break;
                if (entry_ends_run(entry))
                        any = wanted[entry->member] = true;
        }
        if (any)
                fleet_ask_statistics(run, wanted);
        return from;
}

/* Before the next entry, and before the next look at it. */
static int64_t carry_out_wake(const FleetRun *run, guint next, int64_t now)
{
        const GArray *schedule = run->expansion->schedule;
        int64_t usec;

        if (next == schedule->len)
                return INT64_MAX;
        usec = (int64_t) g_array_index(schedule, FleetEntry, next).usec;
        return usec - LOOK_AHEAD_USEC > now ? usec - LOOK_AHEAD_USEC : usec;
}

/* When the run is over, in µs after the clock has begun: without Duration=, with the last entry. */
static int64_t carry_out_end(const FleetRun *run)
{
        const GArray *schedule = run->expansion->schedule;

        if (run->plan->duration_usec > 0 || schedule->len == 0)
                return (int64_t) run->plan->duration_usec;
        return (int64_t) g_array_index(schedule, FleetEntry, schedule->len - 1).usec;
}

/* Whether all that was to be done until the end has been: starts and programs of earlier entries may go on.
 */
static bool carry_out_is_settled(const FleetRun *run, int64_t end)
{
        if (!g_queue_is_empty(run->waiting))
                return false;

        for (guint i = 0; i < run->record->events->len; i++) {
                const FleetEventRecord *event = run->record->events->pdata[i];
                bool takes_long = event->verb == FLEET_EXECUTE || event->verb == FLEET_START ||
                                  event->verb == FLEET_RESTART;

                if (event->ended == FLEET_NEVER && !event->problem && (!takes_long || event->planned >= end))
                        return false;
        }

        return true;
}

static int carry_out_settle(FleetRun *run, int64_t end, Error *ret_error)
{
        uint64_t until = (uint64_t) g_get_monotonic_time() + SETTLE_USEC;
        int r = 0;

        while (r >= 0 && !fleet_signal() && !carry_out_is_settled(run, end) &&
                        (uint64_t) g_get_monotonic_time() < until)
                r = fleet_pump(run, until, ret_error);

        return r;
}

/* Between two looks at all members, which cost as much as these are many. */
static int64_t carry_out_interval(const FleetRun *run)
{
        return CLAMP((int64_t) run->expansion->members->len * STATISTICS_EACH, STATISTICS_MIN,
                        STATISTICS_USEC);
}

int fleet_carry_out(FleetRun *run, Error *ret_error)
{
        const GArray *schedule = run->expansion->schedule;
        int64_t end = carry_out_end(run), statistics = 0;
        guint next = 0, looked = 0;
        int r = 0;

        run->record->clock = fleet_run_now(run);
        fleet_run_begin_load(run);
        fleet_view_phase(run, "running");
        while (r >= 0 && !fleet_signal()) {
                int64_t now = fleet_run_now(run) - run->record->clock, wake;

                for (; next < schedule->len; next++) {
                        const FleetEntry *entry = &g_array_index(schedule, FleetEntry, next);

                        if ((int64_t) entry->usec > now || (int64_t) entry->usec > end)
                                break;
                        carry_out_entry(run, entry);
                }
                fleet_links_apply(run, next);
                if (now >= end)
                        break;
                looked = carry_out_look(run, MAX(looked, next), now);
                if (now >= statistics) {
                        fleet_ask_statistics(run, NULL);
                        statistics = now + carry_out_interval(run);
                }
                wake = MIN(MIN(end, statistics), carry_out_wake(run, next, now));
                r = fleet_pump(run, (uint64_t) (run->begun + run->record->clock + wake), ret_error);
        }

        return r < 0 ? r : carry_out_settle(run, end, ret_error);
}
