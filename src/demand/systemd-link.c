/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The units of unikernels: their state, and jobs for them. polkit lets our user start and stop them. */

#include <errno.h>
#include <glib.h>

#include "common/log.h"
#include "common/names.h"
#include "common/unikernel-name.h"
#include "demand/service-private.h"
#include "unikernel/update-record.h"

#define UNIT_INTERFACE    SYSTEMD_NAME ".Unit"
#define MANAGER_INTERFACE SYSTEMD_NAME ".Manager"
#define PROPERTIES        "org.freedesktop.DBus.Properties"
#define STATE_RETRY_USEC  G_USEC_PER_SEC

static int on_unit_state_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
        Unit *unit = userdata;

        unit->retry_source = sd_event_source_disable_unref(unit->retry_source);
        unit_ask_state(unit);
        return 0;
}

/* A unit that cannot be loaded, or a systemd that is busy: nobody is kept waiting for it. */
static void unit_state_failed(Unit *unit)
{
        unit->waiter.wanted = false;
        antispoof_link_tell(unit->service, DEMAND_DROP, unit->name);
        if (!unit->retry_source)
                (void) sd_event_add_time_relative(unit->service->event, &unit->retry_source, CLOCK_MONOTONIC,
                                STATE_RETRY_USEC, 0, on_unit_state_retry, unit);
}

/* The answer to a question about its unit. False: there is none, or it is asked once more. */
static bool unit_take_answer(Unit *unit, sd_bus_message *reply, const char *type, void *ret_value)
{
        unit->asked = false;
        unit->state_slot = sd_bus_slot_unref(unit->state_slot);
        if (unit->asked_late) {
                unit->asked_late = false;
                unit_ask_state(unit);
                return false;
        }
        if (sd_bus_message_is_method_error(reply, NULL) ||
                        sd_bus_message_read(reply, "v", type, ret_value) < 0) {
                unit_state_failed(unit);
                return false;
        }
        return true;
}

static void unit_ask(Unit *unit, const char *property, sd_bus_message_handler_t answered)
{
        unit->asked = sd_bus_call_method_async(unit->service->bus, &unit->state_slot, SYSTEMD_NAME,
                                      unit->path, PROPERTIES, "Get", answered, unit, "ss", UNIT_INTERFACE,
                                      property) >= 0;
}

/* A start that was refused, as by the limit of starts, has not even been begun; Result does not say that. Of
 * a unit that systemd has unloaded since, as after a reset, nothing is known: no start of it is refused
 * either. */
static int on_unit_left(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        Unit *unit = userdata;
        uint64_t left;

        if (!unit_take_answer(unit, reply, "t", &left))
                return 0;
        unit->waiter.final = left > 0 && left < unit->begun;
        unit->waiter.state = WAITER_STOPPED;
        unit_decide(unit);
        return 0;
}

static int on_unit_state(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        Unit *unit = userdata;
        const char *text;
        WaiterState state;

        if (!unit_take_answer(unit, reply, "s", &text))
                return 0;
        state = waiter_state_from_unit(text);
        if (unit->failed && state == WAITER_STOPPED) {
                unit_ask(unit, "InactiveExitTimestampMonotonic", on_unit_left);
                return 0;
        }
        unit->waiter.state = state;
        unit_decide(unit);
        return 0;
}

void unit_ask_state(Unit *unit)
{
        if (unit->asked) {
                unit->asked_late = true;
                return;
        }
        unit_ask(unit, "ActiveState", on_unit_state);
}

static int on_unit_changed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        unit_ask_state(userdata);
        return 0;
}

void unit_follow(Unit *unit)
{
        g_autofree char *name = unit_name_for(unit->name);

        if (sd_bus_path_encode(SYSTEMD_PATH "/unit", name, &unit->path) < 0)
                return;
        (void) sd_bus_match_signal_async(unit->service->bus, &unit->changed_slot, SYSTEMD_NAME, unit->path,
                        PROPERTIES, "PropertiesChanged", on_unit_changed, NULL, unit);
        unit_ask_state(unit);
}

