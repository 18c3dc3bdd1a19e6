/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The schedule is carried out. */

#include "ctl/fleet/calls.h"
#include "ctl/fleet/member-start.h"
#include "ctl/fleet/programs.h"
#include "ctl/fleet/view.h"

#define STATISTICS_USEC (10 * 1000 * 1000)

static void on_entry_done(
                FleetRun *run, guint member, void *userdata, sd_bus_message *reply, const Error *error)
{
        FleetEventRecord *event = userdata;

        event->ended = fleet_run_now(run);
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
                fleet_call(run, message, on_entry_done, member, event);
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
                        .who = entry->member != FLEET_NOBODY
                                               ? g_strdup(fleet_member_at(run->expansion, entry->member)
                                                                                 ->name)
                                               : g_strjoinv(" ", entry->action->command),
                        .planned = (int64_t) entry->usec,
                        .began = fleet_run_now(run),
                        .ended = FLEET_NEVER,
        };
        g_ptr_array_add(run->record->events, event);
        fleet_view_note(run, fleet_verb_to_string(entry->verb), event->who, NULL);

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
                                on_entry_done, event);
        }
}

/* When the run is over, in µs after the clock has begun: without Duration=, with the last entry. */
static int64_t carry_out_end(const FleetRun *run)
{
        const GArray *schedule = run->expansion->schedule;

        if (run->plan->duration_usec > 0 || schedule->len == 0)
                return (int64_t) run->plan->duration_usec;
        return (int64_t) g_array_index(schedule, FleetEntry, schedule->len - 1).usec;
}

int fleet_carry_out(FleetRun *run, Error *ret_error)
{
        const GArray *schedule = run->expansion->schedule;
        int64_t end = carry_out_end(run), statistics = 0;
        guint next = 0;
        int r = 0;

        run->in_flight_max = FLEET_IN_FLIGHT_EVENTS_MAX;
        run->record->clock = fleet_run_now(run);
        fleet_view_phase(run, "running");
        while (r >= 0 && !fleet_signal()) {
                int64_t now = fleet_run_now(run) - run->record->clock, wake = MIN(end, statistics);

                for (; next < schedule->len; next++) {
                        const FleetEntry *entry = &g_array_index(schedule, FleetEntry, next);

                        if ((int64_t) entry->usec > now || (int64_t) entry->usec > end) {
                                wake = MIN(wake, (int64_t) entry->usec);
                                break;
                        }
                        carry_out_entry(run, entry);
                }
                if (now >= end)
                        break;
                if (now >= statistics) {
                        fleet_ask_statistics(run);
                        statistics = now + STATISTICS_USEC;
                }
                r = fleet_pump(run, (uint64_t) (run->begun + run->record->clock + wake), ret_error);
        }

        return r;
}
