/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings off the bus: each key with its type, and its place in a definition. */

#include "daemon/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/io.h"
#include "common/string-util.h"
#include "unikernel/arguments.h"
#include "volume/store.h"

#define ARGUMENT_LIST_MAX 1024

typedef struct Reader {
        sd_bus_message *message;
        Settings *settings;
        const char *key;
        Error *ret_error;
} Reader;

Settings *settings_new(void)
{
        Settings *settings = g_new0(Settings, 1);

        settings->initrd_fd = -EBADF;
        return settings;
}

void settings_free(Settings *settings)
{
        if (!settings)
                return;

        g_free(settings->arguments);
        g_free(settings->memory);
        g_free(settings->size);
        g_free(settings->cpus);
        g_free(settings->group);
        g_free(settings->owner);
        g_free(settings->restart);
        g_free(settings->autostart);
        g_free(settings->image_digest);
        g_free(settings->initrd_digest);
        g_free(settings->digest);
        close_safe(settings->initrd_fd);
        g_clear_pointer(&settings->networks, g_ptr_array_unref);
        g_clear_pointer(&settings->volumes, g_ptr_array_unref);
        g_clear_pointer(&settings->credentials, g_ptr_array_unref);
        g_free(settings);
}

/* Whether a definition's text can hold value as it is: nothing would be trimmed, joined or end the line. */
static bool settings_value_is_plain(const char *value)
{
        size_t length = strlen(value);

        if (!g_utf8_validate(value, -1, NULL) || (length > 0 && value[length - 1] == '\\'))
                return false;
        for (const char *p = value; *p; p++)
                if ((unsigned char) *p < ' ' && *p != '\t')
                        return false;

        return length == 0 || (!g_ascii_isspace(value[0]) && !g_ascii_isspace(value[length - 1]));
}

static int refuse(const Reader *reader, const char *why)
{
        return error_set(reader->ret_error, ERROR_INVALID_ARGS, "%s: %s", reader->key, why);
}

static int refuse_type(const Reader *reader, const char *type)
{
        const char *given = NULL;

        (void) sd_bus_message_peek_type(reader->message, NULL, &given);
        return error_set(reader->ret_error, ERROR_INVALID_ARGS, "%s: its value is of type '%s', not '%s'",
                        reader->key, type, given ?: "");
}

static int read_plain(Reader *reader, const char *type, char **ret)
{
        const char *value;

        if (sd_bus_message_read(reader->message, "v", type, &value) < 0)
                return refuse_type(reader, type);
        if (!settings_value_is_plain(value))
                return refuse(reader,
                                "a definition cannot hold this value: it has a control character, white "
                                "space at an end, or '\\' at its end");

        g_free(*ret);
        *ret = g_strdup(value);
        return 0;
}

static int read_arguments(Reader *reader)
{
        int r;

        if (reader->settings->arguments)
                return refuse(reader, "'Arguments' and 'ArgumentList' exclude each other");
        r = read_plain(reader, "s", &reader->settings->arguments);
        if (r < 0)
                return r;

        return arguments_check(reader->settings->arguments, reader->ret_error);
}

