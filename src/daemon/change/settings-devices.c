/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The devices in the settings: networks, volumes, and the one that carries key material. */

#include "common/string-util.h"
#include "daemon/change/settings-private.h"
#include "daemon/core/dictionary.h"
#include "volume/store.h"

static int settings_refuse_device_key(const SettingsReader *reader, const char *key)
{
        g_autoptr(GString) known = g_string_new(NULL);
        g_autofree char *shown = text_for_display(key, 40);

        for (SettingID id = 0; id < _SETTING_MAX; id++)
                if (setting_table[id].section == definition_device_section_type(reader->device))
                        g_string_append_printf(
                                        known, "%s%s", known->len > 0 ? ", " : "", setting_table[id].key);

        return error_set(reader->ret_error, ERROR_INVALID_ARGS,
                        "%s: unknown key '%s' of device '%s'; known: %s", reader->key, shown,
                        reader->device->name, known->str);
}

static int settings_read_device_text(SettingsReader *reader, char **field)
{
        int r = settings_read_plain(reader, field);

        if (r >= 0 && !**field)
                g_clear_pointer(field, g_free);
        return r;
}

static int settings_read_device_list(SettingsReader *reader, const Setting *setting, char **field)
{
        int r = settings_read_list(reader, setting, field);

        if (r >= 0 && !**field)
                g_clear_pointer(field, g_free);
        return r;
}

static int settings_read_device_size(SettingsReader *reader, uint64_t *field)
{
        int r = settings_read_bytes(reader, field);

        return r < 0 || *field == 0 ? r : volume_size_check(*field, reader->ret_error);
}

static int settings_read_device_boolean(SettingsReader *reader, bool *field, bool inverted)
{
        bool value;
        int r = settings_read_boolean(reader, &value);

        if (r >= 0)
                *field = value != inverted;
        return r;
}

static int settings_read_device_key(
                sd_bus_message *message, const char *key, void *userdata, Error *ret_error)
{
        SettingsReader *reader = userdata;
        const Setting *setting = setting_find(definition_device_section_type(reader->device), key);
        void *field;

        if (!setting)
                return settings_refuse_device_key(reader, key);

        field = setting_field(setting, reader->device);
        switch (setting->type) {
        case SETTING_TYPE_TEXT:
                return settings_read_device_text(reader, field);
        case SETTING_TYPE_LIST:
                return settings_read_device_list(reader, setting, field);
        case SETTING_TYPE_BYTES:
                return settings_read_device_size(reader, field);
        case SETTING_TYPE_BOOLEAN:
                return settings_read_device_boolean(reader, field, setting->flags & SETTING_INVERTED);
        default:
                g_assert_not_reached();
        }
}

static int settings_refuse_device_name(SettingsReader *reader, const char *name)
{
        g_autofree char *shown = text_for_display(name, 40);

        return error_set(reader->ret_error, ERROR_INVALID_ARGS, "%s: '%s' is not a valid device name",
                        reader->key, shown);
}

static int settings_read_device(SettingsReader *reader, DefinitionDevice *device)
{
        const char *text;
        int r;

        r = sd_bus_message_read(reader->message, "s", &text);
        if (r < 0)
                return settings_refuse_type(reader, "a(sa{sv})");
        if (!manifest_name_is_valid(text))
                return settings_refuse_device_name(reader, text);
        device->name = g_strdup(text);

        reader->device = device;
        return dictionary_read(reader->message, "device's settings", settings_read_device_key, reader,
                        reader->ret_error);
}

static int settings_read_devices(SettingsReader *reader, DeviceKind kind, GPtrArray **ret)
{
        g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func(definition_device_destroy);
        int r;

        r = sd_bus_message_enter_container(reader->message, 'v', "a(sa{sv})");
        if (r >= 0)
                r = sd_bus_message_enter_container(reader->message, 'a', "(sa{sv})");
        while (r >= 0 && (r = sd_bus_message_enter_container(reader->message, 'r', "sa{sv}")) > 0) {
                DefinitionDevice *device = g_new0(DefinitionDevice, 1);

                device->kind = kind;
                g_ptr_array_add(devices, device);
                if (devices->len > DEFINITION_DEVICES_MAX)
                        return settings_refuse(reader, "a guest can have at most 29 devices");
                r = settings_read_device(reader, device);
                if (r < 0)
                        return r;
                for (guint i = 0; i + 1 < devices->len; i++)
                        if (g_str_equal(((DefinitionDevice *) devices->pdata[i])->name, device->name))
                                return error_set(reader->ret_error, ERROR_INVALID_ARGS,
                                                "%s: '%s' is given twice", reader->key, device->name);
                r = sd_bus_message_exit_container(reader->message);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(reader->message);
        if (r >= 0)
                r = sd_bus_message_exit_container(reader->message);
        if (r < 0)
                return settings_refuse_type(reader, "a(sa{sv})");

        *ret = g_steal_pointer(&devices);
        return 0;
}

int settings_read_networks(SettingsReader *reader)
{
        return settings_read_devices(reader, DEVICE_NETWORK, &reader->settings->networks);
}

int settings_read_volumes(SettingsReader *reader)
{
        return settings_read_devices(reader, DEVICE_BLOCK, &reader->settings->volumes);
}

/* Reads only names: sources of contents are written in files, or set for each key. */
int settings_read_credentials(SettingsReader *reader)
{
        g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func(definition_device_destroy);
        g_auto(GStrv) names = NULL;
        int r;

        r = sd_bus_message_enter_container(reader->message, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_read_strv(reader->message, &names);
        if (r >= 0)
                r = sd_bus_message_exit_container(reader->message);
        if (r < 0)
                return settings_refuse_type(reader, "as");
        if (names && names[0] && names[1])
                return settings_refuse(reader, "a unikernel has only one device for key material; name one");

        for (char **name = names; name && *name; name++) {
                DefinitionDevice *device;

                if (!manifest_name_is_valid(*name))
                        return settings_refuse_device_name(reader, *name);
                device = g_new(DefinitionDevice, 1);
                *device = (DefinitionDevice){
                                .kind = DEVICE_BLOCK, .credentials = true, .name = g_strdup(*name)};
                g_ptr_array_add(devices, device);
        }

        reader->settings->credentials = g_steal_pointer(&devices);
        return 0;
}
