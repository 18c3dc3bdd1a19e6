/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A run's memory of its members: it begins, follows their states and counters, and ends. */

#include <string.h>

#include "common/io.h"
#include "common/names.h"
#include "ctl/fleet/calls.h"
#include "ctl/fleet/emulation.h"
#include "ctl/fleet/programs.h"
#include "ctl/fleet/run.h"
#include "ctl/fleet/view.h"
#include "ctl/output/value.h"

FleetRun *fleet_run_new(Ctl *ctl, const FleetExpansion *expansion)
{
        FleetRun *run = g_new0(FleetRun, 1);

        *run = (FleetRun){
                        .ctl = ctl,
                        .plan = expansion->plan,
                        .expansion = expansion,
                        .record = fleet_record_new(expansion),
                        .members = g_hash_table_new(g_str_hash, g_str_equal),
                        .begun = g_get_monotonic_time(),
                        .waiting = g_queue_new(),
                        .started = g_new0(bool, expansion->members->len),
                        .starting = g_new0(guint, expansion->members->len),
                        .replaced = g_new0(guint, expansion->members->len),
                        .programs = g_ptr_array_new_with_free_func(g_free),
                        .emulations = g_ptr_array_new_with_free_func(fleet_emulation_free),
                        .changes = g_ptr_array_new(),
                        .phase = "",
                        .results_fd = -EBADF,
                        .consoles_fd = -EBADF,
        };
        run->record->begun_realtime = g_get_real_time();
        fleet_run_begin_load(run);
        for (guint i = 0; i < expansion->members->len; i++)
                g_hash_table_insert(
                                run->members, fleet_member_at(expansion, i)->name, GUINT_TO_POINTER(i + 1));

        return run;
}

void fleet_run_free(FleetRun *run)
{
        if (!run)
                return;

        fleet_programs_end(run);
        fleet_calls_drop(run);
        g_queue_free(run->waiting);
        fleet_record_free(run->record);
        g_hash_table_unref(run->members);
        g_free(run->started);
        g_free(run->starting);
        g_free(run->replaced);
        g_free(run->refusal);
        g_free(run->capture_filter);
        close_safe(run->results_fd);
        close_safe(run->consoles_fd);
        g_ptr_array_unref(run->programs);
        g_ptr_array_unref(run->emulations);
        g_ptr_array_unref(run->changes);
        g_free(run);
}

static void run_note_failure(FleetRun *run, FleetMemberRecord *member)
{
        const char *result = member->result ?: "failed";

        if (member->failed)
                return;

        member->failed = true;
        if (!member->problem)
                member->problem = g_str_equal(result, "exit-status")
                                                  ? g_strdup_printf("%s (%" G_GINT64_FORMAT ")", result,
                                                                    member->exit_status)
                                                  : g_strdup(result);
        fleet_view_note(run, "failed", member->member->name, member->problem);
}

static void run_take_properties(FleetRun *run, FleetMemberRecord *member, JsonObject *changes)
{
        const char *text = value_text(changes, "State");
        FleetState state = *text ? fleet_state_from_bus(text) : _FLEET_STATE_INVALID;

        /* The record is of the run, and not of its removal. */
        if (run->removing)
                return;

        if (json_object_has_member(changes, "Result") && *value_text(changes, "Result")) {
                g_free(member->result);
                member->result = g_strdup(value_text(changes, "Result"));
        }
        if (json_object_has_member(changes, "ExitStatus"))
                member->exit_status = value_number(changes, "ExitStatus");
        if ((int) state < 0)
                return;

        if ((state == FLEET_STATE_STOPPED || state == FLEET_STATE_FAILED) && member->state != state)
                member->ended = fleet_run_now(run);
        member->state = state;
        if (state == FLEET_STATE_FAILED)
                run_note_failure(run, member);
        fleet_record_sample(run->record, fleet_run_now(run));
}

