/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthid from start to end: what it makes and reads first, how it connects the rooms, how it reaches the
 * bus, and when it is ready. */

#include "daemon/daemon.h"

#include <errno.h>
#include <signal.h>
#include <systemd/sd-daemon.h>

#include "common/log.h"
#include "common/names.h"
#include "common/paths.h"
#include "daemon/access/call-limits.h"
#include "daemon/access/call.h"
#include "daemon/access/client.h"
#include "daemon/access/idle.h"
#include "daemon/access/polkit.h"
#include "daemon/access/private.h"
#include "daemon/access/subscribers.h"
#include "daemon/bus/fleet-bus.h"
#include "daemon/bus/images.h"
#include "daemon/bus/log-control.h"
#include "daemon/bus/log-stream.h"
#include "daemon/bus/manager-bus.h"
#include "daemon/bus/network-bus.h"
#include "daemon/bus/unikernel-bus.h"
#include "daemon/bus/volumes.h"
#include "daemon/change/change-share.h"
#include "daemon/change/change.h"
#include "daemon/change/network-change.h"
#include "daemon/change/update.h"
#include "daemon/state/addresses.h"
#include "daemon/state/configuration.h"
#include "daemon/state/cut-off-watch.h"
#include "daemon/state/job-run.h"
#include "daemon/state/network-registry.h"
#include "daemon/state/registry.h"
#include "daemon/state/systemd.h"
#include "daemon/state/units.h"

#define WORKER_THREADS  8
#define WORKER_PER_USER 1
#define HELPERS_AT_ONCE 4

/* The bus keeps at most 128 unanswered calls of ours (dbus-daemon(1), max_replies_per_connection). The calls
 * that others can make us send therefore have shares: 20, 16 and 16 here, 12 for reading units, up to 64 for
 * starts. */
#define POLKIT_QUERIES_AT_ONCE  20
#define POLKIT_QUERIES_PER_USER 8
#define POLKIT_DIALOGS_AT_ONCE  16
#define POLKIT_DIALOGS_PER_USER 4
/* A stop mostly waits: libvirt checks every 200 ms whether QEMU has ended (virProcessKillPainfully()). So
 * more stops than starts run at once, and no stop waits for a start. */
#define STOPS_AT_ONCE  16
#define STOPS_PER_USER 12

/* Each asks polkit, reads files or asks libvirt about all unikernels. */
#define OVERVIEWS_AT_ONCE  2
#define OVERVIEWS_PER_USER 1

#define CONNECT_RETRY (2 * G_USEC_PER_SEC)

/* Checks the caller and the size of each incoming call. A call that is dispatched again passes here
 * again. */
static int on_daemon_message(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Manager *manager = userdata;
        int r;

        if (!sd_bus_message_is_method_call(message, NULL, NULL))
                return 0;

        r = client_notice(manager, message);
        if (r >= 0)
                r = message_check_size(message, manager_conf(manager)->message_size_max);
        if (r >= 0)
                return unikernel_object_await(manager, message);
        if (r == -EMSGSIZE)
                return reply_error(message, &error,
                                error_set(&error, ERROR_LIMIT_EXCEEDED,
                                                "The message is too large (MessageSizeMax=)"));

        /* For example a handle without a descriptor. */
        if (r == -EBADMSG || r == -ENXIO || r == -EINVAL)
                return reply_invalid_args(message, r);

        return reply_error(message, &error, error_set_errno(&error, r, "Cannot accept the message"));
}

