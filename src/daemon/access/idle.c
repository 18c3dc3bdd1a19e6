/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Exit when idle, without losing a call. */

#include "daemon/access/idle.h"

#include <systemd/sd-daemon.h>

#include "common/log.h"
#include "common/names.h"
#include "daemon/access/client.h"

#define IDLE_LOOK  (60 * UINT64_C(1000000))
#define DRAIN_STEP (100 * UINT64_C(1000))
#define DRAIN_MAX  (20 * UINT64_C(1000000))

/* Whether anything keeps shruthid from exiting. */
static bool idle_is_busy(const Manager *manager)
{
        return g_hash_table_size(manager->clients) > 0 || manager->peers->len > 0 || manager->n_calls > 0 ||
               manager->logs || g_hash_table_size(manager->changing) > 0 ||
               g_hash_table_size(manager->updates) > 0 || g_hash_table_size(manager->sweeping) > 0 ||
               manager->reloading || queue_is_busy(manager->starts) || queue_is_busy(manager->stops) ||
               worker_count(manager->worker) > 0 || worker_count(manager->loader) > 0 ||
               libvirt_helper_count(manager->helper) > 0;
}

/* Whether calls are unanswered, including those whose caller is not known yet, and those that were read (or
 * queued again) but not dispatched. */
static bool idle_calls_are_open(const Manager *manager)
{
        GHashTableIter iter;
        uint64_t queued;
        gpointer value;

        if (manager->bus && sd_bus_get_n_queued_read(manager->bus, &queued) >= 0 && queued > 0)
                return true;

        g_hash_table_iter_init(&iter, manager->clients);
        while (g_hash_table_iter_next(&iter, NULL, &value))
                if (((Client *) value)->state == CLIENT_ASKED)
                        return true;

        return manager->n_calls > 0;
}

static int on_idle_drain(sd_event_source *source, uint64_t usec, void *userdata)
{
        Manager *manager = userdata;

        if (!idle_calls_are_open(manager) || usec >= manager->drain_since + DRAIN_MAX)
                return sd_event_exit(manager->event, 0);

        (void) sd_event_source_set_time(source, usec + DRAIN_STEP);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_idle_name_released(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        Manager *manager = userdata;
        int r;

        /* Calls that arrived before the name was released are still answered. */
        manager->idle_source = sd_event_source_disable_unref(manager->idle_source);
        (void) sd_event_now(manager->event, CLOCK_MONOTONIC, &manager->drain_since);
        r = sd_event_add_time(manager->event, &manager->idle_source, CLOCK_MONOTONIC, manager->drain_since,
                        1, on_idle_drain, manager);
        return r < 0 ? sd_event_exit(manager->event, 0) : 0;
}

/* Calls after the bus has released the name go to the process that systemd starts next, because STOPPING=1
 * makes systemd queue that start after our exit. Calls from before are in our socket ahead of the answer,
 * and are served. */
void idle_leave(Manager *manager)
{
        if (manager->stopping)
                return;

        manager->stopping = true;
        (void) sd_notify(0, "STOPPING=1\nSTATUS=Shutting down");
        if (manager->listen_source)
                (void) sd_event_source_set_enabled(manager->listen_source, SD_EVENT_OFF);
        manager->idle_source = sd_event_source_disable_unref(manager->idle_source);
        if (!manager->bus || sd_bus_release_name_async(manager->bus, NULL, SHRUTHI_BUS_NAME,
                                             on_idle_name_released, manager) < 0)
                (void) sd_event_exit(manager->event, 0);
}

/* IdleExitSec= may be infinity. A value changed by a reload takes effect at the next check, at most a minute
 * later. */
static uint64_t idle_deadline(const Manager *manager)
{
        return manager->idle_since + MIN(manager_conf(manager)->idle_exit_usec, IDLE_LOOK);
}

static int on_idle_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Manager *manager = userdata;
        uint64_t limit = manager_conf(manager)->idle_exit_usec, now;

        (void) sd_event_now(manager->event, CLOCK_MONOTONIC, &now);
        if (idle_is_busy(manager))
                manager->idle_since = now;
        if (now - manager->idle_since >= limit) {
                log_debug("Idle for %" G_GUINT64_FORMAT " s, exiting", limit / G_USEC_PER_SEC);
                idle_leave(manager);
                return 0;
        }

        (void) sd_event_source_set_time(source, MAX(idle_deadline(manager), now + DRAIN_STEP));
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int idle_start(Manager *manager)
{
        manager_touch(manager);
        return sd_event_add_time(manager->event, &manager->idle_source, CLOCK_MONOTONIC,
                        idle_deadline(manager), 0, on_idle_time, manager);
}
