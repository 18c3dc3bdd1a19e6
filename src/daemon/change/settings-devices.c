/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The devices among the settings: networks, volumes, and the one that carries key material. */

#include "common/string-util.h"
#include "daemon/change/settings-private.h"
#include "daemon/core/dictionary.h"
#include "volume/store.h"

static int read_device_key(sd_bus_message *message, const char *key, void *userdata, Error *ret_error)
{
        SettingsReader *reader = userdata;
        DefinitionDevice *device = reader->device;
        static const char *const network_keys = "Bridge, Network, MACAddress, Address, Bandwidth, Isolation";
        static const char *const volume_keys = "Path, Size, Volume, ReadOnly";
        bool network = device->kind == DEVICE_NETWORK;
        char **place = network && g_str_equal(key, "Bridge")       ? &device->bridge
                       : network && g_str_equal(key, "Network")    ? &device->network
                       : network && g_str_equal(key, "MACAddress") ? &device->mac
                       : network && g_str_equal(key, "Address")    ? &device->address
                       : network && g_str_equal(key, "Bandwidth")  ? &device->bandwidth
                       : !network && g_str_equal(key, "Path")      ? &device->path
                       : !network && g_str_equal(key, "Volume")    ? &device->volume
                                                                   : NULL;
        int b, r;

        if (g_str_equal(key, network ? "Isolation" : "ReadOnly")) {
                if (sd_bus_message_read(message, "v", "b", &b) < 0)
                        return settings_refuse_type(reader, "b");
                *(network ? &device->open : &device->read_only) = network ? !b : b;
                return 0;
        }
        if (!network && g_str_equal(key, "Size")) {
                if (sd_bus_message_read(message, "v", "t", &device->size) < 0)
                        return settings_refuse_type(reader, "t");
                return device->size == 0 ? 0 : volume_size_check(device->size, ret_error);
        }
        if (!place) {
                g_autofree char *shown = text_for_display(key, 40);

                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "%s: unknown key '%s' of device '%s'; known: %s", reader->key, shown,
                                device->name, network ? network_keys : volume_keys);
        }

        r = settings_read_plain(reader, "s", place);
        if (r >= 0 && !**place)
                g_clear_pointer(place, g_free);
        return r;
}

static int refuse_device_name(SettingsReader *reader, const char *name)
{
        g_autofree char *shown = text_for_display(name, 40);

        return error_set(reader->ret_error, ERROR_INVALID_ARGS, "%s: '%s' is no name of a device",
                        reader->key, shown);
}

static int read_device(SettingsReader *reader, DefinitionDevice *device)
{
        const char *text;
        int r;

        r = sd_bus_message_read(reader->message, "s", &text);
        if (r < 0)
                return settings_refuse_type(reader, "a(sa{sv})");
        if (!manifest_name_is_valid(text))
                return refuse_device_name(reader, text);
        device->name = g_strdup(text);

        reader->device = device;
        return dictionary_read(
                        reader->message, "device's settings", read_device_key, reader, reader->ret_error);
}

static int read_devices(SettingsReader *reader, DeviceKind kind, GPtrArray **ret)
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
                        return settings_refuse(reader, "more devices than fit on the guest's bus (29)");
                r = read_device(reader, device);
                if (r < 0)
                        return r;
                for (guint i = 0; i + 1 < devices->len; i++)
                        if (g_str_equal(((DefinitionDevice *) devices->pdata[i])->name, device->name))
                                return error_set(reader->ret_error, ERROR_INVALID_ARGS,
                                                "%s: '%s' stands there twice", reader->key, device->name);
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
        return read_devices(reader, DEVICE_NETWORK, &reader->settings->networks);
}

int settings_read_volumes(SettingsReader *reader)
{
        return read_devices(reader, DEVICE_BLOCK, &reader->settings->volumes);
}

/* Names only: where contents come from stands in files, or is set for each key. */
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
                return settings_refuse(reader, "all key material of a unikernel is on one device: name one");

        for (char **name = names; name && *name; name++) {
                DefinitionDevice *device;

                if (!manifest_name_is_valid(*name))
                        return refuse_device_name(reader, *name);
                device = g_new(DefinitionDevice, 1);
                *device = (DefinitionDevice){
                                .kind = DEVICE_BLOCK, .credentials = true, .name = g_strdup(*name)};
                g_ptr_array_add(devices, device);
        }

        reader->settings->credentials = g_steal_pointer(&devices);
        return 0;
}
