/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How published ports are written, and which of them are the same. */

#include "common/published-port.h"

#include <string.h>

#include "common/string-util.h"

#define RIGHT "write [ADDRESS:]PORT:GUESTPORT, such as 8080:80, 192.0.2.1:53:53/udp or [2001:db8::1]:443:443"

static const char *const port_protocol_table[_PORT_PROTOCOL_MAX] = {
                [PORT_TCP] = "tcp",
                [PORT_UDP] = "udp",
};
DEFINE_STRING_TABLE(port_protocol, PortProtocol, port_protocol_table, _PORT_PROTOCOL_MAX)

static int port_refuse(Error *ret_error, const char *why)
{
        return error_set(ret_error, ERROR_INVALID_DEFINITION, "%s", why);
}

static int port_parse(const char *text, uint16_t *ret)
{
        guint64 port;

        /* "080" would be another spelling of the same. */
        if (text[0] == '0' || !g_ascii_string_to_unsigned(text, 10, 1, 65535, &port, NULL))
                return -EINVAL;

        *ret = (uint16_t) port;
        return 0;
}

int port_range_parse(const char *text, uint16_t *ret_first, uint16_t *ret_last)
{
        g_auto(GStrv) ends = g_strsplit(text, "-", 3);
        guint n = g_strv_length(ends);
        uint16_t first, last;

        if (n < 1 || n > 2 || port_parse(ends[0], &first) < 0 || port_parse(ends[n - 1], &last) < 0 ||
                        first > last)
                return -EINVAL;

        *ret_first = first;
        *ret_last = last;
        return 0;
}

/* The address before the ports, which is taken away from *text. */
static int published_port_parse_address(char **text, Address *ret_address, Error *ret_error)
{
        char *end = **text == '[' ? strstr(*text, "]:") : strchr(*text, ':');
        g_autofree char *shown = NULL;
        bool bracket = **text == '[';
        Address address;

        if (!end || (!bracket && !strchr(end + 1, ':')))
                return bracket ? port_refuse(ret_error, "a bracket is not closed: " RIGHT) : 0;

        *end = 0;
        shown = text_for_display(*text + bracket, ADDRESS_TEXT_MAX);
        if (address_parse_ip(*text + bracket, &address) < 0 || (address.family == AF_INET6) != bracket)
                return error_set(ret_error, ERROR_INVALID_DEFINITION, "'%s' is no address of a host: " RIGHT,
                                shown);
        /* Loopback addresses are the host's as well. */
        if (!address_is_unicast(&address) && !address_is_loopback(&address))
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "%s is not an address that a host can have: name one of this host's, or "
                                "none for all of them",
                                shown);
        if (address.family == AF_INET6 && address_is_link_local(&address))
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "%s is a link-local address, which each interface can have: name another of "
                                "this host's, or none for all of them",
                                shown);

        *text = end + 1 + bracket;
        *ret_address = address;
        return 0;
}

static int published_port_parse_protocol(char *text, PortProtocol *ret_protocol, Error *ret_error)
{
        char *slash = strchr(text, '/');

        if (!slash)
                return 0;

        *ret_protocol = port_protocol_from_string(slash + 1);
        if ((int) *ret_protocol < 0) {
                g_autofree char *shown = text_for_display(slash + 1, 20);

                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "'%s' is no protocol that has ports to publish: write /tcp or /udp", shown);
        }
        *slash = 0;
        return 0;
}

static int published_port_parse_range(
                const char *text, uint16_t *ret_first, uint16_t *ret_last, Error *ret_error)
{
        g_autofree char *shown = text_for_display(text, 20);

        if (port_range_parse(text, ret_first, ret_last) < 0)
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "'%s' is no port: write a number from 1 to 65535, or a range such as "
                                "8000-8010",
                                shown);
        return 0;
}

int published_port_parse(const char *text, PublishedPort *ret_port, Error *ret_error)
{
        g_autofree char *copy = g_strdup(text);
        PublishedPort port = {};
        uint16_t guest_last = 0;
        char *rest = copy, *colon;
        int r;

        if (strlen(text) > PUBLISHED_TEXT_MAX)
                return port_refuse(ret_error, "too long: " RIGHT);
        r = published_port_parse_protocol(rest, &port.protocol, ret_error);
        if (r >= 0)
                r = published_port_parse_address(&rest, &port.address, ret_error);
        if (r < 0)
                return r;
        colon = strchr(rest, ':');
        if (!colon)
                return port_refuse(ret_error, "the port of the guest is missing: " RIGHT);

        *colon = 0;
        r = published_port_parse_range(rest, &port.first, &port.last, ret_error);
        if (r >= 0)
                r = published_port_parse_range(colon + 1, &port.guest, &guest_last, ret_error);
        if (r < 0)
                return r;
        if (port.last - port.first != guest_last - port.guest)
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "%d ports of the host and %d of the guest: write two ranges of the same "
                                "length",
                                port.last - port.first + 1, guest_last - port.guest + 1);

        *ret_port = port;
        return 0;
}

static void port_range_append(GString *text, unsigned first, unsigned last)
{
        g_string_append_printf(text, "%u", first);
        if (last != first)
                g_string_append_printf(text, "-%u", last);
}

char *published_port_format(const PublishedPort *port)
{
        GString *text = g_string_new(NULL);
        char ip[ADDRESS_TEXT_MAX];

        if (address_is_set(&port->address)) {
                address_format_ip(&port->address, ip);
                g_string_append_printf(text, port->address.family == AF_INET6 ? "[%s]:" : "%s:", ip);
        }
        port_range_append(text, port->first, port->last);
        g_string_append_c(text, ':');
        port_range_append(text, port->guest, port->guest + published_port_count(port) - 1);
        if (port->protocol != PORT_TCP)
                g_string_append_printf(text, "/%s", port_protocol_to_string(port->protocol));
        return g_string_free(text, FALSE);
}

unsigned published_port_count(const PublishedPort *port)
{
        return (unsigned) (port->last - port->first) + 1;
}

bool published_port_overlaps(const PublishedPort *a, const PublishedPort *b)
{
        return a->protocol == b->protocol && a->first <= b->last && b->first <= a->last &&
               (!address_is_set(&a->address) || !address_is_set(&b->address) ||
                               address_equal(&a->address, &b->address));
}

GArray *published_ports_split(const char *lines)
{
        g_auto(GStrv) list = g_strsplit(lines ?: "", "\n", -1);
        GArray *ports = g_array_new(FALSE, FALSE, sizeof(PublishedPort));

        for (char **line = list; *line; line++) {
                PublishedPort port;

                if (published_port_parse(*line, &port, NULL) >= 0)
                        g_array_append_val(ports, port);
        }
        return ports;
}

const PublishedPort *published_ports_find_overlap(const GArray *ports, const GArray *others)
{
        for (guint i = 0; i < ports->len; i++)
                for (guint j = 0; j < others->len; j++)
                        if (published_port_overlaps(&g_array_index(ports, PublishedPort, i),
                                            &g_array_index(others, PublishedPort, j)))
                                return &g_array_index(ports, PublishedPort, i);

        return NULL;
}

bool published_port_is_within(const PublishedPort *port, char *const *ranges)
{
        unsigned next = port->first;
        bool found = true;

        /* Two ranges side by side are one. */
        while (found && next <= port->last) {
                found = false;
                for (char *const *range = ranges; *range; range++) {
                        uint16_t first, last;

                        if (port_range_parse(*range, &first, &last) < 0 || next < first || next > last)
                                continue;
                        next = last + 1U;
                        found = true;
                }
        }
        return found;
}
