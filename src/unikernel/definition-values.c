/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which keys a definition has and what each takes. Every refusal names file, line and value and what would
 * be right. */

#include <net/if.h>
#include <string.h>

#include "common/names.h"
#include "common/paths.h"
#include "common/size.h"
#include "common/string-util.h"
#include "common/users.h"
#include "unikernel/definition-private.h"
#include "volume/store.h"

#define CPUS_MAX             64
#define MEMORY_UNIT          (1024 * 1024)
#define MEMORY_MAX           (UINT64_C(1) << 44) /* 16 TiB */
#define NETWORK_NAME_MAX     255
#define RATE_MIN             UINT64_C(1000)
#define RATE_MAX             UINT64_C(1000000000000)

static const char *const restart_policy_table[_RESTART_POLICY_MAX] = {
        [RESTART_NO] = "no",
        [RESTART_ON_FAILURE] = "on-failure",
        [RESTART_ALWAYS] = "always",
};
DEFINE_STRING_TABLE(restart_policy, RestartPolicy, restart_policy_table, _RESTART_POLICY_MAX)

static int parse_image_reference(DefinitionParser *parser, const KeyFileEntry *entry, char **ret_image)
{
        if (g_str_has_prefix(entry->value, SHRUTHI_DIGEST_PREFIX) && !digest_is_valid(entry->value))
                return key_file_refuse(entry, parser->ret_error,
                                "a digest is 'sha256:' and 64 hexadecimal digits in lower case");
        if (!digest_is_valid(entry->value) && entry->value[0] != '/')
                return key_file_refuse(entry, parser->ret_error,
                                "neither a digest (sha256:…) nor an absolute path (/…)");
        if (entry->value[0] == '/' && !path_is_normalized(entry->value))
                return key_file_refuse(entry, parser->ret_error,
                                "not a normalized path of a file: write it without '//', '.', '..' and a "
                                "'/' at the end");

        *ret_image = g_strdup(entry->value);
        return 0;
}

static int parse_image(DefinitionParser *parser, const KeyFileEntry *entry)
{
        return parse_image_reference(parser, entry, &parser->definition->image);
}

static int parse_initrd(DefinitionParser *parser, const KeyFileEntry *entry)
{
        return parse_image_reference(parser, entry, &parser->definition->initrd);
}

static int parse_arguments(DefinitionParser *parser, const KeyFileEntry *entry)
{
        g_free(parser->definition->arguments);
        parser->definition->arguments = g_strdup(entry->value);
        parser->arguments = entry;
        return 0;
}

static int parse_memory(DefinitionParser *parser, const KeyFileEntry *entry)
{
        uint64_t bytes = 0;
        int r = size_parse(entry->value, &bytes);

        if (r == -ERANGE || (r >= 0 && bytes > MEMORY_MAX))
                return key_file_refuse(entry, parser->ret_error, "too much: at most 16T");
        if (r < 0)
                return key_file_refuse(entry, parser->ret_error,
                                "not a size: write a whole number and K, M, G or T (base 1024), such as "
                                "32M");
        if (bytes < MEMORY_UNIT)
                return key_file_refuse(entry, parser->ret_error, "less than 1M: write %s",
                                entry->value[strspn(entry->value, "0123456789")]
                                                ? "32M or more"
                                                : "the unit too, such as 32M");
        if (bytes % MEMORY_UNIT != 0)
                return key_file_refuse(entry, parser->ret_error,
                                "not a whole number of MiB: write %" G_GUINT64_FORMAT "M",
                                bytes / MEMORY_UNIT + 1);

        parser->definition->memory = bytes;
        return 0;
}

static int parse_cpus(DefinitionParser *parser, const KeyFileEntry *entry)
{
        guint64 cpus;

        if (!g_ascii_string_to_unsigned(entry->value, 10, 1, CPUS_MAX, &cpus, NULL))
                return key_file_refuse(entry, parser->ret_error,
                                "not a number from 1 to %d (Solo5 uses one)", CPUS_MAX);

        parser->definition->cpus = (unsigned) cpus;
        return 0;
}

static int parse_architecture(DefinitionParser *parser, const KeyFileEntry *entry)
{
        ImageArchitecture architecture = guest_architecture_from_string(entry->value);

        if ((int) architecture < 0)
                return key_file_refuse(entry, parser->ret_error,
                                "write x86_64 or aarch64, or nothing for the host's own");

        parser->definition->architecture = architecture;
        return 0;
}