static int daemon_export(Manager *manager, sd_bus *bus)
{
        int r;

        r = sd_bus_add_filter(bus, NULL, on_daemon_message, manager);
        if (r >= 0)
                r = sd_bus_add_object_vtable(bus, NULL, SHRUTHI_OBJECT_PATH, SHRUTHI_INTERFACE_MANAGER,
                                manager_vtable, manager);
        if (r >= 0)
                r = sd_bus_add_fallback_vtable(bus, NULL, SHRUTHI_UNIKERNEL_PATH,
                                SHRUTHI_INTERFACE_UNIKERNEL, unikernel_vtable, unikernel_object_find,
                                manager);
        if (r >= 0)
                r = sd_bus_add_node_enumerator(
                                bus, NULL, SHRUTHI_UNIKERNEL_PATH, unikernel_node_enumerate, manager);
        if (r >= 0)
                r = sd_bus_add_fallback_vtable(bus, NULL, SHRUTHI_NETWORK_PATH, SHRUTHI_INTERFACE_NETWORK,
                                network_vtable, network_object_find, manager);
        if (r >= 0)
                r = sd_bus_add_node_enumerator(
                                bus, NULL, SHRUTHI_NETWORK_PATH, network_node_enumerate, manager);
        if (r >= 0)
                r = sd_bus_add_fallback_vtable(bus, NULL, SHRUTHI_FLEET_PATH, SHRUTHI_INTERFACE_FLEET,
                                fleet_vtable, fleet_object_find, manager);
        if (r >= 0)
                r = sd_bus_add_node_enumerator(bus, NULL, SHRUTHI_FLEET_PATH, fleet_node_enumerate, manager);
        /* No enumerator: not everybody may list them, see subscribers.h. */
        if (r >= 0)
                r = sd_bus_add_fallback_vtable(bus, NULL, SHRUTHI_VOLUME_PATH, SHRUTHI_INTERFACE_VOLUME,
                                volume_vtable, volume_object_find, manager);
        if (r >= 0)
                r = sd_bus_add_fallback_vtable(bus, NULL, SHRUTHI_IMAGE_PATH, SHRUTHI_INTERFACE_IMAGE,
                                image_vtable, image_object_find, manager);
        if (r >= 0)
                r = sd_bus_add_object_manager(bus, NULL, SHRUTHI_OBJECT_PATH);
        if (r >= 0)
                r = log_control_export(bus);

        return r;
}

static int on_daemon_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
        if (si->ssi_signo == SIGHUP)
                configuration_reload(userdata, NULL, NULL);
        else
                idle_leave(userdata);
        return 0;
}

static int on_daemon_name(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        Manager *manager = userdata;

        if (error) {
                log_error("Cannot acquire the name " SHRUTHI_BUS_NAME " on the bus: %s", error->message);
                return sd_event_exit(manager->event, -EIO);
        }

        (void) sd_notify(0, manager->conf->broken
                                            ? "READY=1\nSTATUS=Serving the bus with limited functions: "
                                              "shruthi.conf is invalid, see shruthictl doctor"
                                            : "READY=1\nSTATUS=Serving the bus");
        return 0;
}

/* The name is requested last, so that a client that activated us by it sees everything. */
static void on_systemd_ready(Manager *manager)
{
        int r;

        manager->published = true;
        units_repair(manager);
        updates_resume(manager);
        r = sd_bus_request_name_async(manager->bus, NULL, SHRUTHI_BUS_NAME, 0, on_daemon_name, manager);
        if (r < 0) {
                log_error("Cannot request the name " SHRUTHI_BUS_NAME ": %s", g_strerror(-r));
                (void) sd_event_exit(manager->event, r);
        }
}

static void on_systemd_job_removed(
                Manager *manager, const char *path, const char *unit, const char *result)
{
        jobs_removed(manager, path, unit, result);
        if (g_str_equal(unit, SYSTEMD_SHUTDOWN_UNIT))
                updates_check_shutdown(manager);
}

static const SystemdListener systemd_listener = {
                .ready = on_systemd_ready,
                .job_removed = on_systemd_job_removed,
                .signals_missed = jobs_check,
};

static int on_daemon_hangup(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Manager *manager = userdata;

        /* Nothing is lost by it: systemd starts us again. */
        log_warning("The bus is gone, exiting");
        return sd_event_exit(manager->event, -ECONNRESET);
}

