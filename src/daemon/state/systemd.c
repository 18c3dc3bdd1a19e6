/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The client of systemd: subscribes once and follows our units by their signals. It reads all properties
 * only after it may have missed something: systemd loads a unit that is not loaded in order to answer, which
 * costs it more than all the rest. */

#include "daemon/state/systemd.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "common/names.h"
#include "common/unikernel-name.h"
#include "daemon/state/enabled.h"
#include "daemon/state/unikernel.h"

#define UNIT_PATH SYSTEMD_PATH "/unit"
/* unikernel@ as systemd escapes it in object paths */
#define OUR_PATH_START     UNIT_PATH "/unikernel_40"
#define PROPERTIES_CHANGED "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"
/* Two calls each: see the shares in daemon.c. */
#define FETCHES_AT_ONCE 6
#define READY_TIMEOUT   (20 * G_USEC_PER_SEC)

struct Systemd {
        Manager *manager;
        Queue *fetches;
        const SystemdListener *listener;
        bool ready; /* the first round is over */
        sd_event_source *ready_source;
        unsigned fetching; /* outstanding in the first round */
        bool listed;
        Reload *reload;
};

typedef struct Fetch {
        Systemd *systemd;
        QueueEntry *entry;
        char *name, *path;
        bool first_round, timestamps;
        sd_bus_slot *result; /* of the first of the two calls */
        SystemdFetched done;
        void *userdata;
} Fetch;

static void systemd_list(Systemd *systemd);

int systemd_read_error(const sd_bus_error *error, const char *what, Error *ret_error)
{
        static const char *const gone[] = {"org.freedesktop.DBus.Error.ServiceUnknown",
                        "org.freedesktop.DBus.Error.NameHasNoOwner", "org.freedesktop.DBus.Error.NoReply",
                        "org.freedesktop.DBus.Error.Disconnected", NULL};

        if (g_strv_contains(gone, error->name))
                return error_set(ret_error, ERROR_SYSTEMD_UNAVAILABLE,
                                "Cannot %s: systemd does not answer (%s)", what, error->message);
        if (sd_bus_error_has_names(error, "org.freedesktop.DBus.Error.AccessDenied",
                            "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"))
                return error_set(ret_error, ERROR_FAILED,
                                "Cannot %s: systemd does not authorize user " SHRUTHI_USER
                                "; is polkit running, and is org.dream.Shruthi-service.rules installed?",
                                what);
        if (sd_bus_error_has_name(error, "org.freedesktop.systemd1.TransactionIsDestructive"))
                return error_set(ret_error, ERROR_BUSY, "Cannot %s: %s", what, error->message);

        return error_set(ret_error, ERROR_FAILED, "Cannot %s: %s", what, error->message);
}

bool systemd_is_reachable(const Manager *manager)
{
        return manager->systemd && sd_bus_is_ready(manager->bus) > 0;
}

static void systemd_ready(Systemd *systemd)
{
        systemd->ready_source = sd_event_source_disable_unref(systemd->ready_source);
        if (systemd->ready)
                return;

        systemd->ready = true;
        systemd->listener->ready(systemd->manager);
}

static void fetch_end(Fetch *fetch, int r, Error *error)
{
        Systemd *systemd = fetch->systemd;

        if (fetch->first_round && --systemd->fetching == 0 && systemd->listed)
                systemd_ready(systemd);
        if (fetch->done)
                fetch->done(r, error, fetch->userdata);
        queue_entry_done(fetch->entry);
        sd_bus_slot_unref(fetch->result);
        g_free(fetch->name);
        g_free(fetch->path);
        g_free(fetch);
}

/* The status that systemd's answers and signals about name are written to, immediately and in order: a
 * status built aside from several answers would overwrite what a signal reported between them. NULL if name
 * is not valid. */
static UnitStatus *systemd_acquire_status(Systemd *systemd, const char *name)
{
        Unikernel *unikernel = unikernel_acquire(systemd->manager, name);

        return unikernel ? &unikernel->status : NULL;
}

