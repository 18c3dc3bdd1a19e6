/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Paths: the directories set by the build, below a root that tests may set, or a user's own. */

#include "common/paths.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
        PATH_UPLINKS,
        PATH_LIBEXEC,
        PATH_GENERATED_UNITS,
        PATH_CGROUPS,
        PATH_BLOCK_DEVICES,
        PATH_PROCESSORS,
        PATH_BUS_SERVICES,
        _PATH_MAX,
};

#define GENERATED_DIR "/run/systemd/generator"

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
                [PATH_UPLINKS] = SHRUTHI_RUNTIMEDIR "/uplinks",
                [PATH_LIBEXEC] = SHRUTHI_LIBEXECDIR,
                [PATH_GENERATED_UNITS] = GENERATED_DIR,
                [PATH_CGROUPS] = "/sys/fs/cgroup",
                [PATH_BLOCK_DEVICES] = "/sys/dev/block",
                [PATH_PROCESSORS] = "/sys/devices/system/cpu",
                [PATH_BUS_SERVICES] = "/usr/share/dbus-1/system-services",
};

/* Made by paths_make_user_folders(), each below one that exists or is made before. */
static const int user_folders[] = {
                PATH_CONFIG,
                PATH_CONFIG_DEFINITIONS,
                PATH_STATE,
                PATH_STATE_DEFINITIONS,
                PATH_IMAGES,
                PATH_VOLUMES,
                PATH_GENERATIONS,
                PATH_UPDATES,
                PATH_NETWORKS,
                PATH_SNAPSHOTS,
                PATH_CREDENTIALS,
                PATH_RUNTIME,
                PATH_CONSOLES,
                PATH_LIVENESS,
                PATH_CUT_OFF,
                PATH_PROBE,
                PATH_RESULTS,
                PATH_RATES,
                PATH_RESTORES,
                PATH_UPLINKS,
};

/* Where settings of units are (systemd.unit(5)), in order of precedence, without those of generators. */
static const char *const system_unit_directories[] = {"/etc/systemd/system.control",
                "/run/systemd/system.control", "/run/systemd/transient", "/etc/systemd/system",
                "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", NULL};
static const char *const system_link_directories[] = {"/etc/systemd/system", "/run/systemd/system", NULL};

static char *rooted[_PATH_MAX];
static char **unit_directories, **link_directories; /* of a user */
static bool of_user;

void paths_set_root(const char *root)
{
        of_user = false;
        g_clear_pointer(&unit_directories, g_strfreev);
        g_clear_pointer(&link_directories, g_strfreev);
        for (int i = 0; i < _PATH_MAX; i++) {
                g_clear_pointer(&rooted[i], g_free);
                if (root)
                        rooted[i] = g_strconcat(root, defaults[i], NULL);
        }
}

/* A variable of the XDG Base Directory Specification counts if it is an absolute path. */
static char *user_directory(const char *variable, const char *otherwise, const char *name)
{
        const char *value = g_getenv(variable), *home = g_get_home_dir();

        if (value && value[0] == '/')
                return g_build_filename(value, name, NULL);
        return otherwise && home && home[0] == '/' ? g_build_filename(home, otherwise, name, NULL) : NULL;
}

/* What is below the folder moves with it. */
static void paths_move(const char *from, const char *to)
{
        size_t length = strlen(from);

        for (int i = 0; i < _PATH_MAX; i++)
                if (g_str_has_prefix(defaults[i], from) &&
                                (defaults[i][length] == '/' || defaults[i][length] == 0)) {
                        g_free(rooted[i]);
                        rooted[i] = g_strconcat(to, defaults[i] + length, NULL);
                }
}

static char **unit_directories_new(bool links)
{
        g_autofree char *config = user_directory("XDG_CONFIG_HOME", ".config", "systemd"),
                        *runtime = user_directory("XDG_RUNTIME_DIR", NULL, "systemd");
        GPtrArray *all = g_ptr_array_new();

        if (!links) {
                g_ptr_array_add(all, g_build_filename(config, "user.control", NULL));
                g_ptr_array_add(all, g_build_filename(runtime, "user.control", NULL));
                g_ptr_array_add(all, g_build_filename(runtime, "transient", NULL));
        }
        g_ptr_array_add(all, g_build_filename(config, "user", NULL));
        g_ptr_array_add(all, g_strdup("/etc/systemd/user"));
        g_ptr_array_add(all, g_build_filename(runtime, "user", NULL));
        g_ptr_array_add(all, g_strdup("/run/systemd/user"));
        if (!links) {
                g_ptr_array_add(all, g_strdup("/usr/local/lib/systemd/user"));
                g_ptr_array_add(all, g_strdup("/usr/lib/systemd/user"));
        }
        g_ptr_array_add(all, NULL);
        return (char **) g_ptr_array_free(all, FALSE);
}

