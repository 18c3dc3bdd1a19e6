/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes the a{sv} of CreateUnikernel and SetUnikernelSettings from settings, by type. */

#include "ctl/bus/settings-append.h"

#include <unistd.h>

#include "common/io.h"
#include "common/size.h"
#include "common/string-util.h"
#include "ctl/input/image-file.h"

static int settings_close_containers(sd_bus_message *call, unsigned n)
{
        int r = 0;

        for (unsigned i = 0; i < n && r >= 0; i++)
                r = sd_bus_message_close_container(call);

        return r;
}

static int settings_append_text(sd_bus_message *call, const char *key, const char *value)
{
        return value ? sd_bus_message_append(call, "{sv}", key, "s", value) : 0;
}

/* Opens the value of one key, a variant. */
static int settings_open_value(sd_bus_message *call, const char *key, const char *contents)
{
        int r;

        r = sd_bus_message_open_container(call, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", key);
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'v', contents);

        return r;
}

static int settings_append_list(sd_bus_message *call, const char *key, char **list)
{
        int r = settings_open_value(call, key, "as");

        if (r >= 0)
                r = sd_bus_message_append_strv(call, list);

        return r < 0 ? r : settings_close_containers(call, 2);
}

/* The value has already been checked, so it parses. */
static int settings_append_value(sd_bus_message *call, const Setting *setting, const char *value)
{
        uint64_t bytes = 0;
        guint64 number = 0;
        g_auto(GStrv) list = NULL;
        bool flag = false;

        switch (setting->type) {
        case SETTING_TYPE_BYTES:
                if (*value)
                        (void) size_parse(value, &bytes);
                return sd_bus_message_append(call, "{sv}", setting->key, "t", bytes);
        case SETTING_TYPE_NUMBER:
                (void) g_ascii_string_to_unsigned(value, 10, 0, UINT32_MAX, &number, NULL);
                return sd_bus_message_append(call, "{sv}", setting->key, "u", (uint32_t) number);
        case SETTING_TYPE_BOOLEAN:
                (void) boolean_parse(value, &flag);
                return sd_bus_message_append(call, "{sv}", setting->key, "b", (int) flag);
        case SETTING_TYPE_LIST:
                list = setting_split(setting, value);
                return settings_append_list(call, setting->key, list);
        default:
                return settings_append_text(call, setting->key, value);
        }
}

static int settings_append_values(sd_bus_message *call, char *const *values)
{
        int r = 0;

        for (SettingID id = 0; r >= 0 && id < _SETTING_MAX; id++)
                if (values[id] && setting_table[id].type != SETTING_TYPE_FILE)
                        r = settings_append_value(call, &setting_table[id], values[id]);

        return r;
}

/* A dictionary entry is 'e' of a key and a variant; devices nest: a(sa{sv}). */
static int settings_append_device(sd_bus_message *call, const DeviceSettings *device)
{
        int r;

        r = sd_bus_message_open_container(call, 'r', "sa{sv}");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", device->device);
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'a', "{sv}");
        if (r >= 0)
                r = settings_append_values(call, device->values);

        return r < 0 ? r : settings_close_containers(call, 2);
}

static int settings_append_devices(sd_bus_message *call, const char *key, const GPtrArray *devices)
{
        int r = settings_open_value(call, key, "a(sa{sv})");

        if (r >= 0)
                r = sd_bus_message_open_container(call, 'a', "(sa{sv})");
        for (guint i = 0; r >= 0 && i < devices->len; i++)
                r = settings_append_device(call, devices->pdata[i]);

        return r < 0 ? r : settings_close_containers(call, 3);
}

/* "" removes it. */
static int settings_append_initrd(sd_bus_message *call, const char *initrd, Error *ret_error)
{
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!*initrd || digest_is_valid(initrd))
                r = settings_append_text(call, "InitrdDigest", initrd);
        else {
                r = image_open(initrd, &fd, ret_error);
                if (r < 0)
                        return r;
                r = sd_bus_message_append(call, "{sv}", "Initrd", "h", fd);
        }

        return r < 0 ? client_message_error(r, ret_error) : 0;
}

int settings_append(sd_bus_message *call, const CommandSettings *settings, const char *image_digest,
                Error *ret_error)
{
        int r;

        r = sd_bus_message_open_container(call, 'a', "{sv}");
        if (r >= 0)
                r = settings_append_values(call, settings->values);
        if (r >= 0)
                r = settings_append_text(call, "Digest", settings->digest);
        if (r >= 0)
                r = settings_append_text(call, "ImageDigest", image_digest);
        if (r >= 0 && settings->argument_list)
                r = settings_append_list(call, "ArgumentList", settings->argument_list);
        if (r >= 0 && settings->networks)
                r = settings_append_devices(call, "Networks", settings->networks);
        if (r >= 0 && settings->volumes)
                r = settings_append_devices(call, "Volumes", settings->volumes);
        if (r >= 0 && settings->credentials) {
                char *devices[] = {*settings->credentials ? settings->credentials : NULL, NULL};

                r = settings_append_list(call, "Credentials", devices);
        }
        if (r < 0)
                return client_message_error(r, ret_error);

        if (settings->values[SETTING_INITRD]) {
                r = settings_append_initrd(call, settings->values[SETTING_INITRD], ret_error);
                if (r < 0)
                        return r;
        }

        r = sd_bus_message_close_container(call);
        return r < 0 ? client_message_error(r, ret_error) : 0;
}