static int parse_user_or_group(
                DefinitionParser *parser, const KeyFileEntry *entry, bool group, uint32_t *ret_id)
{
        const char *what = group ? "group" : "user";
        int r;

        if (user_number_parse(entry->value, ret_id) >= 0)
                return 0;
        if (entry->value[0] == '-' || strspn(entry->value, "0123456789") == strlen(entry->value))
                return key_file_refuse(entry, parser->ret_error, "not the number of a %s", what);
        if (parser->flags & DEFINITION_IGNORE_USERS)
                return 0;

        r = group ? group_find(entry->value, ret_id) : user_find(entry->value, ret_id);
        if (r == -ESRCH)
                return key_file_refuse(entry, parser->ret_error, "there is no such %s on this host", what);
        if (r < 0)
                return key_file_refuse(entry, parser->ret_error, "the %s cannot be looked up: %s", what,
                                g_strerror(-r));

        return 0;
}

static int parse_owner(DefinitionParser *parser, const KeyFileEntry *entry)
{
        return parse_user_or_group(parser, entry, false, &parser->definition->owner);
}

static int parse_group(DefinitionParser *parser, const KeyFileEntry *entry)
{
        return parse_user_or_group(parser, entry, true, &parser->definition->group);
}

static int parse_boolean(DefinitionParser *parser, const KeyFileEntry *entry, bool *ret)
{
        if (boolean_parse(entry->value, ret) < 0)
                return key_file_refuse(entry, parser->ret_error, "write yes or no");

        return 0;
}

static int parse_autostart(DefinitionParser *parser, const KeyFileEntry *entry)
{
        return parse_boolean(parser, entry, &parser->definition->autostart);
}

static int parse_restart(DefinitionParser *parser, const KeyFileEntry *entry)
{
        RestartPolicy policy = restart_policy_from_string(entry->value);

        if ((int)policy < 0)
                return key_file_refuse(entry, parser->ret_error, "write no, on-failure or always");

        parser->definition->restart = policy;
        return 0;
}

/* What the kernel takes as the name of a network interface (dev_valid_name()), in printable ASCII. */
static int parse_bridge(DefinitionParser *parser, const KeyFileEntry *entry)
{
        size_t length = strlen(entry->value);
        bool valid = length < IFNAMSIZ && !g_str_equal(entry->value, ".") &&
                     !g_str_equal(entry->value, "..");

        for (const char *p = entry->value; *p; p++)
                if (!g_ascii_isgraph(*p) || strchr("/:%", *p))
                        valid = false;
        if (!valid)
                return key_file_refuse(entry, parser->ret_error,
                                "not the name of a bridge: 1 to %d printable characters without '/', ':', "
                                "'%%' and space",
                                IFNAMSIZ - 1);

        parser->device->bridge = g_strdup(entry->value);
        return 0;
}

static int parse_network(DefinitionParser *parser, const KeyFileEntry *entry)
{
        if (strlen(entry->value) > NETWORK_NAME_MAX || strchr(entry->value, '/'))
                return key_file_refuse(entry, parser->ret_error,
                                "not the name of a libvirt network: at most %d bytes, without '/'",
                                NETWORK_NAME_MAX);

        parser->device->network = g_strdup(entry->value);
        return 0;
}

static int parse_mac(DefinitionParser *parser, const KeyFileEntry *entry)
{
        static const char form[] = "xx:xx:xx:xx:xx:xx";
        const char *value = entry->value;
        bool valid = strlen(value) == strlen(form);

        for (size_t i = 0; valid && form[i]; i++)
                valid = form[i] == ':' ? value[i] == ':' : g_ascii_isxdigit(value[i]);
        if (!valid)
                return key_file_refuse(entry, parser->ret_error,
                                "not a MAC address: write six octets, such as 52:54:00:12:34:56");
        if (g_ascii_xdigit_value(value[1]) & 1)
                return key_file_refuse(entry, parser->ret_error,
                                "a multicast address: the second digit must be even, such as in "
                                "52:54:00:12:34:56");
        if (g_ascii_strncasecmp(value, "fe:", 3) == 0)
                return key_file_refuse(entry, parser->ret_error,
                                "fe: is for the host's side of the wire, and libvirt refuses it: begin it "
                                "otherwise, such as with 52:54:00");
        if (strspn(value, "0:") == strlen(value))
                return key_file_refuse(entry, parser->ret_error,
                                "the address of no device: write another, or none to have one derived");

        parser->device->mac = g_ascii_strdown(value, -1);
        return 0;
}

static int parse_address(DefinitionParser *parser, const KeyFileEntry *entry)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r = address_setting_parse(entry->value, &parser->device->setting, &error);

        if (r < 0)
                return key_file_refuse(entry, parser->ret_error, "%s", error_message(&error, r));

        parser->device->address = g_strdup(entry->value);
        return 0;
}

