/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Paths: the directories set by the build, below a root that tests may set. */

#include "common/paths.h"

#include <glib.h>
#include <limits.h>
#include <string.h>

#include "config.h"

enum {
        PATH_CONFIG,
        PATH_VENDOR,
        PATH_STATE,
        PATH_RUNTIME,
        PATH_CONFIG_DEFINITIONS,
        PATH_STATE_DEFINITIONS,
        PATH_VENDOR_DEFINITIONS,
        PATH_IMAGES,
        PATH_VOLUMES,
        PATH_CREDENTIALS,
        PATH_NETWORKS,
        PATH_HOSTS,
        PATH_GENERATIONS,
        PATH_UPDATES,
        PATH_SNAPSHOTS,
        PATH_CONSOLES,
        PATH_LIVENESS,
        PATH_CUT_OFF,
        PATH_PROBE,
        PATH_RESULTS,
        PATH_REFUSALS,
        PATH_RESTORES,
        PATH_RATES,
        PATH_LIBEXEC,
        PATH_GENERATED_UNITS,
        PATH_CGROUPS,
        PATH_BUS_SERVICES,
        _PATH_MAX,
};

static const char *const defaults[_PATH_MAX] = {
                [PATH_CONFIG] = SHRUTHI_CONFDIR,
                [PATH_VENDOR] = SHRUTHI_VENDORDIR,
                [PATH_STATE] = SHRUTHI_STATEDIR,
                [PATH_RUNTIME] = SHRUTHI_RUNTIMEDIR,
                [PATH_CONFIG_DEFINITIONS] = SHRUTHI_CONFDIR "/unikernels",
                [PATH_STATE_DEFINITIONS] = SHRUTHI_STATEDIR "/unikernels",
                [PATH_VENDOR_DEFINITIONS] = SHRUTHI_VENDORDIR "/unikernels",
                [PATH_IMAGES] = SHRUTHI_STATEDIR "/images",
                [PATH_VOLUMES] = SHRUTHI_STATEDIR "/volumes",
                [PATH_CREDENTIALS] = SHRUTHI_SEALDIR,
                [PATH_NETWORKS] = SHRUTHI_STATEDIR "/networks",
                [PATH_HOSTS] = SHRUTHI_HOSTSDIR,
                [PATH_GENERATIONS] = SHRUTHI_STATEDIR "/generations",
                [PATH_UPDATES] = SHRUTHI_STATEDIR "/updates",
                [PATH_SNAPSHOTS] = SHRUTHI_STATEDIR "/snapshots",
                [PATH_CONSOLES] = SHRUTHI_RUNTIMEDIR "/unikernels",
                [PATH_LIVENESS] = SHRUTHI_RUNTIMEDIR "/lives",
                [PATH_CUT_OFF] = SHRUTHI_RUNTIMEDIR "/cut-off",
                [PATH_PROBE] = SHRUTHI_RUNTIMEDIR "/probe",
                [PATH_RESULTS] = SHRUTHI_RUNTIMEDIR "/results",
                [PATH_REFUSALS] = SHRUTHI_RUNTIMEDIR "/refusals",
                [PATH_RESTORES] = SHRUTHI_RUNTIMEDIR "/restores",
                [PATH_RATES] = SHRUTHI_RUNTIMEDIR "/rates",
                [PATH_LIBEXEC] = SHRUTHI_LIBEXECDIR,
                [PATH_GENERATED_UNITS] = "/run/systemd/generator",
                [PATH_CGROUPS] = "/sys/fs/cgroup",
                [PATH_BUS_SERVICES] = "/usr/share/dbus-1/system-services",
};

static char *rooted[_PATH_MAX];

void paths_set_root(const char *root)
{
        for (int i = 0; i < _PATH_MAX; i++) {
                g_clear_pointer(&rooted[i], g_free);
                if (root)
                        rooted[i] = g_strconcat(root, defaults[i], NULL);
        }
}

static const char *path_get(int i)
{
        return rooted[i] ?: defaults[i];
}

const char *paths_config_dir(void)
{
        return path_get(PATH_CONFIG);
}

const char *paths_vendor_dir(void)
{
        return path_get(PATH_VENDOR);
}

const char *paths_state_dir(void)
{
        return path_get(PATH_STATE);
}

const char *paths_runtime_dir(void)
{
        return path_get(PATH_RUNTIME);
}

const char *paths_config_definitions(void)
{
        return path_get(PATH_CONFIG_DEFINITIONS);
}

const char *paths_state_definitions(void)
{
        return path_get(PATH_STATE_DEFINITIONS);
}

const char *paths_vendor_definitions(void)
{
        return path_get(PATH_VENDOR_DEFINITIONS);
}

const char *paths_images(void)
{
        return path_get(PATH_IMAGES);
}

const char *paths_volumes(void)
{
        return path_get(PATH_VOLUMES);
}

const char *paths_credentials(void)
{
        return path_get(PATH_CREDENTIALS);
}

const char *paths_networks(void)
{
        return path_get(PATH_NETWORKS);
}

const char *paths_generations(void)
{
        return path_get(PATH_GENERATIONS);
}

const char *paths_updates(void)
{
        return path_get(PATH_UPDATES);
}

const char *paths_snapshots(void)
{
        return path_get(PATH_SNAPSHOTS);
}

const char *paths_hosts(void)
{
        return path_get(PATH_HOSTS);
}

const char *paths_consoles(void)
{
        return path_get(PATH_CONSOLES);
}

const char *paths_cut_off(void)
{
        return path_get(PATH_CUT_OFF);
}

const char *paths_liveness(void)
{
        return path_get(PATH_LIVENESS);
}

const char *paths_probe(void)
{
        return path_get(PATH_PROBE);
}

const char *paths_results(void)
{
        return path_get(PATH_RESULTS);
}

const char *paths_refusals(void)
{
        return path_get(PATH_REFUSALS);
}

const char *paths_restores(void)
{
        return path_get(PATH_RESTORES);
}

const char *paths_rates(void)
{
        return path_get(PATH_RATES);
}

const char *paths_generated_units(void)
{
        return path_get(PATH_GENERATED_UNITS);
}

const char *paths_cgroups(void)
{
        return path_get(PATH_CGROUPS);
}

const char *paths_bus_services(void)
{
        return path_get(PATH_BUS_SERVICES);
}

const char *paths_libexec_dir(void)
{
        return path_get(PATH_LIBEXEC);
}

char *paths_unikernel_runtime(const char *name)
{
        return g_strdup_printf("%s/%s", path_get(PATH_CONSOLES), name);
}

bool path_is_normalized(const char *path)
{
        g_auto(GStrv) components = NULL;

        if (path[0] != '/' || path[1] == 0 || strlen(path) >= PATH_MAX)
                return false;

        components = g_strsplit(path + 1, "/", -1);
        for (char **component = components; *component; component++)
                if (**component == 0 || g_str_equal(*component, ".") || g_str_equal(*component, ".."))
                        return false;

        return true;
}
