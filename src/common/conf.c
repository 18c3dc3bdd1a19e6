/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi.conf: one table says which keys [Shruthi] has, what each accepts, and its default. [Bridge NAME]
 * is read in conf-bridge.c. */

#include "common/conf-private.h"

#include <limits.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/paths.h"
#include "common/published-port.h"
#include "common/size.h"
#include "common/string-util.h"
#include "common/time-span.h"
#include "common/unit-name.h"

#define SECTION     "Shruthi"
#define LIST_MAX    256
#define USEC_PER_MS UINT64_C(1000)

static const char *const acceleration_table[_ACCELERATION_MAX] = {
        [ACCELERATION_AUTO] = "auto",
        [ACCELERATION_KVM] = "kvm",
        [ACCELERATION_TCG] = "tcg",
};
DEFINE_STRING_TABLE(acceleration, Acceleration, acceleration_table, _ACCELERATION_MAX)

static const char *const fast_start_table[_FAST_START_MAX] = {
        [FAST_START_AUTO] = "auto",
        [FAST_START_YES] = "yes",
        [FAST_START_NO] = "no",
};
DEFINE_STRING_TABLE(fast_start, FastStart, fast_start_table, _FAST_START_MAX)

static const char *const allow_processes_table[_ALLOW_PROCESSES_MAX] = {
        [ALLOW_PROCESSES_NO] = "no",
        [ALLOW_PROCESSES_ADMINISTRATORS] = "administrators",
        [ALLOW_PROCESSES_USERS] = "users",
};
DEFINE_STRING_TABLE(allow_processes, AllowProcesses, allow_processes_table, _ALLOW_PROCESSES_MAX)

typedef enum ConfType {
        CONF_BRIDGE,
        CONF_BRIDGES,
        CONF_NETWORKS,
        CONF_DIRECTORIES,
        CONF_SUBNETS,
        CONF_UNITS,
        CONF_PORTS,
        CONF_URI,
        CONF_ACCELERATION,
        CONF_FAST_START,
        CONF_PROCESSES,
        CONF_BOOLEAN,
        CONF_SIZE,
        CONF_COUNT,
        CONF_SPAN,
} ConfType;

