/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What all rooms do with shruthid's one object: read the configuration in force, send signals to all
 * connections. */

#include "daemon/core/manager.h"

#include <systemd/sd-daemon.h>

#include "common/log.h"
#include "common/names.h"

SharedConf *shared_conf_ref(SharedConf *shared)
{
        g_atomic_int_inc(&shared->references);
        return shared;
}

SharedConf *shared_conf_unref(SharedConf *shared)
{
        if (shared && g_atomic_int_dec_and_test(&shared->references)) {
                conf_free(shared->conf);
                g_free(shared);
        }
        return NULL;
}

const Conf *manager_conf(const Manager *manager)
{
        return manager->conf->conf;
}

/* One user never gets all places for starts: a guest that hangs delays its owner's other starts, and nobody
 * else's. */
void manager_set_conf(Manager *manager, Conf *conf)
{
        shared_conf_unref(manager->conf);
        manager->conf = g_new0(SharedConf, 1);
        *manager->conf = (SharedConf){
                        .references = 1, .conf = conf ?: conf_new_default(), .broken = conf == NULL};
        conf = manager->conf->conf;
        if (manager->starts)
                queue_set_places(
                                manager->starts, conf->starts_in_flight, MAX(conf->starts_in_flight, 2) - 1);
}

static void manager_emit_object_on(
                sd_bus *bus, bool added, const char *signal, const char *name, const char *path)
{
        int r;

        if (added)
                r = sd_bus_emit_object_added(bus, path);
        else
                r = sd_bus_emit_object_removed(bus, path);
        if (r >= 0)
                r = sd_bus_emit_signal(bus, SHRUTHI_OBJECT_PATH, SHRUTHI_INTERFACE_MANAGER, signal, "so",
                                name, path);
        if (r < 0)
                log_debug("Cannot announce '%s' on the bus: %s", name, g_strerror(-r));
}

void manager_emit_object(
                Manager *manager, bool added, const char *signal, const char *name, const char *path)
{
        if (manager->bus && manager->published)
                manager_emit_object_on(manager->bus, added, signal, name, path);
        for (guint i = 0; i < manager->peers->len; i++)
                manager_emit_object_on(manager->peers->pdata[i], added, signal, name, path);
}

void manager_emit_signal(Manager *manager, const char *path, const char *interface, const char *signal)
{
        if (manager->bus && manager->published)
                (void) sd_bus_emit_signal(manager->bus, path, interface, signal, NULL);
        for (guint i = 0; i < manager->peers->len; i++)
                (void) sd_bus_emit_signal(manager->peers->pdata[i], path, interface, signal, NULL);
}

void manager_emit_changed(Manager *manager, const char *path, const char *interface, char **properties)
{
        if (manager->bus && manager->published)
                (void) sd_bus_emit_properties_changed_strv(manager->bus, path, interface, properties);
        for (guint i = 0; i < manager->peers->len; i++)
                (void) sd_bus_emit_properties_changed_strv(
                                manager->peers->pdata[i], path, interface, properties);
}

static void on_manager_probed(int r, Error *error, const char *output, void *userdata)
{
        DomainKey key;
        char *names[] = {(char *) "Acceleration", NULL};
        Manager *manager = userdata;

        if (r < 0) {
                log_debug("Cannot find out whether KVM works: %s", error_message(error, r));
                return;
        }
        for (char *value; domain_next_key(&output, &key, &value);) {
                if (key == DOMAIN_KEY_KVM) {
                        g_free(manager->acceleration);
                        manager->acceleration = g_strdup(g_str_equal(value, "yes") ? "kvm" : "tcg");
                }
                g_free(value);
        }
        manager_emit_changed(manager, SHRUTHI_OBJECT_PATH, SHRUTHI_INTERFACE_MANAGER, names);
}

void manager_probe(Manager *manager)
{
        libvirt_helper_run(manager->helper, 0, "probe", NULL, on_manager_probed, manager);
}

void manager_touch(Manager *manager)
{
        (void) sd_event_now(manager->event, CLOCK_MONOTONIC, &manager->idle_since);
}

bool manager_replace_conf(Manager *manager, Conf *conf)
{
        char *names[] = {(char *) "LibvirtURI", NULL};
        bool was_broken = manager->conf->broken;

        manager_set_conf(manager, conf);
        manager_emit_changed(manager, SHRUTHI_OBJECT_PATH, SHRUTHI_INTERFACE_MANAGER, names);
        manager_probe(manager);
        if (was_broken) {
                log_info("shruthi.conf is valid again");
                (void) sd_notify(0, "STATUS=Serving the bus");
        }
        return was_broken;
}

int manager_check_conf(Manager *manager, Error *ret_error)
{
        Conf *conf;
        int r;

        if (!manager->conf->broken)
                return 0;

        r = conf_load(&conf, ret_error);
        if (r < 0)
                return r;

        (void) manager_replace_conf(manager, conf);
        manager->hooks->conf_repaired(manager);
        return 0;
}