int paths_use_user(Error *ret_error)
{
        g_autofree char *config = user_directory("XDG_CONFIG_HOME", ".config", "shruthi"),
                        *state = user_directory("XDG_STATE_HOME", ".local/state", "shruthi"),
                        *runtime = user_directory("XDG_RUNTIME_DIR", NULL, "shruthi"),
                        *keys = state ? g_build_filename(state, "keys", NULL) : NULL,
                        *generated = user_directory("XDG_RUNTIME_DIR", NULL, "systemd/generator");
        struct stat st;

        if (!runtime)
                return error_set(ret_error, ERROR_FAILED,
                                "There is no session of a user here (XDG_RUNTIME_DIR is not set): log in, "
                                "or use 'machinectl shell USER@' or 'ssh', rather than su or sudo; for "
                                "unikernels that run without a login, 'loginctl enable-linger USER'");
        if (!config || !state)
                return error_set(ret_error, ERROR_FAILED,
                                "The user has no home directory (HOME is not set), where definitions and "
                                "images could be");

        if (lstat(g_getenv("XDG_RUNTIME_DIR"), &st) >= 0 && st.st_uid != geteuid())
                return error_set(ret_error, ERROR_ACCESS_DENIED,
                                "XDG_RUNTIME_DIR=%s is not of user %u, as whom this program runs: use "
                                "'machinectl shell "
                                "USER@' or 'ssh', rather than su or sudo",
                                g_getenv("XDG_RUNTIME_DIR"), (unsigned) geteuid());

        paths_set_root(NULL);
        paths_move(SHRUTHI_CONFDIR, config);
        paths_move(SHRUTHI_STATEDIR, state);
        paths_move(SHRUTHI_SEALDIR, keys);
        paths_move(SHRUTHI_RUNTIMEDIR, runtime);
        paths_move(GENERATED_DIR, generated);
        /* What packages ship for the host is not for each user's manager as well. */
        paths_move(SHRUTHI_VENDORDIR "/unikernels", SHRUTHI_VENDORDIR "/user/unikernels");
        unit_directories = unit_directories_new(false);
        link_directories = unit_directories_new(true);
        of_user = true;
        return 0;
}

bool paths_are_of_user(void)
{
        return of_user;
}

char *paths_command(const char *text)
{
        static const char *const programs[] = {"shruthictl ", "systemctl ", "journalctl "};
        static const char option[] = "--user ";
        GString *result = g_string_new(text);

        for (size_t i = 0; of_user && i < G_N_ELEMENTS(programs); i++)
                for (size_t at = 0; at < result->len; at++)
                        if (g_str_has_prefix(result->str + at, programs[i]) &&
                                        !g_str_has_prefix(result->str + at + strlen(programs[i]), "--")) {
                                at += strlen(programs[i]);
                                g_string_insert(result, (gssize) at, option);
                        }

        return g_string_free(result, FALSE);
}

/* Definitions may have secrets in their arguments. One that was there before may be a link to where its
 * owner keeps such files, whose mode is the owner's affair. */
static int user_folder_close(const char *path)
{
        struct stat st;

        if (lstat(path, &st) < 0)
                return -errno;
        if (!S_ISDIR(st.st_mode) || (st.st_mode & 077) == 0)
                return 0;

        return chmod(path, st.st_mode & 0700) < 0 ? -errno : 0;
}

int paths_make_user_folders(Error *ret_error)
{
        for (size_t i = 0; i < G_N_ELEMENTS(user_folders); i++) {
                const char *path = rooted[user_folders[i]];
                int r;

                if (g_mkdir_with_parents(path, 0700) < 0)
                        return error_set_errno(ret_error, errno, "Cannot make the folder '%s'", path);
                r = user_folder_close(path);
                if (r < 0)
                        return error_set_errno(ret_error, r, "Cannot close the folder '%s' to others", path);
        }

        return 0;
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

const char *paths_uplinks(void)
{
        return path_get(PATH_UPLINKS);
}

const char *paths_generated_units(void)
{
        return path_get(PATH_GENERATED_UNITS);
}

const char *const *paths_unit_directories(void)
{
        return of_user ? (const char *const *) unit_directories : system_unit_directories;
}

const char *const *paths_link_directories(void)
{
        return of_user ? (const char *const *) link_directories : system_link_directories;
}

const char *paths_units(void)
{
        return of_user ? USER_UNIT_DIR : SYSTEM_UNIT_DIR;
}

const char *paths_cgroups(void)
{
        return path_get(PATH_CGROUPS);
}

const char *paths_block_devices(void)
{
        return path_get(PATH_BLOCK_DEVICES);
}

const char *paths_processors(void)
{
        return path_get(PATH_PROCESSORS);
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