static int read_argument_list(Reader *reader)
{
        g_auto(GStrv) list = NULL;
        int r;

        if (reader->settings->arguments)
                return refuse(reader, "'Arguments' and 'ArgumentList' exclude each other");
        r = sd_bus_message_enter_container(reader->message, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_read_strv(reader->message, &list);
        if (r >= 0)
                r = sd_bus_message_exit_container(reader->message);
        if (r < 0)
                return refuse_type(reader, "as");
        if (list && g_strv_length(list) > ARGUMENT_LIST_MAX)
                return refuse(reader, "more than 1024 arguments");

        r = arguments_join((const char *const *) (list ?: (char *[]){NULL}), &reader->settings->arguments,
                        reader->ret_error);
        if (r >= 0)
                r = arguments_check(reader->settings->arguments, reader->ret_error);
        if (r >= 0 && !settings_value_is_plain(reader->settings->arguments))
                return refuse(reader,
                                "the last argument ends with white space or '\\', which no definition can "
                                "hold");

        return r;
}

static int read_memory(Reader *reader)
{
        uint64_t value;

        if (sd_bus_message_read(reader->message, "v", "t", &value) < 0)
                return refuse_type(reader, "t");

        reader->settings->memory = g_memdup2(&value, sizeof value);
        return 0;
}

static int read_size(Reader *reader)
{
        uint64_t value;

        if (sd_bus_message_read(reader->message, "v", "t", &value) < 0)
                return refuse_type(reader, "t");

        reader->settings->size = g_memdup2(&value, sizeof value);
        return 0;
}

static int read_cpus(Reader *reader)
{
        uint32_t value;

        if (sd_bus_message_read(reader->message, "v", "u", &value) < 0)
                return refuse_type(reader, "u");

        reader->settings->cpus = g_memdup2(&value, sizeof value);
        return 0;
}

static int read_autostart(Reader *reader)
{
        bool value;
        int b;

        if (sd_bus_message_read(reader->message, "v", "b", &b) < 0)
                return refuse_type(reader, "b");

        value = b;
        reader->settings->autostart = g_memdup2(&value, sizeof value);
        return 0;
}

static int read_group(Reader *reader)
{
        return read_plain(reader, "s", &reader->settings->group);
}

static int read_owner(Reader *reader)
{
        int r = read_plain(reader, "s", &reader->settings->owner);

        return r >= 0 && !reader->settings->owner[0] ? refuse(reader, "name a user") : r;
}

static int read_restart(Reader *reader)
{
        int r = read_plain(reader, "s", &reader->settings->restart);

        if (r >= 0 && (int) restart_policy_from_string(reader->settings->restart) < 0)
                return refuse(reader, "it is 'no', 'on-failure' or 'always'");

        return r;
}

static int read_digest_into(Reader *reader, bool may_be_empty, char **ret)
{
        int r = read_plain(reader, "s", ret);

        if (r >= 0 && !digest_is_valid(*ret) && !(may_be_empty && !**ret))
                return refuse(reader, "a digest is 'sha256:' and 64 hexadecimal digits in lower case");

        return r;
}

static int read_image_digest(Reader *reader)
{
        return read_digest_into(reader, false, &reader->settings->image_digest);
}

static int read_digest(Reader *reader)
{
        return read_digest_into(reader, false, &reader->settings->digest);
}

static int read_initrd(Reader *reader)
{
        int fd;

        if (sd_bus_message_read(reader->message, "v", "h", &fd) < 0)
                return refuse_type(reader, "h");
        if (reader->settings->initrd_digest)
                return refuse(reader, "'Initrd' and 'InitrdDigest' exclude each other");

        reader->settings->initrd_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        return reader->settings->initrd_fd < 0
                        ? error_set_errno(reader->ret_error, errno, "Cannot take the descriptor")
                        : 0;
}

static int read_initrd_digest(Reader *reader)
{
        if (reader->settings->initrd_fd >= 0)
                return refuse(reader, "'Initrd' and 'InitrdDigest' exclude each other");

        return read_digest_into(reader, true, &reader->settings->initrd_digest);
}

/* One key of a device's dictionary; the message stands before the variant. */
static int read_device_key(Reader *reader, DefinitionDevice *device, const char *key)
{
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
                if (sd_bus_message_read(reader->message, "v", "b", &b) < 0)
                        return refuse_type(reader, "b");
                *(network ? &device->open : &device->read_only) = network ? !b : b;
                return 0;
        }
        if (!network && g_str_equal(key, "Size")) {
                if (sd_bus_message_read(reader->message, "v", "t", &device->size) < 0)
                        return refuse_type(reader, "t");
                return device->size == 0 ? 0 : volume_size_check(device->size, reader->ret_error);
        }
        if (!place) {
                g_autofree char *shown = text_for_display(key, 40);

                return error_set(reader->ret_error, ERROR_INVALID_ARGS,
                                "%s: unknown key '%s' of device '%s'; known: %s", reader->key, shown,
                                device->name, network ? network_keys : volume_keys);
        }

        r = read_plain(reader, "s", place);
        if (r >= 0 && !**place)
                g_clear_pointer(place, g_free);
        return r;
}

static int refuse_device_name(Reader *reader, const char *name)
{
        g_autofree char *shown = text_for_display(name, 40);

        return error_set(reader->ret_error, ERROR_INVALID_ARGS, "%s: '%s' is no name of a device",
                        reader->key, shown);
}

static int read_device(Reader *reader, DefinitionDevice *device)
{
        const char *text;
        int r;

        r = sd_bus_message_read(reader->message, "s", &text);
        if (r < 0)
                return refuse_type(reader, "a(sa{sv})");
        if (!manifest_name_is_valid(text))
                return refuse_device_name(reader, text);
        device->name = g_strdup(text);

        r = sd_bus_message_enter_container(reader->message, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(reader->message, 'e', "sv")) > 0) {
                r = sd_bus_message_read(reader->message, "s", &text);
                if (r < 0)
                        break;
                r = read_device_key(reader, device, text);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(reader->message);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(reader->message);

        return r < 0 ? refuse_type(reader, "a(sa{sv})") : 0;
}

