/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads again the files that administrators write, one kind after the other. */

#include "daemon/state/configuration.h"

#include <systemd/sd-daemon.h>

#include "common/log.h"
#include "daemon/state/addresses.h"
#include "daemon/state/network-registry.h"
#include "daemon/state/registry.h"
#include "daemon/state/systemd.h"

typedef struct ConfigurationReload {
        Manager *manager;
        Conf *conf;
        int result;
        Error error;
        ConfigurationReloaded done;
        void *userdata;
} ConfigurationReload;

static void configuration_reload_end(ConfigurationReload *reload)
{
        reload->manager->reloading--;
        (void) sd_notify(0, "READY=1");
        if (reload->done)
                reload->done(reload->result, &reload->error, reload->userdata);
        error_clear(&reload->error);
        g_free(reload);
}

static void on_configuration_networks_read(void *userdata)
{
        ConfigurationReload *reload = userdata;

        addresses_sweep(reload->manager);
        configuration_reload_end(reload);
}

static void on_configuration_definitions_read(void *userdata)
{
        ConfigurationReload *reload = userdata;

        networks_refresh(reload->manager, on_configuration_networks_read, reload);
}

static void configuration_reload_run(void *userdata)
{
        ConfigurationReload *reload = userdata;

        reload->result = conf_load(&reload->conf, &reload->error);
}

static void configuration_reload_done(void *userdata)
{
        ConfigurationReload *reload = userdata;
        Manager *manager = reload->manager;

        if (reload->result < 0)
                log_warning("%s: %s",
                                manager->conf->broken ? "Still invalid"
                                                      : "The previous configuration stays in force",
                                reload->error.message);
        else if (manager_replace_conf(manager, reload->conf))
                networks_repair(manager);
        if (manager->systemd)
                systemd_scan_enabled(manager->systemd);
        registry_refresh(manager->registry, NULL, on_configuration_definitions_read, reload);
}

void configuration_reload(Manager *manager, ConfigurationReloaded done, void *userdata)
{
        ConfigurationReload *reload = g_new0(ConfigurationReload, 1);

        *reload = (ConfigurationReload){
                        .manager = manager, .done = done, .userdata = userdata, .error = ERROR_INIT};
        manager->reloading++;
        (void) sd_notify(0, "RELOADING=1");
        worker_run(manager->loader, 0, NULL, configuration_reload_run, configuration_reload_done, reload);
}
