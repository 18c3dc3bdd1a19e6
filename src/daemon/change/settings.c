/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads settings from the bus: those of setting_table by type, and the other keys of the dictionary.
 * settings-devices.c reads devices; settings-apply.c writes the settings to a definition. */

#include "daemon/change/settings-private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "common/io.h"
#include "common/size.h"
#include "common/string-util.h"
#include "daemon/change/image-access.h"
#include "daemon/core/dictionary.h"
#include "unikernel/arguments.h"

#define ARGUMENT_LIST_MAX 1024
#define SETTING_LIST_MAX  64

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

        for (SettingID id = 0; id < _SETTING_MAX; id++)
                g_free(settings->values[id]);
        g_strfreev(settings->argument_list);
        g_free(settings->size);
        g_free(settings->raw);
        g_free(settings->image_digest);
        g_free(settings->initrd_digest);
        g_free(settings->digest);
        g_free(settings->image_source);
        image_unpin(settings->image_pinned);
        g_free(settings->image_pinned);
        close_safe(settings->initrd_fd);
        g_clear_pointer(&settings->networks, g_ptr_array_unref);
        g_clear_pointer(&settings->volumes, g_ptr_array_unref);
        g_clear_pointer(&settings->credentials, g_ptr_array_unref);
        g_free(settings);
}

void settings_put(Settings *settings, SettingID id, const char *value)
{
        g_free(settings->values[id]);
        settings->values[id] = g_strdup(value);
}

void settings_put_bytes(Settings *settings, SettingID id, uint64_t bytes)
{
        g_autofree char *value = bytes > 0 ? size_format_exact(bytes) : NULL;

        settings_put(settings, id, value ?: "");
}

/* Whether value can be written to a definition unchanged: nothing would be trimmed or joined, or end the
 * line. */
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

int settings_refuse(const SettingsReader *reader, const char *why)
{
        return error_set(reader->ret_error, ERROR_INVALID_ARGS, "%s: %s", reader->key, why);
}

int settings_refuse_type(const SettingsReader *reader, const char *type)
{
        const char *given = NULL;

        (void) sd_bus_message_peek_type(reader->message, NULL, &given);
        return error_set(reader->ret_error, ERROR_INVALID_ARGS,
                        "%s: expected a value of type '%s', got '%s'", reader->key, type, given ?: "");
}

int settings_read_plain(SettingsReader *reader, char **ret)
{
        const char *value;

        if (sd_bus_message_read(reader->message, "v", "s", &value) < 0)
                return settings_refuse_type(reader, "s");
        if (!settings_value_is_plain(value))
                return settings_refuse(reader,
                                "a definition cannot contain this value: it has a control "
                                "character, white space at its start or end, or '\\' at its end");

        g_free(*ret);
        *ret = g_strdup(value);
        return 0;
}

static int settings_read_strv(SettingsReader *reader, char ***ret_list)
{
        g_auto(GStrv) list = NULL;
        int r;

        r = sd_bus_message_enter_container(reader->message, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_read_strv(reader->message, &list);
        if (r >= 0)
                r = sd_bus_message_exit_container(reader->message);
        if (r < 0)
                return settings_refuse_type(reader, "as");

        *ret_list = list ? g_steal_pointer(&list) : g_new0(char *, 1);
        return 0;
}

int settings_read_boolean(SettingsReader *reader, bool *ret)
{
        int value;

        if (sd_bus_message_read(reader->message, "v", "b", &value) < 0)
                return settings_refuse_type(reader, "b");

        *ret = value;
        return 0;
}

int settings_read_bytes(SettingsReader *reader, uint64_t *ret)
{
        return sd_bus_message_read(reader->message, "v", "t", ret) < 0 ? settings_refuse_type(reader, "t")
                                                                       : 0;
}

int settings_join_arguments(Settings *settings, const ImageInfo *info, Error *ret_error)
{
        g_autofree char *arguments = NULL;
        int r;

        if (!settings->argument_list)
                return 0;
        r = arguments_join((const char *const *) settings->argument_list, arguments_are_quoted(info),
                        &arguments, ret_error);
        if (r >= 0)
                r = arguments_check(arguments, ret_error);
        if (r < 0)
                return r;
        if (!settings_value_is_plain(arguments))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "Setting 'ArgumentList': the last argument ends with white space or '\\', "
                                "which a definition cannot contain");

        settings_put(settings, SETTING_ARGUMENTS, arguments);
        return 0;
}

static int settings_refuse_both_arguments(const SettingsReader *reader)
{
        return settings_refuse(reader, "'Arguments' and 'ArgumentList' cannot be combined");
}

static int settings_read_argument_list(SettingsReader *reader)
{
        g_auto(GStrv) list = NULL;
        int r;

        if (reader->settings->values[SETTING_ARGUMENTS])
                return settings_refuse_both_arguments(reader);
        r = settings_read_strv(reader, &list);
        if (r < 0)
                return r;
        if (g_strv_length(list) > ARGUMENT_LIST_MAX)
                return settings_refuse(reader, "more than 1024 arguments");

        reader->settings->argument_list = g_steal_pointer(&list);
        return settings_join_arguments(reader->settings, NULL, reader->ret_error);
}

