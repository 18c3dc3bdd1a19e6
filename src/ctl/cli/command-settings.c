/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings from the command line: those of setting_table by type, and devices. Checks only the text itself;
 * shruthid checks what depends on the host (limits, names of users, bridges). */

#include "ctl/cli/command-settings.h"

#include <string.h>

#include "common/size.h"
#include "common/string-util.h"
#include "image/image.h"

static void setting_values_free(char **values)
{
        for (SettingID id = 0; id < _SETTING_MAX; id++)
                g_clear_pointer(&values[id], g_free);
}

static void device_settings_free(gpointer data)
{
        DeviceSettings *device = data;

        setting_values_free(device->values);
        g_free(device->device);
        g_free(device);
}

void command_settings_clear(CommandSettings *settings)
{
        setting_values_free(settings->values);
        g_strfreev(settings->argument_list);
        g_free(settings->digest);
        g_clear_pointer(&settings->networks, g_ptr_array_unref);
        g_clear_pointer(&settings->volumes, g_ptr_array_unref);
        g_free(settings->credentials);
        *settings = (CommandSettings){};
}

/* name is what the user wrote, an option or a key. */
static int setting_refuse(Error *ret_error, const char *name, const char *value, const char *right)
{
        g_autofree char *shown = text_for_display(value, 80);

        return error_set(ret_error, ERROR_INVALID_ARGS, "%s cannot be '%s': %s.", name, shown, right);
}

static int setting_set_text(char **field, const char *value)
{
        g_free(*field);
        *field = g_strdup(value);
        return 0;
}

/* Whether the value has the setting's type. */
static bool setting_value_is_valid(const Setting *setting, const char *value)
{
        guint64 number;
        uint64_t bytes;
        bool flag;

        switch (setting->type) {
        case SETTING_TYPE_BYTES:
                /* On the bus 0 means the default; a user who writes 0 means something else. */
                return (!*value && setting->section == SECTION_UNIKERNEL) ||
                       (size_parse(value, &bytes) >= 0 && bytes > 0);
        case SETTING_TYPE_NUMBER:
                return g_ascii_string_to_unsigned(value, 10, 1, UINT32_MAX, &number, NULL);
        case SETTING_TYPE_BOOLEAN:
                return boolean_parse(value, &flag) >= 0;
        default:
                return !setting->is_valid || setting->is_valid(value);
        }
}

static int setting_set_digest(
                CommandSettings *settings, const char *name, const char *value, Error *ret_error)
{
        if (!digest_is_valid(value))
                return setting_refuse(ret_error, name, value,
                                "give sha256: and its 64 lower-case hexadecimal digits, as 'sha256sum FILE' "
                                "prints them");

        return setting_set_text(&settings->digest, value);
}

static DeviceSettings *device_settings_add(GPtrArray **devices)
{
        DeviceSettings *device = g_new0(DeviceSettings, 1);

        if (!*devices)
                *devices = g_ptr_array_new_with_free_func(device_settings_free);

        g_ptr_array_add(*devices, device);
        return device;
}

static int device_settings_set_none(GPtrArray **devices)
{
        if (!*devices)
                *devices = g_ptr_array_new_with_free_func(device_settings_free);

        g_ptr_array_set_size(*devices, 0);
        return 0;
}

void command_settings_add_network(CommandSettings *settings, const char *device)
{
        device_settings_add(&settings->networks)->device = g_strdup(device);
}

/* A list, whose key or option comes once for each of its values; an empty one takes back those before it. */
static int setting_add_line(char **field, const char *name, const char *value, Error *ret_error)
{
        g_autofree char *before = g_steal_pointer(field);

        if (strchr(value, '\n'))
                return setting_refuse(ret_error, name, value, "it has several lines: give each of its own");

        *field = before && *before && *value ? g_strconcat(before, "\n", value, NULL) : g_strdup(value);
        return 0;
}

/* "mac=…", of the settings of that section. */
static int device_settings_set_word(DeviceSettings *device, SettingSection section, const char *word)
{
        for (SettingID id = 0; id < _SETTING_MAX; id++) {
                const Setting *setting = &setting_table[id];
                const char *value;

                if (setting->section != section || !setting->option ||
                                !g_str_has_prefix(word, setting->option))
                        continue;
                value = word + strlen(setting->option);
                if (value[0] != '=')
                        continue;
                if (!value[1] || !setting_value_is_valid(setting, value + 1))
                        return -EINVAL;
                if (setting->type == SETTING_TYPE_LIST)
                        return setting_add_line(&device->values[id], setting->option, value + 1, NULL);
                return setting_set_text(&device->values[id], value + 1);
        }

        return -EINVAL;
}

