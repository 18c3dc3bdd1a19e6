/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The units, and what is done with each when something has become known. Called by main.c. */

#include "demand/service.h"

#include <errno.h>
#include <glib.h>
#include <stdlib.h>

#include "common/conf.h"
#include "common/log.h"
#include "common/names.h"
#include "demand/service-private.h"
#include "unikernel/refusal.h"

#define IDLE_USEC (30 * G_USEC_PER_SEC)

static void unit_free(gpointer data)
{
        Unit *unit = data;

        sd_bus_slot_unref(unit->changed_slot);
        sd_bus_slot_unref(unit->state_slot);
        sd_bus_slot_unref(unit->job_slot);
        sd_event_source_disable_unref(unit->retry_source);
        sd_event_source_disable_unref(unit->decide_source);
        waiter_clear(&unit->waiter);
        g_free(unit->name);
        g_free(unit->path);
        g_free(unit->job);
        g_free(unit->text);
        g_free(unit->problem);
        g_free(unit);
}

Unit *service_find(Service *service, const char *name)
{
        return g_hash_table_lookup(service->units, name);
}

Unit *service_get(Service *service, const char *name)
{
        Unit *unit = service_find(service, name);

        if (unit)
                return unit;

        unit = g_new(Unit, 1);
        *unit = (Unit){.service = service, .name = g_strdup(name)};
        waiter_init(&unit->waiter);
        g_hash_table_insert(service->units, unit->name, unit);
        service->idle_source = sd_event_source_disable_unref(service->idle_source);
        unit_follow(unit);
        return unit;
}

/* A connection that comes as this process ends starts it again: the socket is systemd's. */
static int on_service_idle(sd_event_source *source, uint64_t usec, void *userdata)
{
        Service *service = userdata;

        return sd_event_exit(service->event, EXIT_SUCCESS);
}

void service_tidy(Service *service)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, service->units);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Unit *unit = value;

                if (unit->listed || unit->defined || g_strcmp0(service->called, unit->name) == 0)
                        continue;
                (void) refusal_end(unit->name);
                g_hash_table_iter_remove(&iter);
        }
        if (g_hash_table_size(service->units) == 0 && !service->idle_source)
                (void) sd_event_add_time_relative(service->event, &service->idle_source, CLOCK_MONOTONIC,
                                IDLE_USEC, 0, on_service_idle, service);
}

static void unit_say(const Unit *unit, int level, const char *message)
{
        log_object(level, &(LogObject){.unikernel = unit->name}, NULL, NULL, "Unikernel '%s' %s", unit->name,
                        message);
}

static void unit_refuse(Unit *unit)
{
        int r = refusal_begin(unit->name);

        unit->refused = true;
        unit_say(unit, LOG_WARNING,
                        "was started for traffic and has failed, and is not started again for now: clients "
                        "are "
                        "refused for a minute, or until somebody starts it, or changes its definition");
        if (r < 0)
                log_warning("That '%s' refuses traffic is not shown: %s", unit->name, g_strerror(-r));
}

static int on_unit_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        unit_decide(userdata);
        return 0;
}

static void unit_plan(Unit *unit)
{
        unit->decide_source = sd_event_source_disable_unref(unit->decide_source);
        if (unit->waiter.next != INT64_MAX)
                (void) sd_event_add_time(unit->service->event, &unit->decide_source, CLOCK_MONOTONIC,
                                (uint64_t) unit->waiter.next, 0, on_unit_time, unit);
}

void unit_decide(Unit *unit)
{
        Service *service = unit->service;
        WaiterAction action = waiter_decide(&unit->waiter, service->limit, g_get_monotonic_time());

        unit_plan(unit);
        if (unit->refused && unit->waiter.refused == 0) {
                unit->refused = false;
                (void) refusal_end(unit->name);
        }
        switch (action) {
        case WAITER_OPEN:
                antispoof_link_tell(service, DEMAND_OPEN, unit->name);
                break;
        case WAITER_HOLD:
                antispoof_link_tell(service, DEMAND_HOLD, unit->name);
                break;
        case WAITER_START:
                unit_say(unit, LOG_INFO, "is started: there is traffic for it");
                unit_start(unit);
                break;
        case WAITER_LIMIT:
                log_object(LOG_WARNING, &(LogObject){.unikernel = unit->name}, NULL, NULL,
                                "Unikernel '%s' was started %u times within a minute for traffic: what "
                                "comes waits until that is less (ActivationsMax= in shruthi.conf)",
                                unit->name, service->limit);
                antispoof_link_tell(service, DEMAND_HOLD, unit->name);
                break;
        case WAITER_REFUSE:
                unit_refuse(unit);
                antispoof_link_tell(service, DEMAND_REFUSE, unit->name);
                break;
        case WAITER_REFUSE_STILL:
                antispoof_link_tell(service, DEMAND_REFUSE, unit->name);
                break;
        default:
                break;
        }
        if (unit->waiter.state == WAITER_STOPPED)
                listening_continue(service);
}

int service_new(sd_event *event, sd_bus *bus, int listen_fd, Service **ret_service)
{
        g_autoptr(Conf) conf = conf_new_default();
        Service *service = g_new(Service, 1);
        int r;

        *service = (Service){
                        .event = event,
                        .bus = bus,
                        .limit = conf->activations_max,
                        .listen_fd = listen_fd,
                        .antispoof = -EBADF,
                        .units = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unit_free),
                        .output = g_string_new(NULL),
        };
        r = systemd_link_open(service);
        if (r >= 0)
                r = listening_open(service);
        if (r < 0) {
                service_free(service);
                return r;
        }
        refusals_end();
        antispoof_link_open(service);

        *ret_service = service;
        return 0;
}

void service_free(Service *service)
{
        if (!service)
                return;

        refusals_end();
        listening_close(service);
        antispoof_link_close(service);
        sd_event_source_disable_unref(service->idle_source);
        sd_bus_slot_unref(service->job_slot);
        g_hash_table_unref(service->units);
        g_string_free(service->output, TRUE);
        g_free(service);
}