static int settings_read_size(SettingsReader *reader)
{
        uint64_t value;
        int r = settings_read_bytes(reader, &value);

        if (r >= 0)
                reader->settings->size = g_memdup2(&value, sizeof value);
        return r;
}

static int settings_read_raw(SettingsReader *reader)
{
        bool value;
        int r = settings_read_boolean(reader, &value);

        if (r >= 0)
                reader->settings->raw = g_memdup2(&value, sizeof value);
        return r;
}

int settings_read_list(SettingsReader *reader, const Setting *setting, char **ret)
{
        g_auto(GStrv) list = NULL;
        int r;

        r = settings_read_strv(reader, &list);
        if (r < 0)
                return r;

        for (char **value = list; *value; value++) {
                if (!**value || !settings_value_is_plain(*value))
                        return settings_refuse(reader,
                                        "a definition cannot hold a value of this list: it is empty, or has "
                                        "a control character, white space at an end, or '\\' at its end");
                if ((setting->flags & SETTING_WORDS) && strpbrk(*value, " \t"))
                        return settings_refuse(
                                        reader, "a name has white space in it: give each name by itself");
        }
        if (g_strv_length(list) > SETTING_LIST_MAX)
                return settings_refuse(reader,
                                "it has more than the " G_STRINGIFY(SETTING_LIST_MAX) " values that a "
                                                                                      "list can have");

        g_free(*ret);
        *ret = setting_join(setting, list);
        return 0;
}

/* Reads the value in the form of the definition. */
static int settings_read_value(SettingsReader *reader, SettingID id)
{
        Settings *settings = reader->settings;
        uint64_t bytes = 0;
        char number_text[16];
        uint32_t number;
        bool flag = false;
        int r;

        switch (setting_table[id].type) {
        case SETTING_TYPE_BYTES:
                r = settings_read_bytes(reader, &bytes);
                if (r >= 0)
                        settings_put_bytes(settings, id, bytes);
                return r;
        case SETTING_TYPE_NUMBER:
                if (sd_bus_message_read(reader->message, "v", "u", &number) < 0)
                        return settings_refuse_type(reader, "u");
                g_snprintf(number_text, sizeof number_text, "%" PRIu32, number);
                settings_put(settings, id, number_text);
                return 0;
        case SETTING_TYPE_BOOLEAN:
                r = settings_read_boolean(reader, &flag);
                if (r >= 0)
                        settings_put(settings, id, flag ? "yes" : "no");
                return r;
        case SETTING_TYPE_LIST:
                return settings_read_list(reader, &setting_table[id], &settings->values[id]);
        default:
                return settings_read_plain(reader, &settings->values[id]);
        }
}

/* Uses the name that is shown everywhere. */
static int settings_check_architecture(const SettingsReader *reader, char **value)
{
        ImageArchitecture architecture;

        if (!**value)
                return 0;
        architecture = guest_architecture_from_string(*value);
        if ((int) architecture < 0)
                return settings_refuse(reader, "must be 'x86_64' or 'aarch64', or '' for the host's own");

        g_free(*value);
        *value = g_strdup(image_architecture_to_string(architecture));
        return 0;
}

/* Checks what can be checked at once; the parser of the resulting definition checks the rest. */
static int settings_check_value(const SettingsReader *reader, SettingID id, char **value)
{
        switch (id) {
        case SETTING_ARGUMENTS:
                return arguments_check(*value, reader->ret_error);
        case SETTING_ARCHITECTURE:
                return settings_check_architecture(reader, value);
        case SETTING_OWNER:
                return **value ? 0 : settings_refuse(reader, "must be the name or number of a user");
        case SETTING_RESTART:
                return (int) restart_policy_from_string(*value) >= 0
                                       ? 0
                                       : settings_refuse(reader, "must be 'no', 'on-failure' or 'always'");
        default:
                return 0;
        }
}

static int settings_read_scalar(SettingsReader *reader, SettingID id)
{
        char **value = &reader->settings->values[id];
        int r;

        if (id == SETTING_ARGUMENTS && *value)
                return settings_refuse_both_arguments(reader);

        r = settings_read_value(reader, id);
        return r < 0 ? r : settings_check_value(reader, id, value);
}

static int settings_read_digest_into(SettingsReader *reader, bool may_be_empty, char **ret)
{
        int r = settings_read_plain(reader, ret);

        if (r >= 0 && !digest_is_valid(*ret) && !(may_be_empty && !**ret))
                return settings_refuse(reader, "must be 'sha256:' and 64 hexadecimal digits in lower case");

        return r;
}

static int settings_read_image_digest(SettingsReader *reader)
{
        return settings_read_digest_into(reader, false, &reader->settings->image_digest);
}

static int settings_read_digest(SettingsReader *reader)
{
        return settings_read_digest_into(reader, false, &reader->settings->digest);
}