static int daemon_connect(Manager *manager)
{
        g_autoptr(sd_bus) bus = NULL;
        int r;

        r = paths_are_of_user() ? sd_bus_open_user(&bus) : sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_attach_event(bus, manager->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = daemon_export(manager, bus);
        if (r >= 0)
                r = sd_bus_match_signal_async(bus, NULL, "org.freedesktop.DBus.Local",
                                "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local", "Disconnected",
                                on_daemon_hangup, NULL, manager);
        if (r < 0)
                return r;

        manager->bus = g_steal_pointer(&bus);
        r = clients_watch(manager);
        if (r < 0)
                return r;

        return systemd_new(manager, &systemd_listener, &manager->systemd);
}

static int on_daemon_connect_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Manager *manager = userdata;

        if (daemon_connect(manager) >= 0)
                return 0;
        /* It stopped half-way: start over. */
        if (manager->bus)
                return sd_event_exit(manager->event, -EIO);

        (void) sd_event_source_set_time_relative(source, CONNECT_RETRY);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* Without a bus the private socket still works, and the bus may appear later. */
static int daemon_reach_bus(Manager *manager)
{
        int r = daemon_connect(manager);

        if (r >= 0)
                return 0;
        if (manager->bus || !manager->listen_source)
                return r;

        log_warning("There is no bus (%s); serving only the private socket", g_strerror(-r));
        (void) sd_notify(0, "READY=1\nSTATUS=Serving the private socket; there is no bus");
        return sd_event_add_time_relative(manager->event, &manager->connect_source, CLOCK_MONOTONIC,
                        CONNECT_RETRY, 0, on_daemon_connect_time, manager);
}

static int daemon_take_sockets(Manager *manager)
{
        int n = sd_listen_fds(true), r;

        if (n <= 0)
                return n;
        if (n > 1 || sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0) <= 0) {
                log_error("Expected one listening stream socket from systemd, got %d file descriptors", n);
                return -EINVAL;
        }

        r = private_listen(manager, SD_LISTEN_FDS_START);
        return r < 0 ? r : 0;
}

static int daemon_add_signals(Manager *manager)
{
        static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
        int r = 0;

        for (size_t i = 0; i < G_N_ELEMENTS(signals) && r >= 0; i++)
                r = sd_event_add_signal(manager->event, NULL, signals[i], on_daemon_signal, manager);

        return r;
}

static void on_client_gone(Manager *manager, const char *name)
{
        polkit_forget_sender(manager, name);
        subscribers_forget(manager, name);
}

static void on_conf_repaired(Manager *manager)
{
        networks_repair(manager);
        addresses_sweep(manager);
}

static void on_daemon_unikernel_changed(Manager *manager, const char *name)
{
        fleets_note(manager, name);
        updates_look(manager, name);
}

static const ManagerHooks manager_hooks = {
                .export = daemon_export,
                .client_gone = on_client_gone,
                .unikernel_changed = on_daemon_unikernel_changed,
                .unikernel_gone = fleets_forget,
                .conf_repaired = on_conf_repaired,
                .network_repair = network_change_repair,
};

static void peer_free(gpointer bus)
{
        sd_bus_flush_close_unref(bus);
}

static void daemon_new_tables(Manager *manager)
{
        manager->peers = g_ptr_array_new_with_free_func(peer_free);
        manager->acceleration = g_strdup("");
        manager->unikernels = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unikernel_destroy);
        manager->by_uuid = g_hash_table_new(g_str_hash, g_str_equal);
        manager->sealing = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        manager->networks = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, network_destroy);
        manager->changing = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        manager->shares = change_shares_new();
        manager->fleets = fleets_new();
        manager->updates = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        manager->sweeping = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        manager->fetching = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        manager->enabled = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        manager->clients = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, client_destroy);
        manager->queries = g_hash_table_new_full(NULL, NULL, NULL, query_destroy);
        manager->calls_of = g_hash_table_new(NULL, NULL);
}

/* shruthid also runs if the file is broken: it must report what is wrong, and running unikernels can still
 * be inspected and stopped. */
static void daemon_load_conf(Manager *manager)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Conf *conf = NULL;
        int r;

        r = conf_load(&conf, &error);
        if (r < 0)
                log_error("shruthi.conf is invalid; until it is corrected nothing can be created, changed "
                          "or started: %s",
                                error_message(&error, r));
        manager_set_conf(manager, conf);
}

