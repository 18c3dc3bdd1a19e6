/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests to shruthi-uplink, and what the networks look like that it makes. */

#include "uplink/protocol.h"

#include <errno.h>
#include <string.h>

#include "common/unikernel-name.h"

#define DEVICE_NAME_MAX 64

void uplink_request_clear(UplinkRequest *request)
{
        g_clear_pointer(&request->unikernel, g_free);
        g_clear_pointer(&request->device, g_free);
        g_clear_pointer(&request->ports, g_array_unref);
}

char *uplink_request_format(const UplinkRequest *request)
{
        GString *text = g_string_new(NULL);

        g_string_printf(text, "%s %s %u\n", request->unikernel, request->device, request->number);
        for (guint i = 0; i < request->ports->len; i++) {
                g_autofree char *port =
                                published_port_format(&g_array_index(request->ports, PublishedPort, i));

                g_string_append_printf(text, "%s\n", port);
        }

        return g_string_free(text, FALSE);
}

/* It becomes a part of a file's name. */
static bool device_name_is_valid(const char *name)
{
        size_t length = strlen(name);

        if (length == 0 || length > DEVICE_NAME_MAX || name[0] == '.')
                return false;
        for (const char *p = name; *p; p++)
                if (!g_ascii_isgraph(*p) || *p == '/')
                        return false;

        return true;
}

static int request_parse_ports(char **lines, GArray *ports)
{
        for (char **line = lines; *line; line++) {
                PublishedPort port;

                if (!**line && !line[1])
                        break;
                if (ports->len >= PUBLISHED_LINES_MAX || published_port_parse(*line, &port, NULL) < 0)
                        return -EBADMSG;
                g_array_append_val(ports, port);
        }

        return 0;
}

int uplink_request_parse(const char *text, UplinkRequest *ret)
{
        g_autoptr(GArray) ports = g_array_new(FALSE, FALSE, sizeof(PublishedPort));
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1), words = g_strsplit(lines[0] ?: "", " ", -1);
        guint64 number;
        int r;

        if (g_strv_length(words) != 3 || !name_is_valid(words[0]) || !device_name_is_valid(words[1]) ||
                        !g_ascii_string_to_unsigned(words[2], 10, 0, UPLINK_DEVICES_MAX - 1, &number, NULL))
                return -EBADMSG;
        r = request_parse_ports(lines + 1, ports);
        if (r < 0)
                return r;

        *ret = (UplinkRequest){
                        .unikernel = g_strdup(words[0]),
                        .device = g_strdup(words[1]),
                        .number = (unsigned) number,
                        .ports = g_steal_pointer(&ports),
        };
        return 0;
}

/* As QEMU has numbered them in its own user networks for long: MirageOS' default, 10.0.0.2, is none of
 * these. */
static Address address_in(unsigned number, uint8_t host)
{
        return (Address){.family = AF_INET, .prefix = 24, .bytes = {10, 0, (uint8_t) (number + 2), host}};
}

Address uplink_address(unsigned number)
{
        return address_in(number, 15);
}

Address uplink_gateway(unsigned number)
{
        return address_in(number, 2);
}

Address uplink_dns(unsigned number)
{
        return address_in(number, 3);
}

Address uplink_station(unsigned number)
{
        return address_in(number, 4);
}

/* What the others are called has a ':' behind the name. */
char *uplink_station_name(const char *unikernel, unsigned number)
{
        return g_strdup_printf("%s.%u", unikernel, number);
}