static int settings_read_initrd(SettingsReader *reader)
{
        int fd;

        if (sd_bus_message_read(reader->message, "v", "h", &fd) < 0)
                return settings_refuse_type(reader, "h");
        if (reader->settings->initrd_digest)
                return settings_refuse(reader, "'Initrd' and 'InitrdDigest' cannot be combined");

        reader->settings->initrd_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        return reader->settings->initrd_fd < 0 ? error_set_errno(reader->ret_error, errno,
                                                                 "Cannot duplicate the file descriptor")
                                               : 0;
}

static int settings_read_initrd_digest(SettingsReader *reader)
{
        if (reader->settings->initrd_fd >= 0)
                return settings_refuse(reader, "'Initrd' and 'InitrdDigest' cannot be combined");

        return settings_read_digest_into(reader, true, &reader->settings->initrd_digest);
}

#define USE(use) (1U << (use))
#define BOTH     (USE(SETTINGS_CREATE) | USE(SETTINGS_UPDATE))
#define VOLUME   (USE(SETTINGS_VOLUME) | USE(SETTINGS_VOLUME_IMPORT))

/* Keys that are not, or not just, keys of [Unikernel]. */
static const struct {
        const char *key;
        unsigned uses;
        int (*read)(SettingsReader *reader);
} other_keys[] = {
                {"ArgumentList", BOTH, settings_read_argument_list},
                {"ImageDigest", USE(SETTINGS_UPDATE), settings_read_image_digest},
                {"Initrd", BOTH, settings_read_initrd},
                {"InitrdDigest", BOTH, settings_read_initrd_digest},
                {"Networks", BOTH, settings_read_networks},
                {"Volumes", BOTH, settings_read_volumes},
                {"Credentials", BOTH, settings_read_credentials},
                {"Digest", USE(SETTINGS_CREATE) | USE(SETTINGS_IMPORT), settings_read_digest},
                {"Size", USE(SETTINGS_VOLUME_IMPORT), settings_read_size},
                {"Raw", USE(SETTINGS_VOLUME_IMPORT), settings_read_raw},
};
G_STATIC_ASSERT(_SETTING_MAX + G_N_ELEMENTS(other_keys) <= SETTINGS_KEYS_MAX);

/* Owner and group also apply to volumes. */
static bool setting_has_use(SettingID id, SettingsUse use)
{
        unsigned uses = id == SETTING_OWNER || id == SETTING_GROUP ? BOTH | VOLUME : BOTH;

        return setting_table[id].section == SECTION_UNIKERNEL &&
               setting_table[id].type != SETTING_TYPE_FILE && (uses & USE(use));
}

static int settings_refuse_key(SettingsUse use, const char *key, Error *ret_error)
{
        g_autoptr(GString) known = g_string_new(NULL);
        g_autofree char *shown = text_for_display(key, 40);

        for (SettingID id = 0; id < _SETTING_MAX; id++)
                if (setting_has_use(id, use))
                        g_string_append_printf(
                                        known, "%s%s", known->len > 0 ? ", " : "", setting_table[id].key);
        for (size_t i = 0; i < G_N_ELEMENTS(other_keys); i++)
                if (other_keys[i].uses & USE(use))
                        g_string_append_printf(known, "%s%s", known->len > 0 ? ", " : "", other_keys[i].key);

        return error_set(ret_error, ERROR_INVALID_ARGS, "Unknown key '%s'; known: %s", shown, known->str);
}

static int settings_note_seen(SettingsReader *reader, size_t i)
{
        if (reader->seen[i])
                return settings_refuse(reader, "given twice");

        reader->seen[i] = true;
        return 0;
}

static int settings_read_key(sd_bus_message *message, const char *key, void *userdata, Error *ret_error)
{
        SettingsReader *reader = userdata;
        int r;

        reader->key = key;
        for (SettingID id = 0; id < _SETTING_MAX; id++)
                if (setting_has_use(id, reader->use) && g_str_equal(setting_table[id].key, key)) {
                        r = settings_note_seen(reader, id);
                        return r < 0 ? r : settings_read_scalar(reader, id);
                }
        for (size_t i = 0; i < G_N_ELEMENTS(other_keys); i++)
                if ((other_keys[i].uses & USE(reader->use)) && g_str_equal(other_keys[i].key, key)) {
                        r = settings_note_seen(reader, _SETTING_MAX + i);
                        return r < 0 ? r : other_keys[i].read(reader);
                }

        return settings_refuse_key(reader->use, key, ret_error);
}

int settings_read(sd_bus_message *message, SettingsUse use, Settings **ret_settings, Error *ret_error)
{
        g_autoptr(Settings) settings = settings_new();
        SettingsReader reader = {
                        .message = message, .settings = settings, .use = use, .ret_error = ret_error};
        int r;

        r = dictionary_read(message, "settings", settings_read_key, &reader, ret_error);
        if (r < 0)
                return r;

        *ret_settings = g_steal_pointer(&settings);
        return 0;
}
