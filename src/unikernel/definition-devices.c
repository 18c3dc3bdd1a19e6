/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The keys of network and block devices, except those that have files of their own. */

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "common/paths.h"
#include "common/size.h"
#include "common/string-util.h"
#include "unikernel/definition-private.h"
#include "volume/store.h"

#define NETWORK_NAME_MAX 255
#define RATE_MIN         UINT64_C(1000)
#define RATE_MAX         UINT64_C(1000000000000)

/* A name that the kernel accepts for a network interface (dev_valid_name()), in printable ASCII. */
int definition_parse_bridge(DefinitionParser *parser, const KeyFileEntry *entry)
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

int definition_parse_network(DefinitionParser *parser, const KeyFileEntry *entry)
{
        if (strlen(entry->value) > NETWORK_NAME_MAX || strchr(entry->value, '/'))
                return key_file_refuse(entry, parser->ret_error,
                                "not the name of a libvirt network: at most %d bytes, without '/'",
                                NETWORK_NAME_MAX);

        parser->device->network = g_strdup(entry->value);
        return 0;
}

int definition_parse_mac(DefinitionParser *parser, const KeyFileEntry *entry)
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
                                "addresses that begin with fe: belong to the host's side of guests' "
                                "interfaces: use another, such as one that begins with 52:54:00");
        if (strspn(value, "0:") == strlen(value))
                return key_file_refuse(entry, parser->ret_error,
                                "not the address of a device: use another, or remove the key to have one "
                                "derived");

        parser->device->mac = g_ascii_strdown(value, -1);
        return 0;
}

int definition_parse_address(DefinitionParser *parser, const KeyFileEntry *entry)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r = address_setting_parse(entry->value, &parser->device->setting, &error);

        if (r < 0)
                return key_file_refuse(entry, parser->ret_error, "%s", error_message(&error, r));

        parser->device->address = g_strdup(entry->value);
        return 0;
}

/* "10M": bytes a second, base 1000 as in systemd's limits of bandwidth. libvirt counts in KiB. */
static int rate_parse(const char *text, uint64_t *ret_rate)
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

int definition_parse_bandwidth(DefinitionParser *parser, const KeyFileEntry *entry)
{
        g_auto(GStrv) words = g_strsplit_set(entry->value, " \t", -1);
        DefinitionDevice *device = parser->device;

        for (char **word = words; *word; word++) {
                bool in = g_str_has_prefix(*word, "in:"), out = g_str_has_prefix(*word, "out:");
                uint64_t rate = 0;
                int r;

                if (**word == 0)
                        continue;
                r = rate_parse(*word + (in ? strlen("in:") : out ? strlen("out:") : 0), &rate);
                if (r == -ERANGE)
                        return key_file_refuse(entry, parser->ret_error,
                                        "out of range: write 1K (1000 bytes a second) to 1000G");
                if (r < 0 || (!out && device->rate_in) || (!in && device->rate_out))
                        return key_file_refuse(entry, parser->ret_error,
                                        "not a bandwidth: write bytes a second with K, M or G (base 1000), "
                                        "such as 10M for both directions or in:10M out:2M");
                if (!out)
                        device->rate_in = rate;
                if (!in)
                        device->rate_out = rate;
        }

        device->bandwidth = g_strdup(entry->value);
        return 0;
}

int definition_parse_path(DefinitionParser *parser, const KeyFileEntry *entry)
{
        if (!path_is_normalized(entry->value))
                return key_file_refuse(entry, parser->ret_error,
                                "not an absolute, normalized path: write it from '/', without '//', '.', "
                                "'..' and a '/' at the end");

        parser->device->path = g_strdup(entry->value);
        return 0;
}

int definition_parse_size(DefinitionParser *parser, const KeyFileEntry *entry)
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

int definition_parse_volume(DefinitionParser *parser, const KeyFileEntry *entry)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r = volume_name_check(entry->value, &error);

        if (r < 0)
                return key_file_refuse(entry, parser->ret_error, "%s", error_message(&error, r));

        parser->device->volume = g_strdup(entry->value);
        return 0;
}