/* "mac=…,address=…,bandwidth=…,isolation=no,publish=…", in any order, and publish= several times. shruthid
 * looks at the values. */
static int network_set_words(DeviceSettings *device, const char *text)
{
        g_auto(GStrv) words = g_strsplit(text, ",", -1);
        int r = 0;

        for (char **word = words; r >= 0 && *word; word++)
                r = device_settings_set_word(device, SECTION_NETWORK, *word);

        return r;
}

/* DEVICE[:BRIDGE|:bridge=BRIDGE|:network=NETWORK][,OPTION=VALUE…]. Options are separated by commas because
 * hardware addresses contain colons. */
static int setting_set_network(
                CommandSettings *settings, const char *name, const char *value, Error *ret_error)
{
        static const char right[] = "give DEVICE, DEVICE:BRIDGE or DEVICE:network=NETWORK, optionally "
                                    "followed by ',address=auto' (or none, or 10.0.0.2/24), "
                                    "',bandwidth=10M', ',mac=ADDRESS', ',publish=8080:80', "
                                    "',isolation=no'";
        const char *comma = strchr(value, ','), *colon;
        g_autofree char *wiring = NULL;
        DeviceSettings *device;

        if (!*value)
                return device_settings_set_none(&settings->networks);

        device = device_settings_add(&settings->networks);
        if (comma && network_set_words(device, comma + 1) < 0)
                return setting_refuse(ret_error, name, value, right);

        wiring = comma ? g_strndup(value, (size_t) (comma - value)) : g_strdup(value);
        colon = strchr(wiring, ':');
        device->device = colon ? g_strndup(wiring, (size_t) (colon - wiring)) : g_strdup(wiring);
        if (colon && g_str_has_prefix(colon + 1, "network="))
                device->values[SETTING_NETWORK] = g_strdup(colon + strlen(":network="));
        else if (colon && g_str_has_prefix(colon + 1, "bridge="))
                device->values[SETTING_BRIDGE] = g_strdup(colon + strlen(":bridge="));
        else if (colon)
                device->values[SETTING_BRIDGE] = g_strdup(colon + 1);
        if (!*device->device || g_strcmp0(device->values[SETTING_NETWORK], "") == 0 ||
                        g_strcmp0(device->values[SETTING_BRIDGE], "") == 0)
                return setting_refuse(ret_error, name, value, right);

        return 0;
}

static void volume_set_read_only(DeviceSettings *device, bool read_only)
{
        (void) setting_set_text(&device->values[SETTING_READ_ONLY], read_only ? "yes" : "no");
}

/* PATH[:ro|:rw]. */
static void volume_set_path(DeviceSettings *device, const char *text)
{
        bool read_only = g_str_has_suffix(text, ":ro"), mode = read_only || g_str_has_suffix(text, ":rw");

        device->values[SETTING_PATH] = g_strndup(text, strlen(text) - (mode ? strlen(":ro") : 0));
        volume_set_read_only(device, read_only);
}

/* Reads "size=…,volume=…,ro", in any order; at least one of the first two is required. */
static int volume_set_words(DeviceSettings *device, const char *text)
{
        g_auto(GStrv) words = g_strsplit(text, ",", -1);
        int r = 0;

        volume_set_read_only(device, false);
        for (char **word = words; r >= 0 && *word; word++)
                if (g_str_equal(*word, "ro") || g_str_equal(*word, "rw"))
                        volume_set_read_only(device, g_str_equal(*word, "ro"));
                else
                        r = device_settings_set_word(device, SECTION_VOLUME, *word);

        return device->values[SETTING_SIZE] || device->values[SETTING_VOLUME] ? r : -EINVAL;
}

/* DEVICE:PATH or DEVICE:OPTION,…. */
static int setting_set_volume(
                CommandSettings *settings, const char *name, const char *value, Error *ret_error)
{
        static const char right[] =
                        "give DEVICE:size=64M for a volume that is created if it does not exist, "
                        "DEVICE:volume=NAME for an existing one, either with ',ro' for read-only; or "
                        "DEVICE:PATH, with ':ro' for read-only, for a file or device of the host";
        const char *colon = strchr(value, ':');
        DeviceSettings *device;

        if (!*value)
                return device_settings_set_none(&settings->volumes);
        if (!colon || colon == value)
                return setting_refuse(ret_error, name, value, right);

        device = device_settings_add(&settings->volumes);
        device->device = g_strndup(value, (size_t) (colon - value));
        if (colon[1] == '/')
                volume_set_path(device, colon + 1);
        else if (volume_set_words(device, colon + 1) < 0)
                return setting_refuse(ret_error, name, value, right);

        return 0;
}