/* "10M": bytes a second, base 1000 as in systemd's limits of bandwidth. libvirt counts in KiB. */
static int parse_rate(const char *text, uint64_t *ret_rate)
{
        static const char units[] = "KMG";
        char *end = NULL;
        const char *unit;
        uint64_t rate;

        if (!g_ascii_isdigit(text[0]))
                return -EINVAL;
        errno = 0;
        rate = g_ascii_strtoull(text, &end, 10);
        if (errno != 0 || rate > RATE_MAX)
                return -ERANGE;

        unit = *end ? strchr(units, *end) : NULL;
        if (*end && (!unit || end[1]))
                return -EINVAL;
        for (ptrdiff_t i = unit ? unit - units : -1; i >= 0; i--)
                rate *= 1000;
        if (rate < RATE_MIN || rate > RATE_MAX)
                return -ERANGE;

        *ret_rate = rate;
        return 0;
}

static int parse_bandwidth(DefinitionParser *parser, const KeyFileEntry *entry)
{
        g_auto(GStrv) words = g_strsplit_set(entry->value, " \t", -1);
        DefinitionDevice *device = parser->device;

        for (char **word = words; *word; word++) {
                bool in = g_str_has_prefix(*word, "in:"), out = g_str_has_prefix(*word, "out:");
                uint64_t rate = 0;
                int r;

                if (**word == 0)
                        continue;
                r = parse_rate(*word + (in ? strlen("in:") : out ? strlen("out:") : 0), &rate);
                if (r == -ERANGE)
                        return key_file_refuse(entry, parser->ret_error,
                                        "out of bounds: write 1K (1000 bytes a second) to 1000G");
                if (r < 0 || (!out && device->rate_in) || (!in && device->rate_out))
                        return key_file_refuse(entry, parser->ret_error,
                                        "no bandwidth: write bytes a second with K, M or G (base 1000), "
                                        "such as 10M for both ways or in:10M out:2M");
                if (!out)
                        device->rate_in = rate;
                if (!in)
                        device->rate_out = rate;
        }

        device->bandwidth = g_strdup(entry->value);
        return 0;
}

static int parse_isolation(DefinitionParser *parser, const KeyFileEntry *entry)
{
        bool isolation = true;
        int r = parse_boolean(parser, entry, &isolation);

        parser->device->open = !isolation;
        return r;
}

static int parse_path(DefinitionParser *parser, const KeyFileEntry *entry)
{
        if (!path_is_normalized(entry->value))
                return key_file_refuse(entry, parser->ret_error,
                                "not an absolute, normalized path: write it from '/', without '//', '.', "
                                "'..' and a '/' at the end");

        parser->device->path = g_strdup(entry->value);
        return 0;
}

static int parse_size(DefinitionParser *parser, const KeyFileEntry *entry)
{
        _cleanup_error_ Error error = ERROR_INIT;
        uint64_t size = 0;
        int r = size_parse(entry->value, &size);

        if (r < 0)
                return key_file_refuse(entry, parser->ret_error,
                                "not a size: write a whole number and K, M, G or T (base 1024), such as "
                                "64M");
        r = volume_size_check(size, &error);
        if (r < 0)
                return key_file_refuse(entry, parser->ret_error, "%s", error_message(&error, r));

        parser->device->size = size;
        return 0;
}

static int parse_volume(DefinitionParser *parser, const KeyFileEntry *entry)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r = volume_name_check(entry->value, &error);

        if (r < 0)
                return key_file_refuse(entry, parser->ret_error, "%s", error_message(&error, r));

        parser->device->volume = g_strdup(entry->value);
        return 0;
}

static int parse_read_only(DefinitionParser *parser, const KeyFileEntry *entry)
{
        return parse_boolean(parser, entry, &parser->device->read_only);
}

const DefinitionSection definition_sections[_SECTION_MAX] = {
                [SECTION_UNIKERNEL] =
                                {
                                                "Unikernel",
                                                {"Image", "Initrd", "Arguments", "Memory", "CPUs",
                                                                "Architecture", "Owner",
                                                                "Group", "Autostart", "Restart"},
                                                {parse_image, parse_initrd, parse_arguments, parse_memory,
                                                                parse_cpus, parse_architecture,
                                                                parse_owner, parse_group,
                                                                parse_autostart, parse_restart},
                                },
                [SECTION_NETWORK] =
                                {
                                                "Network",
                                                {"Bridge", "Network", "MACAddress", "Address", "Bandwidth",
                                                                "Isolation"},
                                                {parse_bridge, parse_network, parse_mac, parse_address,
                                                                parse_bandwidth, parse_isolation},
                                },
                [SECTION_VOLUME] =
                                {
                                                "Volume",
                                                {"Path", "Size", "Volume", "ReadOnly"},
                                                {parse_path, parse_size, parse_volume, parse_read_only},
                                },
                [SECTION_CREDENTIALS] =
                                {
                                                "Credentials",
                                                {"LoadCredential", "LoadCredentialEncrypted"},
                                                {definition_parse_source, definition_parse_source_encrypted},
                                },
};
