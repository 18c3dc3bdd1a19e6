/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sections of a definition: which ones are allowed, and whether they make sense together. */

#include <string.h>

#include "common/names.h"
#include "common/string-util.h"
#include "unikernel/arguments.h"
#include "unikernel/check.h"
#include "unikernel/definition-private.h"
#include "unikernel/placeholders.h"
#include "volume/store.h"

static int definition_refuse_section(
                const Definition *definition, const KeyFileSection *section, Error *ret_error)
{
        static const char *const reserved[] = {"Unit", "Service", "Install"};
        const char *known[_SECTION_MAX + 1] = {0};

        for (size_t i = 0; i < G_N_ELEMENTS(reserved); i++)
                if (g_str_equal(section->type, reserved[i]))
                        return key_file_error(section->path, section->line, ret_error,
                                        "section [%s] belongs to systemd: write it to "
                                        "/etc/systemd/system/%s%s%s.d/50-local.conf, or use 'systemctl edit "
                                        "%s%s%s'",
                                        section->type, SHRUTHI_UNIT_PREFIX, definition->name,
                                        SHRUTHI_UNIT_SUFFIX, SHRUTHI_UNIT_PREFIX, definition->name,
                                        SHRUTHI_UNIT_SUFFIX);

        for (SettingSection i = 0; i < _SECTION_MAX; i++)
                known[i] = setting_section_to_string(i);
        return key_file_refuse_section(section, known, ret_error);
}

/* What Solo5 allows, except for what a section header could not carry. */
static bool device_name_is_valid(const char *name)
{
        if (strlen(name) > MANIFEST_NAME_MAX)
                return false;

        for (const char *p = name; *p; p++)
                if (!g_ascii_isprint(*p) || strchr("[]/", *p))
                        return false;

        return true;
}

static int definition_check_section_name(const KeyFileSection *section, bool unikernel, Error *ret_error)
{
        g_autofree char *shown = text_for_display(section->name ?: "", MANIFEST_NAME_MAX);

        if (unikernel && section->name)
                return key_file_error(section->path, section->line, ret_error,
                                "section [Unikernel %s] takes no name: write [Unikernel]", shown);
        if (!unikernel && !section->name)
                return key_file_error(section->path, section->line, ret_error,
                                "section [%s] needs the device's name as in the image's manifest, "
                                "such as [%s %s]",
                                section->type, section->type,
                                g_str_equal(section->type, "Network")       ? "service"
                                : g_str_equal(section->type, "Credentials") ? "keys"
                                                                            : "storage");
        if (section->name && !device_name_is_valid(section->name))
                return key_file_error(section->path, section->line, ret_error,
                                "'%s' is not a valid device name: use 1 to %d printable ASCII characters "
                                "without '[', ']' and '/'",
                                shown, MANIFEST_NAME_MAX);

        return 0;
}

static void override_free(gpointer data)
{
        DefinitionOverride *override = data;

        g_free(override->setting);
        g_free(override->path);
        g_free(override);
}

static void definition_note_override(Definition *definition, const KeyFileEntry *entry)
{
        const KeyFileSection *section = entry->section;
        DefinitionOverride *override;

        if (g_strcmp0(entry->path, definition->path) == 0)
                return;

        override = g_new0(DefinitionOverride, 1);
        override->setting = section->name
                        ? g_strdup_printf("[%s %s] %s", section->type, section->name, entry->key)
                        : g_strdup(entry->key);
        override->path = g_strdup(entry->path);
        g_ptr_array_add(definition->overrides, override);
}

static int definition_refuse_key(const DefinitionParser *parser, const KeyFileSection *section,
                SettingSection type, const KeyFileEntry *entry)
{
        const char *known[_SETTING_MAX + 1] = {0};
        size_t n = 0;

        for (SettingID id = 0; id < _SETTING_MAX; id++)
                if (setting_table[id].section == type)
                        known[n++] = setting_table[id].key;

        return key_file_refuse_key(section, entry, known, parser->ret_error);
}

