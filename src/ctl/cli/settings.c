/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings from the command line: one setter per key, shared by options and KEY=VALUE. What depends on the
 * host (limits, names of users, bridges) is judged by shruthid; here only what can be seen in the text
 * itself. */

#include "ctl/cli/settings.h"

#include <string.h>

#include "common/size.h"
#include "common/string-util.h"
#include "image/architecture.h"

static void network_setting_free(gpointer data)
{
        NetworkSetting *network = data;

        g_free(network->device);
        g_free(network->bridge);
        g_free(network->network);
        g_free(network->mac);
        g_free(network->address);
        g_free(network->bandwidth);
        g_free(network->isolation);
        g_free(network);
}

static void volume_setting_free(gpointer data)
{
        VolumeSetting *volume = data;

        g_free(volume->device);
        g_free(volume->path);
        g_free(volume->volume);
        g_free(volume);
}

void settings_clear(Settings *settings)
{
        g_free(settings->arguments);
        g_strfreev(settings->argument_list);
        g_free(settings->restart);
        g_free(settings->architecture);
        g_free(settings->group);
        g_free(settings->owner);
        g_free(settings->initrd);
        g_free(settings->digest);
        g_clear_pointer(&settings->networks, g_ptr_array_unref);
        g_clear_pointer(&settings->volumes, g_ptr_array_unref);
        g_free(settings->credentials);
        *settings = (Settings){};
}

/* name: what the user called it, an option or a key. */
static int refuse(Error *ret_error, const char *name, const char *value, const char *right)
{
        g_autofree char *shown = text_for_display(value, 80);

        return error_set(ret_error, ERROR_INVALID_ARGS, "%s cannot be '%s': %s.", name, shown, right);
}

static int set_text(char **field, const char *value)
{
        g_free(*field);
        *field = g_strdup(value);
        return 0;
}

static int set_memory(Settings *settings, const char *name, const char *value, Error *ret_error)
{
        /* The default is 0 on the bus; people who write 0 mean something else. */
        if (value[0] == 0)
                settings->memory = 0;
        else if (size_parse(value, &settings->memory) < 0 || settings->memory == 0)
                return refuse(ret_error, name, value,
                                "give a size such as 32M or 1G, or nothing for the default");

        settings->has_memory = true;
        return 0;
}

static int set_cpus(Settings *settings, const char *name, const char *value, Error *ret_error)
{
        guint64 n;

        if (!g_ascii_string_to_unsigned(value, 10, 1, UINT32_MAX, &n, NULL))
                return refuse(ret_error, name, value, "give a number of 1 or more");

        settings->cpus = (unsigned) n;
        settings->has_cpus = true;
        return 0;
}

static int set_arguments(Settings *settings, const char *name, const char *value, Error *ret_error)
{
        return set_text(&settings->arguments, value);
}

static int set_autostart(Settings *settings, const char *name, const char *value, Error *ret_error)
{
        if (boolean_parse(value, &settings->autostart) < 0)
                return refuse(ret_error, name, value, "give yes or no");

        settings->has_autostart = true;
        return 0;
}

static int set_restart(Settings *settings, const char *name, const char *value, Error *ret_error)
{
        static const char *const known[] = {"no", "on-failure", "always", NULL};

        if (!g_strv_contains(known, value))
                return refuse(ret_error, name, value, "give no, on-failure or always");

        return set_text(&settings->restart, value);
}

static int set_architecture(Settings *settings, const char *name, const char *value, Error *ret_error)
{
        if (*value && (int) guest_architecture_from_string(value) < 0)
                return refuse(ret_error, name, value,
                                "give x86_64 or aarch64, or nothing for the host's own");

        return set_text(&settings->architecture, value);
}

static int set_group(Settings *settings, const char *name, const char *value, Error *ret_error)
{
        return set_text(&settings->group, value);
}

static int set_owner(Settings *settings, const char *name, const char *value, Error *ret_error)
{
        return set_text(&settings->owner, value);
}

static int set_initrd(Settings *settings, const char *name, const char *value, Error *ret_error)
{
        return set_text(&settings->initrd, value);
}

static int set_digest(Settings *settings, const char *name, const char *value, Error *ret_error)
{
        if (!digest_is_valid(value))
                return refuse(ret_error, name, value,
                                "give sha256: and its 64 lower-case hexadecimal digits, as 'sha256sum FILE' "
                                "prints them");

        return set_text(&settings->digest, value);
}

