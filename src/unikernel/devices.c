/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Wiring: Solo5 takes the n-th device on the bus for entry n of its manifest, so the definition's devices
 * are put into the manifest's order, and any difference is reported before anything starts. */

#include "unikernel/devices.h"

#include <string.h>

#include "common/paths.h"
#include "common/string-util.h"

#define NAME_SHOWN MANIFEST_NAME_MAX

static const char *kind_words(DeviceKind kind)
{
        return kind == DEVICE_NETWORK ? "network" : "block device";
}

static const DefinitionDevice *find_device(const Definition *definition, const char *name, DeviceKind kind)
{
        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];

                if (device->kind == kind && g_str_equal(device->name, name))
                        return device;
        }

        return NULL;
}

static const ManifestDevice *find_entry(const ImageInfo *image, const char *name, DeviceKind kind)
{
        for (unsigned i = 0; i < image->n_devices; i++)
                if (image->devices[i].kind == kind && g_str_equal(image->devices[i].name, name))
                        return &image->devices[i];

        return NULL;
}

/* The parts of the message; empty ones are left out. */
typedef struct Difference {
        GString *missing, *surplus, *other_kind, *undeclared;
        GString *lines, *options;
} Difference;

static void append_item(GString *list, const char *separator, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void append_item(GString *list, const char *separator, const char *format, ...)
{
        va_list ap;

        if (list->len > 0)
                g_string_append(list, separator);
        va_start(ap, format);
        g_string_append_vprintf(list, format, ap);
        va_end(ap);
}

static void add_missing(Difference *difference, const Definition *definition, const ManifestDevice *entry)
{
        g_autofree char *name = text_for_display(entry->name, NAME_SHOWN);
        bool network = entry->kind == DEVICE_NETWORK;
        const DefinitionDevice *other =
                        find_device(definition, entry->name, network ? DEVICE_BLOCK : DEVICE_NETWORK);

        if (other)
                append_item(difference->other_kind, ", ",
                                "'%s' is a %s in the image and [%s %s] in the definition", name,
                                kind_words(entry->kind), definition_device_section(other), name);
        else
                append_item(difference->missing, ", ", "%s '%s'", kind_words(entry->kind), name);

        if (network) {
                append_item(difference->lines, ", ", "'[Network %s]'%s", name,
                                paths_are_of_user() ? "" : " with 'Bridge=…'");
                append_item(difference->options, " ", "--network=%s%s", name,
                                paths_are_of_user() ? "" : ":BRIDGE");
        } else {
                append_item(difference->lines, ", ",
                                "'[Volume %s]' with 'Size=64M' (or '[Credentials %s]' for key material)",
                                name,
                                name);
                append_item(difference->options, " ", "--volume=%s:size=64M (or --credentials=%s)", name,
                                name);
        }
}

static void add_surplus(Difference *difference, const Definition *definition, const ImageInfo *image,
                const DefinitionDevice *device)
{
        DeviceKind other = device->kind == DEVICE_NETWORK ? DEVICE_BLOCK : DEVICE_NETWORK;

        /* add_missing() has reported it, unless the image's device of that name has a section too. */
        if (find_entry(image, device->name, other) && !find_device(definition, device->name, other))
                return;
        if (device->file)
                append_item(difference->surplus, ", ", "[%s %s] (%s:%u)", definition_device_section(device),
                                device->name, device->file, device->line);
        else
                append_item(difference->surplus, ", ", "[%s %s]", definition_device_section(device),
                                device->name);
        if (device->credentials)
                append_item(difference->undeclared, ", ",
                                "key material needs a block device '%s' that the image's manifest declares",
                                device->name);
}

static int refuse(const Definition *definition, const ImageInfo *image, Difference *difference,
                Error *ret_error)
{
        g_autoptr(GString) message = g_string_new(NULL);

        for (unsigned i = 0; i < image->n_devices; i++)
                if (!find_device(definition, image->devices[i].name, image->devices[i].kind))
                        add_missing(difference, definition, &image->devices[i]);
        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];

                if (!find_entry(image, device->name, device->kind))
                        add_surplus(difference, definition, image, device);
        }

        if (difference->missing->len > 0)
                append_item(message, "; ", "the image needs %s, which the definition does not have",
                                difference->missing->str);
        if (difference->other_kind->len > 0)
                append_item(message, "; ", "%s", difference->other_kind->str);
        if (difference->surplus->len > 0)
                append_item(message, "; ", "the definition has %s, which the image does not have; remove it",
                                difference->surplus->str);
        if (difference->undeclared->len > 0)
                append_item(message, "; ", "%s", difference->undeclared->str);
        if (difference->lines->len > 0)
                append_item(message, ". ", "Write into the definition: %s; or as options of create: %s",
                                difference->lines->str, difference->options->str);

        return error_set(ret_error, ERROR_DEVICE_MISMATCH, "%s", message->str);
}

static int refuse_difference(const Definition *definition, const ImageInfo *image, Error *ret_error)
{
        Difference difference = {g_string_new(NULL), g_string_new(NULL), g_string_new(NULL),
                        g_string_new(NULL), g_string_new(NULL), g_string_new(NULL)};
        int r = refuse(definition, image, &difference, ret_error);

        g_string_free(difference.missing, TRUE);
        g_string_free(difference.surplus, TRUE);
        g_string_free(difference.other_kind, TRUE);
        g_string_free(difference.undeclared, TRUE);
        g_string_free(difference.lines, TRUE);
        g_string_free(difference.options, TRUE);
        return r;
}

/* Two entries of one name and kind would both be wired to the same device. */
static int check_manifest(const ImageInfo *image, Error *ret_error)
{
        if (image->n_devices > DEFINITION_DEVICES_MAX)
                return error_set(ret_error, ERROR_DEVICE_MISMATCH,
                                "the image has %u devices; a guest can have at most %d", image->n_devices,
                                DEFINITION_DEVICES_MAX);

        for (unsigned i = 0; i < image->n_devices; i++)
                if (find_entry(image, image->devices[i].name, image->devices[i].kind) !=
                                &image->devices[i]) {
                        g_autofree char *name = text_for_display(image->devices[i].name, NAME_SHOWN);

                        return error_set(ret_error, ERROR_DEVICE_MISMATCH,
                                        "the image has two devices '%s': rebuild it with different names",
                                        name);
                }

        return 0;
}

int devices_match(const Definition *definition, const ImageInfo *image, GPtrArray **ret_devices,
                Error *ret_error)
{
        g_autoptr(GPtrArray) devices = g_ptr_array_new();
        int r;

        if (!image->has_manifest) {
                for (guint i = 0; i < definition->devices->len; i++)
                        g_ptr_array_add(devices, definition->devices->pdata[i]);
                *ret_devices = g_steal_pointer(&devices);
                return 0;
        }

        r = check_manifest(image, ret_error);
        if (r < 0)
                return r;

        for (unsigned i = 0; i < image->n_devices; i++) {
                const DefinitionDevice *device =
                                find_device(definition, image->devices[i].name, image->devices[i].kind);

                if (!device)
                        return refuse_difference(definition, image, ret_error);
                g_ptr_array_add(devices, (DefinitionDevice *)device);
        }
        if (devices->len < definition->devices->len)
                return refuse_difference(definition, image, ret_error);

        *ret_devices = g_steal_pointer(&devices);
        return 0;
}