static int read_devices(Reader *reader, DeviceKind kind, GPtrArray **ret)
{
        g_autoptr(GPtrArray) devices =
                        g_ptr_array_new_with_free_func((GDestroyNotify) definition_device_free);
        int r;

        r = sd_bus_message_enter_container(reader->message, 'v', "a(sa{sv})");
        if (r >= 0)
                r = sd_bus_message_enter_container(reader->message, 'a', "(sa{sv})");
        while (r >= 0 && (r = sd_bus_message_enter_container(reader->message, 'r', "sa{sv}")) > 0) {
                DefinitionDevice *device = g_new0(DefinitionDevice, 1);

                device->kind = kind;
                g_ptr_array_add(devices, device);
                if (devices->len > DEFINITION_DEVICES_MAX)
                        return refuse(reader, "more devices than fit on the guest's bus (29)");
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
                return refuse_type(reader, "a(sa{sv})");

        *ret = g_steal_pointer(&devices);
        return 0;
}

static int read_networks(Reader *reader)
{
        return read_devices(reader, DEVICE_NETWORK, &reader->settings->networks);
}

static int read_volumes(Reader *reader)
{
        return read_devices(reader, DEVICE_BLOCK, &reader->settings->volumes);
}

/* Names only: where contents come from stands in files, or is set for each key. */
static int read_credentials(Reader *reader)
{
        g_autoptr(GPtrArray) devices =
                        g_ptr_array_new_with_free_func((GDestroyNotify) definition_device_free);
        g_auto(GStrv) names = NULL;
        int r;

        r = sd_bus_message_enter_container(reader->message, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_read_strv(reader->message, &names);
        if (r >= 0)
                r = sd_bus_message_exit_container(reader->message);
        if (r < 0)
                return refuse_type(reader, "as");
        if (names && names[0] && names[1])
                return refuse(reader, "all key material of a unikernel is on one device: name one");

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

#define USE(use) (1U << (use))
#define BOTH     (USE(SETTINGS_CREATE) | USE(SETTINGS_UPDATE))
#define VOLUME   (USE(SETTINGS_VOLUME) | USE(SETTINGS_VOLUME_IMPORT))

static const struct {
        const char *key;
        unsigned uses;
        int (*read)(Reader *reader);
} settings_keys[] = {
        {"Arguments", BOTH, read_arguments},
        {"ArgumentList", BOTH, read_argument_list},
        {"Memory", BOTH, read_memory},
        {"CPUs", BOTH, read_cpus},
        {"Group", BOTH | VOLUME, read_group},
        {"Autostart", BOTH, read_autostart},
        {"Restart", BOTH, read_restart},
        {"Owner", BOTH | VOLUME, read_owner},
        {"ImageDigest", USE(SETTINGS_UPDATE), read_image_digest},
        {"Initrd", BOTH, read_initrd},
        {"InitrdDigest", BOTH, read_initrd_digest},
        {"Networks", BOTH, read_networks},
        {"Volumes", BOTH, read_volumes},
        {"Credentials", BOTH, read_credentials},
        {"Digest", USE(SETTINGS_CREATE) | USE(SETTINGS_IMPORT), read_digest},
        {"Size", USE(SETTINGS_VOLUME_IMPORT), read_size},
};

static int refuse_key(SettingsUse use, const char *key, Error *ret_error)
{
        g_autoptr(GString) known = g_string_new(NULL);
        g_autofree char *shown = text_for_display(key, 40);

        for (size_t i = 0; i < G_N_ELEMENTS(settings_keys); i++)
                if (settings_keys[i].uses & USE(use))
                        g_string_append_printf(
                                        known, "%s%s", known->len > 0 ? ", " : "", settings_keys[i].key);

        return error_set(ret_error, ERROR_INVALID_ARGS, "Unknown key '%s'; known: %s", shown, known->str);
}

static int read_setting(Reader *reader, SettingsUse use, uint64_t *seen)
{
        for (size_t i = 0; i < G_N_ELEMENTS(settings_keys); i++) {
                if (!(settings_keys[i].uses & USE(use)) || !g_str_equal(settings_keys[i].key, reader->key))
                        continue;
                if (*seen & (UINT64_C(1) << i))
                        return refuse(reader, "it stands there twice");

                *seen |= UINT64_C(1) << i;
                return settings_keys[i].read(reader);
        }

        return refuse_key(use, reader->key, reader->ret_error);
}

int settings_read(sd_bus_message *message, SettingsUse use, Settings **ret_settings, Error *ret_error)
{
        g_autoptr(Settings) settings = settings_new();
        Reader reader = {.message = message, .settings = settings, .ret_error = ret_error};
        uint64_t seen = 0;
        int r;

        r = sd_bus_message_enter_container(message, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                r = sd_bus_message_read(message, "s", &reader.key);
                if (r < 0)
                        break;
                r = read_setting(&reader, use, &seen);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(message);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(message);
        if (r < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS, "The settings cannot be read: %s",
                                g_strerror(-r));

        *ret_settings = g_steal_pointer(&settings);
        return 0;
}

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
static bool same_order(const GPtrArray *devices, const Definition *definition, DeviceKind kind,
                bool credentials)
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