typedef struct ConfKey {
        const char *key;
        ConfType type;
        size_t offset;
        const char *default_value;
        uint64_t min, max; /* max UINT64_MAX: "infinity" is accepted too */
} ConfKey;

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static const ConfKey conf_table[] = {
                {"BridgeInterface", CONF_BRIDGE, offsetof(Conf, bridge_interface), ""},
                {"AllowedBridges", CONF_BRIDGES, offsetof(Conf, allowed_bridges), ""},
                {"AllowedNetworks", CONF_NETWORKS, offsetof(Conf, allowed_networks), ""},
                {"AllowedDependencies", CONF_UNITS, offsetof(Conf, allowed_dependencies), ""},
                {"PublishPorts", CONF_PORTS, offsetof(Conf, publish_ports), "1024-65535"},
                {"NetworkPool", CONF_SUBNETS, offsetof(Conf, network_pool), "10.128.0.0/9 fd00::/8"},
                {"ImageDirectories", CONF_DIRECTORIES, offsetof(Conf, image_directories), ""},
                {"LibvirtURI", CONF_URI, offsetof(Conf, libvirt_uri), "qemu:///system"},
                {"Acceleration", CONF_ACCELERATION, offsetof(Conf, acceleration), "auto"},
                {"StrictAddresses", CONF_BOOLEAN, offsetof(Conf, strict_addresses), "yes"},
                {"StrictLimits", CONF_BOOLEAN, offsetof(Conf, strict_limits), "no"},
                {"AllowProcesses", CONF_PROCESSES, offsetof(Conf, allow_processes), "administrators"},
                {"NetworkRing", CONF_BOOLEAN, offsetof(Conf, network_ring), "no"},
                {"FastStart", CONF_FAST_START, offsetof(Conf, fast_start), "auto"},
                {"DefaultMemory", CONF_SIZE, offsetof(Conf, memory_default), "32M", MIB, 1024 * GIB},
                {"MemoryMax", CONF_SIZE, offsetof(Conf, memory_max), "256M", MIB, UINT64_MAX},
                {"MemoryMaxPerUser", CONF_SIZE, offsetof(Conf, memory_max_user), "1G", 0, UINT64_MAX},
                {"MemoryOverhead", CONF_SIZE, offsetof(Conf, memory_overhead), "32M", 0, 1024 * GIB},
                {"CPUsMax", CONF_COUNT, offsetof(Conf, cpus_max), "4", 1, UINT64_MAX},
                {"CPUsMaxPerUser", CONF_COUNT, offsetof(Conf, cpus_max_user), "16", 0, UINT64_MAX},
                {"UnikernelsMax", CONF_COUNT, offsetof(Conf, unikernels_max), "infinity", 0, UINT64_MAX},
                {"UnikernelsMaxPerUser", CONF_COUNT, offsetof(Conf, unikernels_max_user), "16", 0,
                                UINT64_MAX},
                {"NetworksMaxPerUser", CONF_COUNT, offsetof(Conf, networks_max_user), "4", 0, UINT64_MAX},
                {"AddressesMaxPerUser", CONF_COUNT, offsetof(Conf, addresses_max_user), "16", 0, UINT64_MAX},
                {"ImageSizeMax", CONF_SIZE, offsetof(Conf, image_size_max), "256M", 4096, 1024 * GIB},
                {"StoreSizeMax", CONF_SIZE, offsetof(Conf, store_size_max), "64G", 4096, UINT64_MAX},
                {"StoreSizeMaxPerUser", CONF_SIZE, offsetof(Conf, store_size_max_user), "4G", 0, UINT64_MAX},
                {"FreeSpaceMin", CONF_SIZE, offsetof(Conf, free_space_min), "128M", 0, 1024 * GIB},
                {"VolumesSizeMaxPerUser", CONF_SIZE, offsetof(Conf, volumes_size_max_user), "4G", 0,
                                UINT64_MAX},
                {"VolumesMaxPerUser", CONF_COUNT, offsetof(Conf, volumes_max_user), "64", 0, UINT64_MAX},
                {"MessageSizeMax", CONF_SIZE, offsetof(Conf, message_size_max), "1M", 64 * 1024, 64 * MIB},
                {"StartsInFlight", CONF_COUNT, offsetof(Conf, starts_in_flight), "4", 1, 64},
                {"ActivationsMax", CONF_COUNT, offsetof(Conf, activations_max), "10", 1, 1000},
                {"ConsoleRate", CONF_SIZE, offsetof(Conf, console_rate), "128K", 1024, UINT64_MAX},
                {"ConsoleBurst", CONF_SIZE, offsetof(Conf, console_burst), "2M", 1024, 1024 * GIB},
                {"ConsoleRatePerUser", CONF_SIZE, offsetof(Conf, console_rate_user), "512K", 1024,
                                UINT64_MAX},
                {"ConsoleBurstPerUser", CONF_SIZE, offsetof(Conf, console_burst_user), "8M", 1024,
                                1024 * GIB},
                {"SilenceWarningSec", CONF_SPAN, offsetof(Conf, silence_warning_usec), "10s", 0,
                                UINT64_MAX - 1},
                {"KeepGenerations", CONF_COUNT, offsetof(Conf, keep_generations), "10", 2, 1000},
                {"IdleExitSec", CONF_SPAN, offsetof(Conf, idle_exit_usec), "1min", 100 * USEC_PER_MS,
                                UINT64_MAX},
};

static const ConfKey *find_key(const char *key)
{
        for (size_t i = 0; i < G_N_ELEMENTS(conf_table); i++)
                if (g_str_equal(conf_table[i].key, key))
                        return &conf_table[i];

        return NULL;
}

const char *const *conf_keys(void)
{
        static const char *keys[G_N_ELEMENTS(conf_table) + 1];

        for (size_t i = 0; i < G_N_ELEMENTS(conf_table); i++)
                keys[i] = conf_table[i].key;

        return keys;
}

const char *conf_key_default(const char *key)
{
        const ConfKey *found = find_key(key);

        return found ? found->default_value : NULL;
}

/* dev_valid_name() of the kernel. */
bool conf_bridge_name_is_valid(const char *name)
{
        if (name[0] == 0 || strlen(name) >= IFNAMSIZ || g_str_equal(name, ".") || g_str_equal(name, ".."))
                return false;

        for (const char *p = name; *p; p++)
                if (!g_ascii_isgraph(*p) || strchr("/:%", *p))
                        return false;

        return true;
}

