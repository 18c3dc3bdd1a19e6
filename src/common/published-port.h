/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/address.h"
#include "common/error.h"

/* Publish=: a port of the host, or a range of ports, at which a port of a guest is reached. Read from
 * definitions, and by shruthi-antispoof, which makes the rules. Pure. */

/* Of one network device: lines, and the ports in all of them. */
#define PUBLISHED_LINES_MAX 32
#define PUBLISHED_PORTS_MAX 1024
#define PUBLISHED_TEXT_MAX  72 /* of one line: an IPv6 address in brackets, four numbers, "/udp" */

typedef enum PortProtocol {
        PORT_TCP,
        PORT_UDP,
        _PORT_PROTOCOL_MAX,
        _PORT_PROTOCOL_INVALID = -EINVAL,
} PortProtocol;

const char *port_protocol_to_string(PortProtocol protocol); /* "tcp", "udp" */
PortProtocol port_protocol_from_string(const char *text);

typedef struct PublishedPort {
        Address address;      /* of the host's; AF_UNSPEC: all that it has */
        uint16_t first, last; /* of the host's ports */
        uint16_t guest;       /* the first of the guest's, of which there are as many */
        PortProtocol protocol;
} PublishedPort;

/* "[HOSTADDRESS:]PORT[-END]:GUESTPORT[-END][/tcp|/udp]". INVALID_DEFINITION with what is wrong with the text
 * and what would be right. */
int published_port_parse(const char *text, PublishedPort *ret_port, Error *ret_error);

/* In the one canonical spelling, without "/tcp". Free with g_free(). */
char *published_port_format(const PublishedPort *port);

/* How many ports of the host it takes. */
unsigned published_port_count(const PublishedPort *port);

/* Whether both take some port of the host's: of the same protocol, at an address that both have. */
bool published_port_overlaps(const PublishedPort *a, const PublishedPort *b);

/* Lines with '\n' between (NULL: none), as a definition holds them once they are parsed; elements
 * PublishedPort. What is no such line is left out. */
GArray *published_ports_split(const char *lines);

/* The first of ports that takes a port of the host's from one of others; NULL: none does. */
const PublishedPort *published_ports_find_overlap(const GArray *ports, const GArray *others);

/* "80" or "1024-65535". -EINVAL. */
int port_range_parse(const char *text, uint16_t *ret_first, uint16_t *ret_last);

/* Whether each port of the host that it takes is in one of these ranges (valid ones, ended by NULL). */
bool published_port_is_within(const PublishedPort *port, char *const *ranges);