static NetworkSetting *add_network(Settings *settings)
{
        NetworkSetting *setting = g_new0(NetworkSetting, 1);

        if (!settings->networks)
                settings->networks = g_ptr_array_new_with_free_func(network_setting_free);

        g_ptr_array_add(settings->networks, setting);
        return setting;
}

void settings_add_network(Settings *settings, const char *device)
{
        add_network(settings)->device = g_strdup(device);
}

/* "mac=…,address=…,bandwidth=…,isolation=no", in any order. shruthid looks at the values. */
static int set_network_options(NetworkSetting *setting, const char *text)
{
        g_auto(GStrv) words = g_strsplit(text, ",", -1);

        for (char **word = words; *word; word++) {
                const struct {
                        const char *key;
                        char **place;
                } options[] = {
                                {"mac=", &setting->mac},
                                {"address=", &setting->address},
                                {"bandwidth=", &setting->bandwidth},
                                {"isolation=", &setting->isolation},
                };
                bool found = false;

                for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
                        if (g_str_has_prefix(*word, options[i].key) && (*word)[strlen(options[i].key)]) {
                                g_free(*options[i].place);
                                *options[i].place = g_strdup(*word + strlen(options[i].key));
                                found = true;
                        }
                if (!found)
                        return -EINVAL;
        }

        return 0;
}

/* DEVICE[:BRIDGE|:bridge=BRIDGE|:network=NETWORK][,OPTION=VALUE…]. Options come after a comma since hardware
 * addresses are full of colons themselves. */
static int set_network(Settings *settings, const char *name, const char *value, Error *ret_error)
{
        static const char right[] = "give DEVICE, DEVICE:BRIDGE or DEVICE:network=NETWORK, with "
                                    "',address=auto' (or none, or "
                                    "10.0.0.2/24), ',bandwidth=10M', ',mac=ADDRESS', ',isolation=no' behind "
                                    "it if need be";
        const char *comma = strchr(value, ','), *colon;
        g_autofree char *wiring = NULL;
        NetworkSetting *setting;
        bool yes = true;

        if (!settings->networks)
                settings->networks = g_ptr_array_new_with_free_func(network_setting_free);
        if (!*value) {
                g_ptr_array_set_size(settings->networks, 0);
                return 0;
        }

        setting = add_network(settings);
        if (comma && set_network_options(setting, comma + 1) < 0)
                return refuse(ret_error, name, value, right);
        if (setting->isolation && boolean_parse(setting->isolation, &yes) < 0)
                return refuse(ret_error, name, value, right);
        setting->open = !yes;

        wiring = comma ? g_strndup(value, (size_t) (comma - value)) : g_strdup(value);
        colon = strchr(wiring, ':');
        setting->device = colon ? g_strndup(wiring, (size_t) (colon - wiring)) : g_strdup(wiring);
        if (colon && g_str_has_prefix(colon + 1, "network="))
                setting->network = g_strdup(colon + strlen(":network="));
        else if (colon && g_str_has_prefix(colon + 1, "bridge="))
                setting->bridge = g_strdup(colon + strlen(":bridge="));
        else if (colon)
                setting->bridge = g_strdup(colon + 1);
        if (!*setting->device || (setting->network && !*setting->network) ||
                        (setting->bridge && !*setting->bridge))
                return refuse(ret_error, name, value, right);

        return 0;
}

/* PATH[:ro|:rw]. */
static void set_volume_path(VolumeSetting *setting, const char *text)
{
        setting->path = g_strdup(text);
        setting->read_only = g_str_has_suffix(text, ":ro");
        if (setting->read_only || g_str_has_suffix(text, ":rw"))
                setting->path[strlen(text) - strlen(":ro")] = 0;
}

/* "size=…,volume=…,ro", in any order; one of the first two at least. */
static int set_volume_options(VolumeSetting *setting, const char *text)
{
        g_auto(GStrv) words = g_strsplit(text, ",", -1);

        for (char **word = words; *word; word++) {
                if (g_str_has_prefix(*word, "size=")) {
                        if (size_parse(*word + strlen("size="), &setting->size) < 0 || setting->size == 0)
                                return -EINVAL;
                } else if (g_str_has_prefix(*word, "volume=") && (*word)[strlen("volume=")]) {
                        g_free(setting->volume);
                        setting->volume = g_strdup(*word + strlen("volume="));
                } else if (g_str_equal(*word, "ro") || g_str_equal(*word, "rw"))
                        setting->read_only = g_str_equal(*word, "ro");
                else
                        return -EINVAL;
        }

        return setting->size > 0 || setting->volume ? 0 : -EINVAL;
}