static int on_unit_job(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        Unit *unit = userdata;
        const char *job = NULL;

        unit->job_slot = sd_bus_slot_unref(unit->job_slot);
        g_clear_pointer(&unit->job, g_free);
        if (!sd_bus_message_is_method_error(reply, NULL) && sd_bus_message_read(reply, "o", &job) >= 0) {
                unit->job = g_strdup(job);
                return 0;
        }

        log_object(LOG_WARNING, &(LogObject){.unikernel = unit->name}, NULL, NULL,
                        "systemd does not %s unikernel '%s': %s", unit->waiter.stopping ? "stop" : "start",
                        unit->name, sd_bus_message_get_error(reply)->message ?: "no reason given");
        unit->waiter.final = unit->waiter.starting;
        waiter_job_ended(&unit->waiter);
        unit_ask_state(unit);
        return 0;
}

static void unit_ask_job(Unit *unit, const char *method, const char *mode)
{
        g_autofree char *name = unit_name_for(unit->name);

        g_clear_pointer(&unit->job, g_free);
        unit->job_slot = sd_bus_slot_unref(unit->job_slot);
        if (sd_bus_call_method_async(unit->service->bus, &unit->job_slot, SYSTEMD_NAME, SYSTEMD_PATH,
                            MANAGER_INTERFACE, method, on_unit_job, unit, "ss", name, mode) < 0)
                waiter_job_ended(&unit->waiter);
}

void unit_start(Unit *unit)
{
        unit->failed = false;
        unit->begun = (uint64_t) g_get_monotonic_time();
        unit_ask_job(unit, "StartUnit", "replace");
}

/* The watch over a new generation would take a stop for its failure. */
static bool unit_is_updated(const Unit *unit)
{
        _cleanup_update_record_ UpdateRecord record = {};
        int r = update_record_read(unit->name, &record);

        return r != -ENOENT;
}

/* Only one that is ready can be idle; for another this comes too late. A job that is there already, such as
 * of a restart, goes before. */
void unit_stop(Unit *unit)
{
        if (unit->waiter.state != WAITER_READY || unit->waiter.starting)
                return;
        if (unit_is_updated(unit)) {
                antispoof_link_tell(unit->service, DEMAND_OPEN, unit->name);
                return;
        }
        log_object(LOG_INFO, &(LogObject){.unikernel = unit->name}, NULL, NULL,
                        "Unikernel '%s' is stopped: it was idle", unit->name);
        unit->waiter.stopping = true;
        unit_ask_job(unit, "StopUnit", "fail");
}

/* A condition or an assertion of its unit does not hold, or the host has not what it needs. */
static bool job_result_is_final(const char *result)
{
        static const char *const results[] = {"skipped", "invalid", "assert", "unsupported", "once", NULL};

        return g_strv_contains(results, result);
}

/* Also of those that we have not asked for, which change the state too. */
static int on_job_removed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Service *service = userdata;
        const char *job, *name, *result;
        GHashTableIter iter;
        gpointer value;

        if (sd_bus_message_read(message, "uoss", NULL, &job, &name, &result) < 0 ||
                        !g_str_has_prefix(name, SHRUTHI_UNIT_PREFIX))
                return 0;
        g_hash_table_iter_init(&iter, service->units);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Unit *unit = value;

                if (g_strcmp0(unit->job, job) != 0)
                        continue;
                g_clear_pointer(&unit->job, g_free);
                unit->failed = unit->waiter.starting && g_str_equal(result, "failed");
                unit->waiter.final = unit->waiter.starting && job_result_is_final(result);
                waiter_job_ended(&unit->waiter);
                unit_ask_state(unit);
        }
        return 0;
}

static int on_subscribed(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        if (sd_bus_message_is_method_error(reply, NULL))
                log_warning("systemd does not tell of its units: %s",
                                sd_bus_message_get_error(reply)->message);
        return 0;
}

int systemd_link_open(Service *service)
{
        int r;

        r = sd_bus_match_signal_async(service->bus, &service->job_slot, SYSTEMD_NAME, SYSTEMD_PATH,
                        MANAGER_INTERFACE, "JobRemoved", on_job_removed, NULL, service);
        return r < 0 ? r
                     : sd_bus_call_method_async(service->bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH,
                                       MANAGER_INTERFACE, "Subscribe", on_subscribed, NULL, NULL);
}