static char *format_bound(const ConfKey *key, uint64_t value)
{
        if (value == UINT64_MAX)
                return g_strdup("infinity");
        if (key->type == CONF_SIZE)
                return size_format_exact(value);
        if (key->type == CONF_SPAN)
                return g_strdup_printf("%" G_GUINT64_FORMAT "ms", value / USEC_PER_MS);

        return g_strdup_printf("%" G_GUINT64_FORMAT, value);
}

static int refuse_bounds(const ConfKey *key, const KeyFileEntry *entry, Error *ret_error)
{
        g_autofree char *min = format_bound(key, key->min), *max = format_bound(key, key->max);

        if (key->type == CONF_SPAN)
                return key_file_refuse(entry, ret_error,
                                "too short or too long: write %s or more, such as %s", min,
                                key->default_value);
        return key_file_refuse(entry, ret_error, "out of range: write %s to %s", min, max);
}

static const char *example(const ConfKey *key)
{
        return g_str_equal(key->default_value, "infinity") ? "1000" : key->default_value;
}

static int parse_quantity(
                const ConfKey *key, const KeyFileEntry *entry, uint64_t *ret_value, Error *ret_error)
{
        static const char *const forms[] = {
                [CONF_SIZE] = "a size: write a whole number and K, M, G or T (base 1024)",
                [CONF_COUNT] = "a whole number",
                [CONF_SPAN] = "a time: write a number and ms, s, min or h",
        };
        uint64_t value = 0;
        int r;

        if (g_str_equal(entry->value, "infinity") && key->max == UINT64_MAX) {
                *ret_value = UINT64_MAX;
                return 0;
        }

        if (key->type == CONF_SPAN)
                r = time_span_parse(entry->value, &value);
        else if (key->type == CONF_SIZE || strspn(entry->value, G_CSET_DIGITS) == strlen(entry->value))
                r = size_parse(entry->value, &value);
        else
                r = -EINVAL;
        if (r == -EINVAL)
                return key_file_refuse(entry, ret_error, "not %s%s, such as %s", forms[key->type],
                                key->max == UINT64_MAX ? " or infinity" : "", example(key));
        if (r < 0 || value < key->min || value > key->max || (key->type == CONF_COUNT && value >= UINT_MAX))
                return refuse_bounds(key, entry, ret_error);
        if (key->type == CONF_SIZE && key->offset == offsetof(Conf, memory_default) && value % MIB != 0)
                return key_file_refuse(entry, ret_error, "not a whole number of MiB, such as %s",
                                key->default_value);

        *ret_value = value;
        return 0;
}

/* An empty value leaves a list as it is; of a default there may be a word to say that there is nothing. */
static bool conf_word_is_none(const ConfKey *key, const char *word)
{
        return key->type == CONF_PORTS && g_str_equal(word, "none");
}

/* Words between white space; each as its type takes it. */
static int parse_list(const ConfKey *key, const KeyFileEntry *entry, char ***ret_list, Error *ret_error)
{
        g_auto(GStrv) words = g_strsplit_set(entry->value, " \t", -1);
        g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
        uint16_t first, last;

        for (char **word = words; *word; word++) {
                g_autofree char *shown = text_for_display(*word, 60);

                if (**word == 0 || conf_word_is_none(key, *word))
                        continue;
                if (key->type == CONF_PORTS && port_range_parse(*word, &first, &last) < 0)
                        return key_file_refuse(entry, ret_error,
                                        "'%s' is neither a port from 1 to 65535 nor a range such as "
                                        "1024-65535, nor none",
                                        shown);
                if (key->type == CONF_BRIDGES && !conf_bridge_name_is_valid(*word))
                        return key_file_refuse(entry, ret_error, "'%s' is not the name of a bridge", shown);
                if (key->type == CONF_NETWORKS && strchr(*word, '/'))
                        return key_file_refuse(entry, ret_error, "'%s' is not the name of a libvirt network",
                                        shown);
                if (key->type == CONF_DIRECTORIES) {
                        g_autofree char *canonical = g_canonicalize_filename(*word, "/");

                        if (**word != '/' || !g_str_equal(canonical, *word))
                                return key_file_refuse(entry, ret_error,
                                                "'%s' is not an absolute path without '//', '.', '..' and a "
                                                "'/' at the end",
                                                shown);
                }
                if (key->type == CONF_SUBNETS) {
                        _cleanup_error_ Error error = ERROR_INIT;
                        Subnet subnet;
                        int r = subnet_parse(*word, &subnet, &error);

                        if (r < 0)
                                return key_file_refuse(entry, ret_error, "%s", error_message(&error, r));
                }
                if (key->type == CONF_UNITS && !unit_pattern_is_valid(*word))
                        return key_file_refuse(entry, ret_error,
                                        "'%s' is neither a unit's name with its suffix, such as "
                                        "postgresql.service, nor a pattern of such names with '*', '?' and "
                                        "'[…]'",
                                        shown);
                if (list->len >= LIST_MAX)
                        return key_file_refuse(entry, ret_error, "more than %d names", LIST_MAX);
                g_ptr_array_add(list, g_strdup(*word));
        }

        g_ptr_array_add(list, NULL);
        g_strfreev(*ret_list);
        *ret_list = (char **) g_ptr_array_free(g_steal_pointer(&list), FALSE);
        return 0;
}