/* DEVICE:PATH or DEVICE:OPTION,…. */
static int set_volume(Settings *settings, const char *name, const char *value, Error *ret_error)
{
        static const char right[] = "give DEVICE:size=64M for a volume that is made if it is not there, "
                                    "DEVICE:volume=NAME for one that is, both with ',ro' for a read-only "
                                    "one; or DEVICE:PATH, with ':ro', for a file or device of the host";
        const char *colon = strchr(value, ':');
        VolumeSetting *setting;

        if (!settings->volumes)
                settings->volumes = g_ptr_array_new_with_free_func(volume_setting_free);
        if (!*value) {
                g_ptr_array_set_size(settings->volumes, 0);
                return 0;
        }

        if (!colon || colon == value)
                return refuse(ret_error, name, value, right);

        setting = g_new0(VolumeSetting, 1);
        g_ptr_array_add(settings->volumes, setting);
        setting->device = g_strndup(value, (size_t) (colon - value));
        if (colon[1] == '/')
                set_volume_path(setting, colon + 1);
        else if (set_volume_options(setting, colon + 1) < 0)
                return refuse(ret_error, name, value, right);

        return 0;
}

static int set_credentials(Settings *settings, const char *name, const char *value, Error *ret_error)
{
        if (strchr(value, '/'))
                return refuse(ret_error, name, value,
                                "give the name of the block device alone; 'shruthictl credential set' puts "
                                "keys on it");

        return set_text(&settings->credentials, value);
}

static const struct {
        const char *key;
        int (*set)(Settings *settings, const char *name, const char *value, Error *ret_error);
} setters[] = {
                {"Memory", set_memory},
                {"CPUs", set_cpus},
                {"Architecture", set_architecture},
                {"Arguments", set_arguments},
                {"Autostart", set_autostart},
                {"Restart", set_restart},
                {"Group", set_group},
                {"Owner", set_owner},
                {"Initrd", set_initrd},
                {"Network", set_network},
                {"Volume", set_volume},
                {"Credentials", set_credentials},
                {"Digest", set_digest},
};

const char *const settings_keys[] = {
                "Memory",
                "CPUs",
                "Architecture",
                "Arguments",
                "Autostart",
                "Restart",
                "Group",
                "Owner",
                "Initrd",
                "Network",
                "Volume",
                "Credentials",
                "Digest",
                NULL,
};

int settings_set(Settings *settings, const char *key, const char *name, const char *value, Error *ret_error)
{
        g_autofree char *shown = NULL, *known = NULL;

        if (!g_utf8_validate(value, -1, NULL))
                return refuse(ret_error, name, value, "it is no valid UTF-8");

        for (size_t i = 0; i < G_N_ELEMENTS(setters); i++)
                if (g_ascii_strcasecmp(setters[i].key, key) == 0)
                        return setters[i].set(settings, name, value, ret_error);

        shown = text_for_display(key, 40);
        known = g_strjoinv(", ", (char **) settings_keys);
        return error_set(ret_error, ERROR_INVALID_ARGS,
                        "There is no setting '%s'. There are Image, %s; all else is in the definition: "
                        "shruthictl edit NAME.",
                        shown, known);
}

int settings_set_argument_list(Settings *settings, char **arguments, Error *ret_error)
{
        if (settings->arguments)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "The guest's arguments stand either behind '--' or in --arguments=, not in "
                                "both.");
        for (char **argument = arguments; *argument; argument++)
                if (!g_utf8_validate(*argument, -1, NULL))
                        return error_set(ret_error, ERROR_INVALID_ARGS, "Argument %u is no valid UTF-8.",
                                        (unsigned) (argument - arguments) + 1);

        g_strfreev(settings->argument_list);
        settings->argument_list = g_strdupv(arguments);
        return 0;
}

bool settings_any(const Settings *settings)
{
        return settings->has_memory || settings->has_cpus || settings->has_autostart ||
               settings->architecture || settings->arguments || settings->argument_list ||
               settings->restart || settings->group || settings->owner || settings->initrd ||
               settings->networks || settings->volumes || settings->credentials;
}