int daemon_new(Manager **ret_manager, Error *ret_error)
{
        _cleanup_daemon_ Manager *manager = g_new0(Manager, 1);
        int r;

        manager->hooks = &manager_hooks;
        daemon_new_tables(manager);
        manager->starts = queue_new(1, 0);
        manager->stops = queue_new(STOPS_AT_ONCE, STOPS_PER_USER);
        daemon_load_conf(manager);

        r = sd_event_default(&manager->event);
        if (r >= 0)
                r = sd_event_set_watchdog(manager->event, true);
        if (r >= 0)
                r = daemon_add_signals(manager);
        if (r >= 0)
                r = worker_new(manager->event, WORKER_THREADS, WORKER_PER_USER, &manager->worker);
        if (r >= 0)
                r = worker_new(manager->event, 1, 0, &manager->loader);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot set up the event loop");
        manager->polkit_queries = queue_new(POLKIT_QUERIES_AT_ONCE, POLKIT_QUERIES_PER_USER);
        manager->polkit_dialogs = queue_new(POLKIT_DIALOGS_AT_ONCE, POLKIT_DIALOGS_PER_USER);
        manager->overviews = queue_new(OVERVIEWS_AT_ONCE, OVERVIEWS_PER_USER);
        manager->helper = libvirt_helper_new(manager->event, HELPERS_AT_ONCE);

        definitions_tidy();
        change_finish_removals();
        r = registry_new(manager, &manager->registry, ret_error);
        if (r < 0)
                return r;
        manager->cut_off = cut_off_watch_new(manager);
        networks_load(manager);

        *ret_manager = g_steal_pointer(&manager);
        return 0;
}

Manager *daemon_free(Manager *manager)
{
        if (!manager)
                return NULL;

        /* Threads that still run use none of this, only what was handed to them. */
        manager->subscribers = subscribers_free(manager->subscribers);
        g_hash_table_unref(manager->queries);
        g_hash_table_unref(manager->clients);
        manager->systemd = systemd_free(manager->systemd);
        registry_free(manager->registry);
        cut_off_watch_free(manager->cut_off);
        g_hash_table_unref(manager->unikernels);
        g_hash_table_unref(manager->by_uuid);
        g_hash_table_unref(manager->fleets);
        g_hash_table_unref(manager->networks);
        g_hash_table_unref(manager->changing);
        g_hash_table_unref(manager->shares);
        g_hash_table_unref(manager->updates);
        g_hash_table_unref(manager->sweeping);
        g_hash_table_unref(manager->fetching);
        g_hash_table_unref(manager->sealing);
        g_hash_table_unref(manager->enabled);
        g_hash_table_unref(manager->calls_of);
        g_ptr_array_unref(manager->peers);
        sd_bus_flush_close_unref(manager->bus);
        sd_event_source_disable_unref(manager->idle_source);
        sd_event_source_disable_unref(manager->listen_source);
        sd_event_source_disable_unref(manager->connect_source);
        worker_free(manager->worker);
        worker_free(manager->loader);
        libvirt_helper_free(manager->helper);
        queue_free(manager->starts);
        queue_free(manager->stops);
        queue_free(manager->polkit_queries);
        queue_free(manager->polkit_dialogs);
        queue_free(manager->overviews);
        shared_conf_unref(manager->conf);
        sd_event_unref(manager->event);
        g_free(manager->acceleration);
        g_free(manager->boot_id);
        g_free(manager);
        return NULL;
}

int daemon_run(Manager *manager)
{
        int r;

        r = daemon_take_sockets(manager);
        if (r >= 0)
                r = daemon_reach_bus(manager);
        if (r >= 0)
                r = idle_start(manager);
        if (r < 0) {
                log_error("Cannot serve: %s", g_strerror(-r));
                return r;
        }
        manager_probe(manager);
        log_stream_find_boot(manager);
        addresses_sweep(manager);
        volumes_clean(manager);
        networks_repair(manager);

        return sd_event_loop(manager->event);
}