static int definition_parse_entries(
                DefinitionParser *parser, const KeyFileSection *section, SettingSection type)
{
        for (guint i = 0; i < section->entries->len; i++) {
                const KeyFileEntry *entry = section->entries->pdata[i];
                int r;

                parser->setting = setting_find(type, entry->key);
                if (!parser->setting)
                        return definition_refuse_key(parser, section, type, entry);
                definition_note_override(parser->definition, entry);
                if (entry->value[0] == 0 && !g_strv_contains(definition_lists, entry->key))
                        continue;

                r = parser->setting->parse(parser, entry);
                if (r < 0)
                        return r;
        }

        return 0;
}

const char *definition_own_path(const Definition *definition, const char *path)
{
        for (char **dropin = definition->dropins; dropin && *dropin; dropin++)
                if (g_strcmp0(*dropin, path) == 0)
                        return *dropin;

        return definition->path;
}

/* A block device has only one section, and all key material is one archive. */
static int device_check_block(const DefinitionParser *parser, const KeyFileSection *section)
{
        const DefinitionDevice *device = parser->device;

        for (guint i = 0; i < parser->definition->devices->len; i++) {
                const DefinitionDevice *other = parser->definition->devices->pdata[i];
                g_autofree char *place = NULL;

                if (other == device || other->kind != DEVICE_BLOCK)
                        continue;
                place = other->file ? g_strdup_printf(" in line %u of %s", other->line, other->file)
                                    : g_strdup("");
                if (g_str_equal(other->name, device->name))
                        return key_file_error(section->path, section->line, parser->ret_error,
                                        "block device '%s' also has a section [%s %s]%s%s; remove one of "
                                        "the two",
                                        device->name, definition_device_section(other), other->name,
                                        *place ? "," : "", place);
                if (other->credentials && device->credentials)
                        return key_file_error(section->path, section->line, parser->ret_error,
                                        "[Credentials %s] is the second such section, after [Credentials "
                                        "%s]%s: a unikernel has only one device for key material; join the "
                                        "two",
                                        device->name, other->name, place);
        }

        return 0;
}

/* Finds which of the store's volumes the device is, if it is one of them. */
static int device_check_volume(const DefinitionParser *parser, const KeyFileSection *section)
{
        const Definition *definition = parser->definition;
        DefinitionDevice *device = parser->device;

        if (device->path && (device->size > 0 || device->volume))
                return key_file_refuse(key_file_find_entry(section, "Path"), parser->ret_error,
                                "[Volume %s] also has %s=: Path= is for a file or block device of the host, "
                                "Size= and Volume= are for volumes of the store; remove one of them",
                                section->name, device->size > 0 ? "Size" : "Volume");
        if (device->path)
                return 0;
        if (device->size == 0 && !device->volume)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Volume %s] has no source: set Size=64M (or another size) to create a "
                                "volume, Volume=… to use an existing one, or Path=/… to use a file or block "
                                "device of the host",
                                section->name);

        device->stored = device->volume ? g_strdup(device->volume)
                                        : g_strdup_printf("%s-%s", definition->name, device->name);
        if (!volume_name_is_valid(device->stored))
                return key_file_error(section->path, section->line, parser->ret_error,
                                "[Volume %s] has no valid volume name: set Volume= to a name of a-z, A-Z, "
                                "0-9, '-', '_' and '.'",
                                section->name);

        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *other = definition->devices->pdata[i];

                if (other != device && g_strcmp0(other->stored, device->stored) == 0 &&
                                !(other->read_only && device->read_only))
                        return key_file_error(section->path, section->line, parser->ret_error,
                                        "[Volume %s] and [Volume %s] are the same volume '%s': set "
                                        "ReadOnly=yes in both, or use two volumes",
                                        other->name, device->name, device->stored);
        }

        return 0;
}

