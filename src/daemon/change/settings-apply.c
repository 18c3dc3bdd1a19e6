/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings as changes of a definition's text, which keeps its comments and its order. */

#include "daemon/change/settings.h"

#include "common/size.h"

/* Sets or, with an empty value, removes a key of [Unikernel]. */
static void set_key(char **text, const char *key, const char *value)
{
        char *old = *text;

        *text = definition_text_set(old, "Unikernel", NULL, key, value && value[0] ? value : NULL);
        g_free(old);
}

static void set_device_key(char **text, const DefinitionDevice *device, const char *key, const char *value)
{
        char *old = *text;

        *text = definition_text_set(old, definition_device_section(device), device->name, key, value);
        g_free(old);
}

static void set_device(char **text, const DefinitionDevice *device)
{
        char *old = *text;

        /* The section itself, which may have no key at all. */
        *text = definition_text_set(old, definition_device_section(device), device->name, NULL, "");
        g_free(old);
        if (device->kind == DEVICE_NETWORK) {
                set_device_key(text, device, "Bridge", device->bridge);
                set_device_key(text, device, "Network", device->network);
                set_device_key(text, device, "MACAddress", device->mac);
                set_device_key(text, device, "Address", device->address);
                set_device_key(text, device, "Bandwidth", device->bandwidth);
                set_device_key(text, device, "Isolation", device->open ? "no" : NULL);
        } else if (!device->credentials) {
                g_autofree char *size = device->size > 0 ? size_format_exact(device->size) : NULL;

                set_device_key(text, device, "Path", device->path);
                set_device_key(text, device, "Size", size);
                set_device_key(text, device, "Volume", device->volume);
                set_device_key(text, device, "ReadOnly", device->read_only ? "yes" : NULL);
        }
}

/* Those of one section type, in the definition's order. */
static bool same_order(
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

/* Sections that are there already keep their place and their comments; where their order changes, all are
 * written anew. */
static void set_devices(char **text, const GPtrArray *devices, const Definition *definition, DeviceKind kind,
                bool credentials)
{
        if (!devices)
                return;

        if (definition && !same_order(devices, definition, kind, credentials))
                for (guint i = 0; i < definition->devices->len; i++) {
                        const DefinitionDevice *device = definition->devices->pdata[i];

                        if (device->kind == kind && device->credentials == credentials)
                                set_device_key(text, device, NULL, NULL);
                }
        for (guint i = 0; i < devices->len; i++)
                set_device(text, devices->pdata[i]);
}

char *settings_apply(const Settings *settings, const char *text, const Definition *definition,
                const char *image, const char *initrd)
{
        char *result = g_strdup(text);

        if (image)
                set_key(&result, "Image", image);
        if (initrd)
                set_key(&result, "Initrd", initrd);
        if (settings->arguments)
                set_key(&result, "Arguments", settings->arguments);
        if (settings->memory) {
                g_autofree char *memory = size_format_exact(*settings->memory);

                set_key(&result, "Memory", *settings->memory == 0 ? NULL : memory);
        }
        if (settings->cpus) {
                g_autofree char *cpus = g_strdup_printf("%u", *settings->cpus);

                set_key(&result, "CPUs", cpus);
        }
        if (settings->architecture)
                set_key(&result, "Architecture", settings->architecture);
        if (settings->owner)
                set_key(&result, "Owner", settings->owner);
        if (settings->group)
                set_key(&result, "Group", settings->group);
        if (settings->autostart)
                set_key(&result, "Autostart", *settings->autostart ? "yes" : "no");
        if (settings->restart)
                set_key(&result, "Restart", settings->restart);
        set_devices(&result, settings->networks, definition, DEVICE_NETWORK, false);
        set_devices(&result, settings->volumes, definition, DEVICE_BLOCK, false);
        set_devices(&result, settings->credentials, definition, DEVICE_BLOCK, true);

        return result;
}