static void fetch_show(Fetch *fetch)
{
        Unikernel *unikernel = unikernel_get(fetch->systemd->manager, fetch->name);

        if (unikernel)
                (void) unikernel_refresh(unikernel);
        fetch_end(fetch, 0, NULL);
}

/* Reads the answer to a query for one property of the service. */
static void fetch_read_property(Fetch *fetch, const char *property, sd_bus_message *reply)
{
        UnitStatus *status = systemd_acquire_status(fetch->systemd, fetch->name);

        if (status && !sd_bus_message_is_method_error(reply, NULL))
                (void) unit_status_read_property(status, property, reply);
}

static int on_fetch_exit_status(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        fetch_read_property(userdata, "ExecMainStatus", reply);
        fetch_show(userdata);
        return 0;
}

static int on_fetch_forked(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        fetch_read_property(userdata, "ExecMainStartTimestampMonotonic", reply);
        fetch_show(userdata);
        return 0;
}

static int on_fetch_restarts(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        fetch_read_property(userdata, "NRestarts", reply);
        return 0;
}

static int on_fetch_result(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        fetch_read_property(userdata, "Result", reply);
        return 0;
}

static int fetch_more(Fetch *fetch, const char *property, sd_bus_message_handler_t handler)
{
        return sd_bus_call_method_async(fetch->systemd->manager->bus, NULL, SYSTEMD_NAME, fetch->path,
                        "org.freedesktop.DBus.Properties", "Get", handler, fetch, "ss",
                        SYSTEMD_NAME ".Service", property);
}

/* The exit status and the number of restarts are read only where they mean something, the time of the fork
 * only for callers that want it. */
static int on_fetch_unit(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        Fetch *fetch = userdata;
        UnitStatus *status = systemd_acquire_status(fetch->systemd, fetch->name);
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        bool failed;
        int r = -ENODATA;

        if (error || !status || unit_status_read(status, reply) < 0)
                log_warning("Cannot read the unit of unikernel '%s': %s", fetch->name,
                                error ? error->message : "malformed answer");
        failed = status && g_strcmp0(status->active_state, "failed") == 0;
        if (failed)
                (void) fetch_more(fetch, "NRestarts", on_fetch_restarts);
        if (failed || (status && g_strcmp0(status->result, "exit-code") == 0))
                r = fetch_more(fetch, "ExecMainStatus", on_fetch_exit_status);
        else if (fetch->timestamps)
                r = fetch_more(fetch, "ExecMainStartTimestampMonotonic", on_fetch_forked);
        if (r < 0)
                fetch_show(fetch);
        return 0;
}

static void on_fetch_turn(QueueEntry *entry, void *userdata)
{
        Fetch *fetch = userdata;
        g_autofree char *unit = unit_name_for(fetch->name);
        sd_bus *bus = fetch->systemd->manager->bus;
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        fetch->entry = entry;
        /* Answers arrive in the order of the queries, so the second one completes the status. */
        r = sd_bus_path_encode(UNIT_PATH, unit, &fetch->path);
        if (r >= 0)
                r = sd_bus_call_method_async(bus, &fetch->result, SYSTEMD_NAME, fetch->path,
                                "org.freedesktop.DBus.Properties", "Get", on_fetch_result, fetch, "ss",
                                SYSTEMD_NAME ".Service", "Result");
        if (r >= 0)
                r = sd_bus_call_method_async(bus, NULL, SYSTEMD_NAME, fetch->path,
                                "org.freedesktop.DBus.Properties", "GetAll", on_fetch_unit, fetch, "s",
                                SYSTEMD_NAME ".Unit");
        if (r < 0) {
                r = error_set_errno(&error, r, "Cannot ask systemd about unikernel '%s'", fetch->name);
                log_error("%s", error.message);
                fetch_end(fetch, r, &error);
        }
}