static int setting_set_credentials(
                CommandSettings *settings, const char *name, const char *value, Error *ret_error)
{
        if (strchr(value, '/'))
                return setting_refuse(ret_error, name, value,
                                "give only the name of the block device; 'shruthictl credential set' stores "
                                "keys on it");

        return setting_set_text(&settings->credentials, value);
}

/* Keys that are not keys of [Unikernel]. */
static const struct {
        const char *key;
        int (*set)(CommandSettings *settings, const char *name, const char *value, Error *ret_error);
} other_keys[] = {
                {"Network", setting_set_network},
                {"Volume", setting_set_volume},
                {"Credentials", setting_set_credentials},
                {"Digest", setting_set_digest},
};

static int setting_refuse_key(const char *key, Error *ret_error)
{
        g_autoptr(GString) known = g_string_new(NULL);
        g_autofree char *shown = text_for_display(key, 40);

        for (SettingID id = 0; id < _SETTING_MAX; id++)
                if (setting_table[id].section == SECTION_UNIKERNEL)
                        g_string_append_printf(known, "%s, ", setting_table[id].key);
        for (size_t i = 0; i < G_N_ELEMENTS(other_keys); i++)
                g_string_append_printf(known, "%s%s", i > 0 ? ", " : "", other_keys[i].key);

        return error_set(ret_error, ERROR_INVALID_ARGS,
                        "Unknown setting '%s'. Known settings: %s; for all else edit the definition: "
                        "shruthictl edit NAME.",
                        shown, known->str);
}

static int setting_set_value(CommandSettings *settings, SettingID id, const char *name, const char *value,
                Error *ret_error)
{
        g_autofree char *right = NULL, *joined = NULL;

        if (setting_table[id].type == SETTING_TYPE_LIST && !(setting_table[id].flags & SETTING_WORDS))
                return setting_add_line(&settings->values[id], name, value, ret_error);
        if ((setting_table[id].flags & SETTING_WORDS) && *value && settings->values[id]) {
                joined = g_strconcat(settings->values[id], " ", value, NULL);
                return setting_set_text(&settings->values[id], joined);
        }
        if (setting_value_is_valid(&setting_table[id], value))
                return setting_set_text(&settings->values[id], value);

        right = g_strconcat("give ", setting_table[id].takes, NULL);
        return setting_refuse(ret_error, name, value, right);
}

int command_settings_set(CommandSettings *settings, const char *key, const char *name, const char *value,
                Error *ret_error)
{
        if (!g_utf8_validate(value, -1, NULL))
                return setting_refuse(ret_error, name, value, "it is not valid UTF-8");

        for (SettingID id = 0; id < _SETTING_MAX; id++)
                if (setting_table[id].section == SECTION_UNIKERNEL && setting_table[id].option &&
                                g_ascii_strcasecmp(setting_table[id].key, key) == 0)
                        return setting_set_value(settings, id, name, value, ret_error);
        for (size_t i = 0; i < G_N_ELEMENTS(other_keys); i++)
                if (g_ascii_strcasecmp(other_keys[i].key, key) == 0)
                        return other_keys[i].set(settings, name, value, ret_error);

        return setting_refuse_key(key, ret_error);
}

int command_settings_set_argument_list(CommandSettings *settings, char **arguments, Error *ret_error)
{
        if (settings->values[SETTING_ARGUMENTS])
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "Give the guest's arguments either after '--' or with --arguments=, not "
                                "both.");
        for (char **argument = arguments; *argument; argument++)
                if (!g_utf8_validate(*argument, -1, NULL))
                        return error_set(ret_error, ERROR_INVALID_ARGS, "Argument %u is not valid UTF-8.",
                                        (unsigned) (argument - arguments) + 1);

        g_strfreev(settings->argument_list);
        settings->argument_list = g_strdupv(arguments);
        return 0;
}

bool command_settings_any(const CommandSettings *settings)
{
        for (SettingID id = 0; id < _SETTING_MAX; id++)
                if (settings->values[id])
                        return true;

        return settings->argument_list || settings->networks || settings->volumes || settings->credentials;
}