static int device_check(const DefinitionParser *parser, const KeyFileSection *section)
{
        const DefinitionDevice *device = parser->device;

        if (device->kind == DEVICE_BLOCK) {
                int r = device_check_block(parser, section);

                return r < 0 || device->credentials ? r : device_check_volume(parser, section);
        }
        if (device->bridge && device->network)
                return key_file_refuse(key_file_find_entry(section, "Network"), parser->ret_error,
                                "[Network %s] also has Bridge=%s; remove one of the two", section->name,
                                device->bridge);

        for (guint i = 0; i < parser->definition->devices->len; i++) {
                const DefinitionDevice *other = parser->definition->devices->pdata[i];

                if (other != device && device->mac && g_strcmp0(other->mac, device->mac) == 0)
                        return key_file_refuse(key_file_find_entry(section, "MACAddress"), parser->ret_error,
                                        "[Network %s] has this address already", other->name);
        }

        return 0;
}

void definition_device_free(DefinitionDevice *device)
{
        settings_clear_fields(SECTION_NETWORK, device);
        settings_clear_fields(SECTION_VOLUME, device);
        g_free(device->name);
        g_free(device->stored);
        g_clear_pointer(&device->sources, g_ptr_array_unref);
        g_free(device);
}

SettingSection definition_device_section_type(const DefinitionDevice *device)
{
        return device->kind == DEVICE_NETWORK ? SECTION_NETWORK
               : device->credentials          ? SECTION_CREDENTIALS
                                              : SECTION_VOLUME;
}

const char *definition_device_section(const DefinitionDevice *device)
{
        return setting_section_to_string(definition_device_section_type(device));
}

static int definition_parse_device(
                DefinitionParser *parser, const KeyFileSection *section, SettingSection type)
{
        bool credentials = type == SECTION_CREDENTIALS;
        GPtrArray *devices = parser->definition->devices;
        int r;

        if (devices->len >= DEFINITION_DEVICES_MAX)
                return key_file_error(section->path, section->line, parser->ret_error,
                                "device limit reached at [%s %s]: a guest can have at most %d devices",
                                section->type, section->name, DEFINITION_DEVICES_MAX);

        parser->device = g_new0(DefinitionDevice, 1);
        *parser->device = (DefinitionDevice){
                        .kind = type == SECTION_NETWORK ? DEVICE_NETWORK : DEVICE_BLOCK,
                        .name = g_strdup(section->name),
                        .file = definition_own_path(parser->definition, section->path),
                        .line = section->line,
                        .credentials = credentials,
                        .read_only = credentials,
                        .sources = credentials ? definition_sources_new() : NULL,
        };
        g_ptr_array_add(devices, parser->device);

        r = definition_parse_entries(parser, section, type);
        if (r >= 0)
                r = device_check(parser, section);

        parser->device = NULL;
        return r;
}

/* Called last, when all devices are known. A device gets an address if the arguments use it and its section
 * does not set it. */
static int definition_check_arguments(const DefinitionParser *parser)
{
        Definition *definition = parser->definition;
        g_autofree PlaceholderDevice *devices = g_new0(PlaceholderDevice, definition->devices->len);
        PlaceholderFacts facts = {.devices = devices};
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        for (guint i = 0; i < definition->devices->len; i++) {
                DefinitionDevice *device = definition->devices->pdata[i];

                if (device->kind != DEVICE_NETWORK)
                        continue;
                devices[facts.n_devices++].name = device->name;
                if (device->address)
                        continue;
                if (placeholders_need_address(definition->arguments, device->name, AF_INET))
                        device->setting.mode4 = ADDRESS_MODE_AUTO;
                if (placeholders_need_address(definition->arguments, device->name, AF_INET6))
                        device->setting.mode6 = ADDRESS_MODE_AUTO;
        }

        r = placeholders_check(definition->arguments, &facts, &error);
        if (r >= 0)
                r = arguments_check(definition->arguments, &error);
        if (r < 0)
                return key_file_error(parser->arguments->path, parser->arguments->line, parser->ret_error,
                                "Arguments=: %s", error_message(&error, r));

        return 0;
}