static void fetch_new(
                Systemd *systemd, const char *name, bool timestamps, SystemdFetched done, void *userdata)
{
        Fetch *fetch = g_new0(Fetch, 1);

        *fetch = (Fetch){.systemd = systemd,
                        .name = g_strdup(name),
                        .done = done,
                        .userdata = userdata,
                        .first_round = !systemd->ready,
                        .timestamps = timestamps};
        if (fetch->first_round)
                systemd->fetching++;
        queue_add(systemd->fetches, 0, on_fetch_turn, fetch);
}

void systemd_fetch(Systemd *systemd, const char *name, SystemdFetched done, void *userdata)
{
        fetch_new(systemd, name, false, done, userdata);
}

void systemd_fetch_timestamps(Systemd *systemd, const char *name, SystemdFetched done, void *userdata)
{
        fetch_new(systemd, name, true, done, userdata);
}

typedef struct ShutdownQuestion {
        Systemd *systemd;
        SystemdShutdown done;
        void *userdata;
} ShutdownQuestion;

static int on_shutdown_state(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        g_autofree ShutdownQuestion *question = userdata;
        const char *state = "";

        if (!systemd_is_reachable(question->systemd->manager))
                return 0;
        if (error || sd_bus_message_read(reply, "v", "s", &state) < 0)
                log_warning("Cannot ask systemd whether it shuts down: %s",
                                error ? error->message : "malformed answer");

        question->done(g_str_equal(state, "stopping"), question->userdata);
        return 0;
}

void systemd_ask_shutdown(Systemd *systemd, SystemdShutdown done, void *userdata)
{
        ShutdownQuestion *question = g_new(ShutdownQuestion, 1);
        int r;

        *question = (ShutdownQuestion){.systemd = systemd, .done = done, .userdata = userdata};
        r = sd_bus_call_method_async(systemd->manager->bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH,
                        "org.freedesktop.DBus.Properties", "Get", on_shutdown_state, question, "ss",
                        SYSTEMD_MANAGER, "SystemState");
        if (r >= 0)
                return;

        g_free(question);
        if (!systemd_is_reachable(systemd->manager))
                return;
        log_warning("Cannot ask systemd whether it shuts down: %s", g_strerror(-r));
        done(false, userdata);
}

/* Units that ended while we missed signals are unloaded, and in no list. */
static void systemd_fetch_unlisted(Systemd *systemd, GHashTable *listed)
{
        g_autoptr(GList) all = g_hash_table_get_values(systemd->manager->unikernels);

        for (GList *l = all; l; l = l->next) {
                const Unikernel *unikernel = l->data;
                const char *state = unikernel->status.active_state;

                if (state && !g_str_equal(state, "inactive") &&
                                !g_hash_table_contains(listed, unikernel->name))
                        systemd_fetch(systemd, unikernel->name, NULL, NULL);
        }
}

static int on_units_listed(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        g_autoptr(GHashTable) listed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        Systemd *systemd = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        const char *unit;
        int r;

        r = error ? -EIO : sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "ssssssouso")) > 0) {
                char *name;

                r = sd_bus_message_read(reply, "s", &unit);
                if (r >= 0)
                        r = sd_bus_message_skip(reply, "sssssouso");
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
                if (r >= 0 && unit_name_parse(unit, &name) >= 0) {
                        systemd_fetch(systemd, name, NULL, NULL);
                        g_hash_table_add(listed, name);
                }
        }
        if (r < 0)
                log_warning("Cannot list the units of unikernels: %s",
                                error ? error->message : g_strerror(-r));
        else
                systemd_fetch_unlisted(systemd, listed);

        systemd->listed = true;
        if (systemd->fetching == 0)
                systemd_ready(systemd);
        return 0;
}

/* Each signal has all properties of its interface that can change, and the service's signal comes before the
 * unit's (bus_unit_send_change_signal() of systemd): the second completes the status. */
