/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The devices of a unikernel, as GetDetails() returns them. */

#include "daemon/bus/device-details.h"

#include <string.h>

#include "daemon/core/dictionary.h"
#include "unikernel/cut-off.h"
#include "unikernel/identity.h"
#include "unikernel/lease.h"

/* The addresses allocated to a device, with prefix lengths, separated by a space. */
static char *device_format_addresses(const GPtrArray *leases, const char *device)
{
        GString *text = g_string_new(NULL);

        for (guint i = 0; leases && i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];
                char address[ADDRESS_TEXT_MAX];

                if (g_strcmp0(lease->device, device) != 0)
                        continue;
                address_format(&lease->address, address);
                g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "", address);
        }

        return g_string_free(text, FALSE);
}

static const char *device_address_setting(const DefinitionDevice *device)
{
        bool automatic = device->setting.mode4 == ADDRESS_MODE_AUTO ||
                         device->setting.mode6 == ADDRESS_MODE_AUTO;

        if (device->address)
                return device->address;

        return automatic ? "auto" : "none";
}

/* text replaces the value in the definition, or is NULL. */
static int device_append_setting(
                sd_bus_message *m, const Setting *setting, const DefinitionDevice *device, const char *text)
{
        const void *field = (const char *) device + setting->offset;
        bool inverted = setting->flags & SETTING_INVERTED;
        g_auto(GStrv) lines = NULL;

        switch (setting->type) {
        case SETTING_TYPE_TEXT:
                return sd_bus_message_append(
                                m, "{sv}", setting->key, "s", text ?: *(char *const *) field ?: "");
        case SETTING_TYPE_LIST:
                lines = setting_split(setting, *(char *const *) field);
                return dictionary_append_strv(m, setting->key, lines);
        case SETTING_TYPE_BYTES:
                return sd_bus_message_append(m, "{sv}", setting->key, "t", *(const uint64_t *) field);
        case SETTING_TYPE_NUMBER:
                return sd_bus_message_append(m, "{sv}", setting->key, "u", *(const unsigned *) field);
        case SETTING_TYPE_BOOLEAN:
                return sd_bus_message_append(
                                m, "{sv}", setting->key, "b", (int) (*(const bool *) field != inverted));
        default:
                return 0;
        }
}

/* Appends all settings that the table has for the section of the device. */
static int device_append_settings(
                sd_bus_message *m, const DefinitionDevice *device, const char *const texts[_SETTING_MAX])
{
        SettingSection section = definition_device_section_type(device);
        int r = 0;

        for (SettingID id = 0; r >= 0 && id < _SETTING_MAX; id++)
                if (setting_table[id].section == section)
                        r = device_append_setting(m, &setting_table[id], device, texts[id]);

        return r;
}

static int device_append_network(sd_bus_message *m, const char *unikernel, const DefinitionDevice *device,
                const DeviceWiring *wiring)
{
        g_autofree char *addresses = device_format_addresses(wiring->leases, device->name);
        const CutOff *cut_off = wiring->cut_off ? cut_off_find(wiring->cut_off, device->name) : NULL;
        char mac[18] = "";
        const char *texts[_SETTING_MAX] = {[SETTING_ADDRESS] = addresses};
        int r;

        if (!device->mac) {
                (void) identity_mac(unikernel, device->name, mac);
                texts[SETTING_MAC_ADDRESS] = mac;
        }
        r = device_append_settings(m, device, texts);
        return r < 0 ? r
                     : sd_bus_message_append(m, "{sv}{sv}", "AddressSetting", "s",
                                       device_address_setting(device), "CutOff", "s",
                                       cut_off ? cut_off->reason : "");
}

static int device_append_volume(sd_bus_message *m, const DefinitionDevice *device)
{
        const char *texts[_SETTING_MAX] = {[SETTING_VOLUME] = device->stored ?: ""};

        return device_append_settings(m, device, texts);
}

/* Only names: their sources are only in the definition. */
static int device_append_credentials(sd_bus_message *m, const DefinitionDevice *device)
{
        int r;

        r = dictionary_open_array(m, "Credentials", "s");
        for (guint i = 0; r >= 0 && i < device->sources->len; i++)
                r = sd_bus_message_append(m, "s", ((DefinitionSource *) device->sources->pdata[i])->id);

        return r < 0 ? r : dictionary_close_array(m);
}

static int device_append(sd_bus_message *m, const char *unikernel, const DefinitionDevice *device,
                const DeviceWiring *wiring)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}", "Kind", "s",
                                device->credentials ? "credentials" : device_kind_to_string(device->kind),
                                "Name", "s", device->name);
        if (r >= 0 && device->kind == DEVICE_NETWORK)
                r = device_append_network(m, unikernel, device, wiring);
        else if (r >= 0 && device->credentials)
                r = device_append_credentials(m, device);
        else if (r >= 0)
                r = device_append_volume(m, device);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

int details_append_devices(sd_bus_message *m, const Definition *definition, const DeviceWiring *wiring)
{
        int r;

        r = dictionary_open_array(m, "Devices", "a{sv}");
        for (guint i = 0; r >= 0 && i < definition->devices->len; i++)
                r = device_append(m, definition->name, definition->devices->pdata[i], wiring);

        return r < 0 ? r : dictionary_close_array(m);
}
