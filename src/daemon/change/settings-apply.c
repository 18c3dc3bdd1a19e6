/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Applies settings to the text of a definition, keeping its comments and order. */

#include "daemon/change/settings.h"

/* Sets or, with an empty value, removes a key of [Unikernel]. */
static void settings_set_key(char **text, const char *key, const char *value)
{
        char *old = *text;

        *text = definition_text_set(old, "Unikernel", NULL, key, value && value[0] ? value : NULL);
        g_free(old);
}

static void settings_set_device_key(
                char **text, const DefinitionDevice *device, const char *key, const char *value)
{
        char *old = *text;

        *text = definition_text_set(old, definition_device_section(device), device->name, key, value);
        g_free(old);
}

static void settings_set_device(char **text, const DefinitionDevice *device)
{
        char *old = *text;

        /* The section itself, which may have no keys. */
        *text = definition_text_set(old, definition_device_section(device), device->name, NULL, "");
        g_free(old);
        for (SettingID id = 0; id < _SETTING_MAX; id++) {
                const Setting *setting = &setting_table[id];
                g_autofree char *value = NULL;

                if (setting->section != definition_device_section_type(device) ||
                                setting->type == SETTING_TYPE_SOURCE)
                        continue;
                value = setting_format(setting, device);
                settings_set_device_key(text, device, setting->key, value);
        }
}

/* Whether the devices of one section type have the definition's order. */
static bool settings_same_order(
                const GPtrArray *devices, const Definition *definition, DeviceKind kind, bool credentials)
{
        guint n = 0;

        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];

                if (device->kind != kind || device->credentials != credentials)
                        continue;
                if (n >= devices->len ||
                                !g_str_equal(((DefinitionDevice *) devices->pdata[n])->name, device->name))
                        return false;
                n++;
        }

        return n == devices->len;
}

/* Existing sections keep their place and comments; if their order changes, all are rewritten. */
static void settings_set_devices(char **text, const GPtrArray *devices, const Definition *definition,
                DeviceKind kind, bool credentials)
{
        if (!devices)
                return;

        if (definition && !settings_same_order(devices, definition, kind, credentials))
                for (guint i = 0; i < definition->devices->len; i++) {
                        const DefinitionDevice *device = definition->devices->pdata[i];

                        if (device->kind == kind && device->credentials == credentials)
                                settings_set_device_key(text, device, NULL, NULL);
                }
        for (guint i = 0; i < devices->len; i++)
                settings_set_device(text, devices->pdata[i]);
}

char *settings_apply(const Settings *settings, const char *text, const Definition *definition,
                const char *image, const char *initrd)
{
        char *result = g_strdup(text);

        if (image)
                settings_set_key(&result, "Image", image);
        if (initrd)
                settings_set_key(&result, "Initrd", initrd);
        for (SettingID id = 0; id < _SETTING_MAX; id++)
                if (settings->values[id])
                        settings_set_key(&result, setting_table[id].key, settings->values[id]);
        settings_set_devices(&result, settings->networks, definition, DEVICE_NETWORK, false);
        settings_set_devices(&result, settings->volumes, definition, DEVICE_BLOCK, false);
        settings_set_devices(&result, settings->credentials, definition, DEVICE_BLOCK, true);

        return result;
}