static int on_unit_properties_changed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        const char *path = sd_bus_message_get_path(m), *interface;
        g_autofree char *unit = NULL, *name = NULL;
        Systemd *systemd = userdata;
        UnitStatus *status;

        /* Most signals are about other units. */
        if (!path || !g_str_has_prefix(path, OUR_PATH_START) ||
                        sd_bus_path_decode(path, UNIT_PATH, &unit) <= 0 || unit_name_parse(unit, &name) < 0)
                return 0;

        status = systemd_acquire_status(systemd, name);
        if (!status || sd_bus_message_read(m, "s", &interface) < 0 || unit_status_read(status, m) < 0)
                systemd_fetch(systemd, name, NULL, NULL);
        else if (status->active_state && g_str_equal(interface, SYSTEMD_NAME ".Unit"))
                (void) unikernel_refresh(unikernel_get(systemd->manager, name));
        return 0;
}

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        const char *path, *unit, *result;
        Systemd *systemd = userdata;
        uint32_t id;

        if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) >= 0)
                systemd->listener->job_removed(systemd->manager, path, unit, result);
        return 0;
}

/* After a reload or a re-execution: signals may have been missed. */
static int on_systemd_reloading(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        Systemd *systemd = userdata;
        int active;

        if (sd_bus_message_read(m, "b", &active) < 0 || active)
                return 0;

        systemd_list(systemd);
        systemd_scan_enabled(systemd);
        systemd->listener->signals_missed(systemd->manager);
        return 0;
}

static int on_unit_files_changed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        systemd_scan_enabled(userdata);
        return 0;
}

static int on_systemd_subscribed(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);

        if (error && !sd_bus_error_has_name(error, "org.freedesktop.systemd1.AlreadySubscribed"))
                log_warning("Cannot subscribe to systemd: %s", error->message);
        return 0;
}

static void systemd_subscribe(Systemd *systemd)
{
        (void) sd_bus_call_method_async(systemd->manager->bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH,
                        SYSTEMD_MANAGER, "Subscribe", on_systemd_subscribed, systemd, NULL);
}

static void systemd_list(Systemd *systemd)
{
        int r = sd_bus_call_method_async(systemd->manager->bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH,
                        SYSTEMD_MANAGER, "ListUnitsByPatterns", on_units_listed, systemd, "asas", 0, 1,
                        SHRUTHI_UNIT_PREFIX "*" SHRUTHI_UNIT_SUFFIX);

        if (r < 0)
                log_warning("Cannot list the units of unikernels: %s", g_strerror(-r));
}

static int on_systemd_owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        const char *name, *old_owner, *new_owner;
        Systemd *systemd = userdata;

        if (sd_bus_message_read(m, "sss", &name, &old_owner, &new_owner) < 0 || !new_owner[0])
                return 0;

        systemd_subscribe(systemd);
        systemd_list(systemd);
        systemd->listener->signals_missed(systemd->manager);
        return 0;
}

static void on_enabled_scanned(GHashTable *enabled, void *userdata)
{
        Systemd *systemd = userdata;
        g_autoptr(GHashTable) old = g_steal_pointer(&systemd->manager->enabled);
        g_autoptr(GList) all = g_hash_table_get_values(systemd->manager->unikernels);

        systemd->manager->enabled = enabled;
        for (GList *l = all; l; l = l->next) {
                Unikernel *unikernel = l->data;

                if (g_hash_table_contains(old, unikernel->name) !=
                                g_hash_table_contains(enabled, unikernel->name))
                        (void) unikernel_refresh(unikernel);
        }
}

void systemd_scan_enabled(Systemd *systemd)
{
        enabled_scan(systemd->manager->loader, on_enabled_scanned, systemd);
}

static int on_systemd_ready_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
        log_warning("Cannot get the units from systemd; continuing without");
        systemd_ready(userdata);
        return 0;
}

static int on_systemd_reloaded(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *bus_error = sd_bus_message_get_error(reply);
        _cleanup_error_ Error error = ERROR_INIT;
        Systemd *systemd = userdata;
        int r = bus_error ? systemd_read_error(bus_error, "make systemd reload its units", &error) : 0;

        reload_answered(systemd->reload, r, &error);
        return 0;
}