static int parse_text(const ConfKey *key, const KeyFileEntry *entry, char **ret_text, Error *ret_error)
{
        if (key->type == CONF_BRIDGE && entry->value[0] && !conf_bridge_name_is_valid(entry->value))
                return key_file_refuse(entry, ret_error,
                                "not the name of a bridge: 1 to %d printable characters without '/', ':', "
                                "'%%' and space",
                                IFNAMSIZ - 1);
        if (key->type == CONF_URI && !g_str_equal(entry->value, CONF_NO_LIBVIRT) &&
                        (!strchr(entry->value, ':') || strchr(entry->value, ' ')))
                return key_file_refuse(entry, ret_error,
                                "not a URI of libvirt, such as %s, or " CONF_NO_LIBVIRT, key->default_value);

        g_free(*ret_text);
        *ret_text = entry->value[0] ? g_strdup(entry->value) : NULL;
        return 0;
}

static int parse_key(Conf *conf, const ConfKey *key, const KeyFileEntry *entry, Error *ret_error)
{
        void *target = (char *) conf + key->offset;
        uint64_t value = 0;
        int r;

        switch (key->type) {
        case CONF_BRIDGE:
        case CONF_URI:
                return parse_text(key, entry, target, ret_error);
        case CONF_BRIDGES:
        case CONF_NETWORKS:
        case CONF_DIRECTORIES:
        case CONF_SUBNETS:
        case CONF_UNITS:
        case CONF_PORTS:
                return parse_list(key, entry, target, ret_error);
        case CONF_ACCELERATION:
                r = acceleration_from_string(entry->value);
                if (r < 0)
                        return key_file_refuse(entry, ret_error, "write auto, kvm or tcg");
                *(Acceleration *)target = (Acceleration)r;
                return 0;
        case CONF_FAST_START:
                r = fast_start_from_string(entry->value);
                if (r < 0)
                        return key_file_refuse(entry, ret_error, "write auto, yes or no");
                *(FastStart *)target = (FastStart)r;
                return 0;
        case CONF_PROCESSES:
                r = allow_processes_from_string(entry->value);
                if (r < 0)
                        return key_file_refuse(entry, ret_error, "write no, administrators or users");
                *(AllowProcesses *)target = (AllowProcesses)r;
                return 0;
        case CONF_BOOLEAN:
                if (boolean_parse(entry->value, target) < 0)
                        return key_file_refuse(entry, ret_error, "write yes or no");
                return 0;
        default:
                r = parse_quantity(key, entry, &value, ret_error);
                if (r < 0)
                        return r;
                if (key->type == CONF_COUNT)
                        *(unsigned *) target = (unsigned) MIN(value, (uint64_t) UINT_MAX);
                else
                        *(uint64_t *)target = value;
                return 0;
        }
}

static void set_defaults(Conf *conf)
{
        for (size_t i = 0; i < G_N_ELEMENTS(conf_table); i++) {
                const ConfKey *key = &conf_table[i];
                const KeyFileEntry entry = {
                                .key = (char *) key->key, .value = (char *) key->default_value, .path = ""};
                int r = parse_key(conf, key, &entry, NULL);

                g_assert(r >= 0);
        }
}