static int on_fleet_properties_changed(sd_bus_message *message, void *userdata, sd_bus_error *unused)
{
        FleetRun *run = userdata;
        g_autoptr(JsonObject) changes = NULL;
        g_autofree char *name = NULL;
        const char *interface;
        guint number;

        if (sd_bus_path_decode(sd_bus_message_get_path(message), SHRUTHI_UNIKERNEL_PATH, &name) <= 0)
                return 0;
        number = GPOINTER_TO_UINT(g_hash_table_lookup(run->members, name));
        if (number == 0 || sd_bus_message_read(message, "s", &interface) < 0 ||
                        !g_str_equal(interface, SHRUTHI_INTERFACE_UNIKERNEL) ||
                        value_read_object(message, &changes) < 0)
                return 0;

        run_take_properties(run, &run->record->members[number - 1], changes);
        return 0;
}

int fleet_run_follow(FleetRun *run, Error *ret_error)
{
        static const char match[] =
                        "type='signal',path_namespace='" SHRUTHI_OBJECT_PATH
                        "',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'",
                          sender[] = ",sender='" SHRUTHI_BUS_NAME "'";
        g_autofree char *text = NULL;
        int r;

        r = client_connect(run->ctl, ret_error);
        if (r < 0)
                return r;

        text = g_strconcat(match, run->ctl->bus_private ? "" : sender, NULL);
        r = sd_bus_add_match(run->ctl->bus, NULL, text, on_fleet_properties_changed, run);
        return r < 0 ? client_message_error(r, ret_error) : 0;
}

static void run_take_device(JsonObject *device, FleetUsage *usage)
{
        usage->received_bytes += (uint64_t) value_number(device, "ReceivedBytes");
        usage->received_packets += (uint64_t) value_number(device, "ReceivedPackets");
        usage->sent_bytes += (uint64_t) value_number(device, "SentBytes");
        usage->sent_packets += (uint64_t) value_number(device, "SentPackets");
}

static void on_fleet_statistics(
                FleetRun *run, guint unused, void *userdata, sd_bus_message *reply, const Error *error)
{
        g_autoptr(JsonObject) all = NULL;
        g_autoptr(GList) names = NULL;

        run->asked = false;
        if (!reply || value_read_object(reply, &all) < 0)
                return;

        names = json_object_get_members(all);
        for (GList *l = names; l; l = l->next) {
                guint number = GPOINTER_TO_UINT(g_hash_table_lookup(run->members, l->data));
                JsonObject *statistics = json_object_get_object_member(all, l->data);
                JsonArray *devices = value_array(statistics, "Devices");
                FleetUsage usage = {.cpu_usec = (uint64_t) value_number(statistics, "CPUTime")};

                for (guint i = 0; devices && i < json_array_get_length(devices); i++)
                        run_take_device(json_array_get_object_element(devices, i), &usage);
                /* Those of a run that is over by now are not the new run's. */
                if (number > 0 && run->record->members[number - 1].called < run->asked_at)
                        fleet_record_use(&run->record->members[number - 1], &usage,
                                        (uint64_t) value_number(statistics, "Memory"));
        }
        if (run->asked_all)
                fleet_run_look(run);
}

void fleet_ask_statistics(FleetRun *run, const bool *wanted)
{
        _cleanup_message_ sd_bus_message *message = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        if (run->asked)
                return;
        r = client_new_call(run->ctl, "ListUnikernelStatistics", &message, &error);
        if (r >= 0)
                r = sd_bus_message_open_container(message, 'a', "s");
        for (guint i = 0; r >= 0 && i < run->expansion->members->len; i++)
                if ((!wanted || wanted[i]) &&
                                (run->record->members[i].state == FLEET_STATE_RUNNING ||
                                                run->record->members[i].state == FLEET_STATE_PAUSED))
                        r = sd_bus_message_append(message, "s", fleet_member_at(run->expansion, i)->name);
        if (r >= 0)
                r = sd_bus_message_close_container(message);
        if (r < 0)
                return;
        run->asked = true;
        run->asked_all = !wanted;
        run->asked_at = fleet_run_now(run);
        fleet_call_now(run, message, on_fleet_statistics, FLEET_NOBODY, NULL);
}