static int systemd_ask_reload(Reload *reload, void *userdata)
{
        g_autoptr(sd_bus_message) m = NULL;
        Systemd *systemd = userdata;
        int r;

        r = sd_bus_message_new_method_call(
                        systemd->manager->bus, &m, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "Reload");
        if (r < 0)
                return r;

        return sd_bus_call_async(
                        systemd->manager->bus, NULL, m, on_systemd_reloaded, systemd, SYSTEMD_CALL_TIMEOUT);
}

void systemd_reload(Systemd *systemd, ReloadDone done, void *userdata)
{
        reload_wait(systemd->reload, done, userdata);
}

static int systemd_match(Systemd *systemd, const char *rest, sd_bus_message_handler_t handler)
{
        g_autofree char *match = g_strconcat("type='signal',sender='" SYSTEMD_NAME "',", rest, NULL);

        return sd_bus_add_match_async(systemd->manager->bus, NULL, match, handler, NULL, systemd);
}

static int systemd_add_matches(Systemd *systemd)
{
        static const struct {
                const char *rest;
                sd_bus_message_handler_t handler;
        } matches[] = {
                        /* path_namespace matches only whole path elements, and the number of match rules is
                         * limited (see client.c), so signals of all units arrive, and the handler filters
                         * them. */
                        {PROPERTIES_CHANGED "path_namespace='" UNIT_PATH "',arg0='" SYSTEMD_NAME ".Unit'",
                                        on_unit_properties_changed},
                        {PROPERTIES_CHANGED "path_namespace='" UNIT_PATH "',arg0='" SYSTEMD_NAME ".Service'",
                                        on_unit_properties_changed},
                        {"interface='" SYSTEMD_MANAGER "',member='JobRemoved',path='" SYSTEMD_PATH "'",
                                        on_job_removed},
                        {"interface='" SYSTEMD_MANAGER "',member='Reloading',path='" SYSTEMD_PATH "'",
                                        on_systemd_reloading},
                        {"interface='" SYSTEMD_MANAGER "',member='UnitFilesChanged',path='" SYSTEMD_PATH "'",
                                        on_unit_files_changed},
        };
        int r = 0;

        for (size_t i = 0; i < G_N_ELEMENTS(matches) && r >= 0; i++)
                r = systemd_match(systemd, matches[i].rest, matches[i].handler);
        if (r < 0)
                return r;

        return sd_bus_add_match_async(systemd->manager->bus, NULL,
                        "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                        "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" SYSTEMD_NAME "'",
                        on_systemd_owner_changed, NULL, systemd);
}

int systemd_new(Manager *manager, const SystemdListener *listener, Systemd **ret_systemd)
{
        Systemd *systemd = g_new0(Systemd, 1);
        int r;

        *systemd = (Systemd){.manager = manager,
                        .listener = listener,
                        .fetches = queue_new(FETCHES_AT_ONCE, 0),
                        .reload = reload_new(manager->event, systemd_ask_reload, systemd)};

        /* Subscribe before the first query, so that no change is missed. */
        r = systemd_add_matches(systemd);
        if (r >= 0)
                r = sd_event_add_time_relative(manager->event, &systemd->ready_source, CLOCK_MONOTONIC,
                                READY_TIMEOUT, 0, on_systemd_ready_timeout, systemd);
        if (r < 0) {
                systemd_free(systemd);
                return r;
        }
        systemd_subscribe(systemd);
        systemd_list(systemd);
        systemd_scan_enabled(systemd);

        *ret_systemd = systemd;
        return 0;
}

Systemd *systemd_free(Systemd *systemd)
{
        if (!systemd)
                return NULL;

        sd_event_source_disable_unref(systemd->ready_source);
        queue_free(systemd->fetches);
        reload_free(systemd->reload);
        g_free(systemd);
        return NULL;
}