int conf_parse(const KeyFile *key_file, Conf **ret_conf, Error *ret_error)
{
        static const char *const sections[] = {SECTION, CONF_BRIDGE_SECTION, NULL};
        g_autoptr(Conf) conf = g_new0(Conf, 1);
        int r;

        set_defaults(conf);
        conf->bridges = g_ptr_array_new_with_free_func(conf_bridge_destroy);

        for (guint i = 0; i < key_file->sections->len; i++) {
                const KeyFileSection *section = key_file->sections->pdata[i];

                if (g_str_equal(section->type, CONF_BRIDGE_SECTION)) {
                        r = conf_parse_bridge(conf, section, ret_error);
                        if (r < 0)
                                return r;
                        continue;
                }
                if (!g_str_equal(section->type, SECTION))
                        return key_file_refuse_section(section, sections, ret_error);
                if (section->name)
                        return key_file_error(section->path, section->line, ret_error,
                                        "section [" SECTION "] takes no name: write [" SECTION "]");

                for (guint j = 0; j < section->entries->len; j++) {
                        const KeyFileEntry *entry = section->entries->pdata[j];
                        const ConfKey *key = find_key(entry->key);

                        if (!key)
                                return key_file_refuse_key(section, entry, conf_keys(), ret_error);
                        r = entry->value[0] ? parse_key(conf, key, entry, ret_error) : 0;
                        if (r < 0)
                                return r;
                }
        }

        /* A user has neither libvirt nor bridges, and may execute any program. */
        if (paths_are_of_user()) {
                g_free(conf->libvirt_uri);
                conf->libvirt_uri = g_strdup(CONF_NO_LIBVIRT);
                conf->allow_processes = ALLOW_PROCESSES_USERS;
                g_clear_pointer(&conf->bridge_interface, g_free);
        }

        if (!conf->allowed_bridges[0] && conf->bridge_interface) {
                g_strfreev(conf->allowed_bridges);
                conf->allowed_bridges = g_strdupv((char *[]){conf->bridge_interface, NULL});
        }

        *ret_conf = g_steal_pointer(&conf);
        return 0;
}

/* A file that exists but cannot be found is a dangling link, which must not lift limits silently. */
static int add_file(KeyFile *key_file, const char *path, Error *ret_error)
{
        int r = key_file_add_path(key_file, path, ret_error);

        if (r == -ENOENT)
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "%s: the target of the link does not exist", path);
        return r;
}

Conf *conf_new_default(void)
{
        g_autoptr(KeyFile) nothing = key_file_new();
        Conf *conf = NULL;
        int r = conf_parse(nothing, &conf, NULL);

        g_assert(r >= 0);
        return conf;
}

static int load(Conf **ret_conf, Error *ret_error)
{
        const char *const dirs[] = {paths_config_dir(), paths_vendor_dir()};
        g_autofree char *config_dropins = g_build_filename(dirs[0], "shruthi.conf.d", NULL);
        g_autofree char *vendor_dropins = g_build_filename(dirs[1], "shruthi.conf.d", NULL);
        g_auto(GStrv) dropins =
                        key_file_list_dropins((const char *[]){config_dropins, vendor_dropins, NULL});
        g_autoptr(KeyFile) key_file = key_file_new();
        struct stat st;
        int r = -ENOENT;

        for (size_t i = 0; r == -ENOENT && i < G_N_ELEMENTS(dirs); i++) {
                g_autofree char *path = g_build_filename(dirs[i], "shruthi.conf", NULL);

                if (lstat(path, &st) >= 0 || errno != ENOENT)
                        r = file_is_masked(path) ? 0 : add_file(key_file, path, ret_error);
        }
        if (r < 0 && r != -ENOENT)
                return r;

        for (char **dropin = dropins; *dropin; dropin++) {
                r = add_file(key_file, *dropin, ret_error);
                if (r < 0)
                        return r;
        }

        return conf_parse(key_file, ret_conf, ret_error);
}

int conf_load(Conf **ret_conf, Error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r = load(ret_conf, &error);

        return r < 0 ? error_set(ret_error, ERROR_INVALID_CONFIGURATION, "%s", error_message(&error, r)) : r;
}

static void conf_clear_key(Conf *conf, const ConfKey *key)
{
        void *field = (char *) conf + key->offset;

        switch (key->type) {
        case CONF_BRIDGE:
        case CONF_URI:
                g_free(*(char **) field);
                break;
        case CONF_BRIDGES:
        case CONF_NETWORKS:
        case CONF_DIRECTORIES:
        case CONF_SUBNETS:
        case CONF_UNITS:
        case CONF_PORTS:
                g_strfreev(*(char ***) field);
                break;
        default:
                break;
        }
}

void conf_free(Conf *conf)
{
        if (!conf)
                return;

        for (size_t i = 0; i < G_N_ELEMENTS(conf_table); i++)
                conf_clear_key(conf, &conf_table[i]);
        g_clear_pointer(&conf->bridges, g_ptr_array_unref);
        g_free(conf);
}