/* The host must know how to reach the guest. */
static int definition_check_target(
                const DefinitionParser *parser, const KeyFileEntry *entry, const Check *check)
{
        const GPtrArray *devices = parser->definition->devices;
        g_autoptr(GString) known = g_string_new(NULL);

        for (guint i = 0; i < devices->len; i++) {
                const DefinitionDevice *device = devices->pdata[i];

                if (device->kind != DEVICE_NETWORK)
                        continue;
                if (!g_str_equal(device->name, check->device)) {
                        g_string_append_printf(
                                        known, "%s%s", known->len > 0 ? ", " : "; known: ", device->name);
                        continue;
                }
                if (device->setting.mode4 == ADDRESS_MODE_NONE && device->setting.mode6 == ADDRESS_MODE_NONE)
                        return key_file_refuse(entry, parser->ret_error,
                                        "[Network %s] has no address that this host knows: write "
                                        "Address=auto there and {%s.address} into Arguments=, or the "
                                        "address that the guest has",
                                        device->name, device->name);
                return 0;
        }

        return key_file_refuse(entry, parser->ret_error, "there is no section [Network %s]%s", check->device,
                        known->str);
}

/* Called last, when all devices are known. */
static int definition_check_checks(const DefinitionParser *parser, const KeyFileSection *unikernel)
{
        for (guint i = 0; unikernel && i < unikernel->entries->len; i++) {
                const KeyFileEntry *entry = unikernel->entries->pdata[i];
                const Setting *setting = setting_find(SECTION_UNIKERNEL, entry->key);
                _cleanup_check_ Check check = {};
                int r;

                if (!*entry->value || !setting || !setting_is_of_checks(setting) ||
                                check_parse(entry->value, &check, NULL) < 0 || !check.device)
                        continue;
                r = definition_check_target(parser, entry, &check);
                if (r < 0)
                        return r;
        }

        return 0;
}

int definition_parse_key_file(
                Definition *definition, const KeyFile *key_file, DefinitionFlags flags, Error *ret_error)
{
        DefinitionParser parser = {.definition = definition, .flags = flags, .ret_error = ret_error};
        const KeyFileSection *unikernel = NULL;
        int r;

        for (SettingID id = 0; id < _SETTING_MAX; id++)
                if (setting_table[id].section == SECTION_UNIKERNEL)
                        setting_reset(&setting_table[id], definition);
        definition->arguments = g_strdup("");
        definition->ready_timeout_usec = READY_TIMEOUT_DEFAULT_USEC;
        definition->healthy_interval_usec = HEALTHY_INTERVAL_DEFAULT_USEC;
        definition->devices = g_ptr_array_new_with_free_func(definition_device_destroy);
        definition->overrides = g_ptr_array_new_with_free_func(override_free);

        for (guint i = 0; i < key_file->sections->len; i++) {
                const KeyFileSection *section = key_file->sections->pdata[i];
                SettingSection type = setting_section_from_string(section->type);
                bool is_unikernel = type == SECTION_UNIKERNEL;

                if ((int) type < 0)
                        return definition_refuse_section(definition, section, ret_error);
                r = definition_check_section_name(section, is_unikernel, ret_error);
                if (r < 0)
                        return r;

                if (is_unikernel)
                        unikernel = section;
                r = is_unikernel ? definition_parse_entries(&parser, section, type)
                                 : definition_parse_device(&parser, section, type);
                if (r < 0)
                        return r;
        }

        if (!definition->image)
                return key_file_error(unikernel ? unikernel->path : definition->path,
                                unikernel ? unikernel->line : 1, ret_error,
                                "there is no image: set Image=sha256:… or Image=/… in section [Unikernel]");

        r = parser.arguments ? definition_check_arguments(&parser) : 0;
        if (r >= 0)
                r = definition_check_restart(&parser);
        if (r >= 0)
                r = definition_check_slice_limits(&parser);
        if (r >= 0)
                r = definition_check_update(&parser, unikernel);
        if (r >= 0)
                r = definition_check_publish(&parser, key_file);
        if (r >= 0)
                r = definition_check_activation(&parser, unikernel);
        return r < 0 ? r : definition_check_checks(&parser, unikernel);
}
