/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "common/published-port.h"

/* Programs of the host that listen on a port, by whose user they run. A port of theirs that is published
 * would no longer reach them. Read by shruthi-neighbours, since the other services do not see the host's
 * network. */

typedef struct Listener {
        PortProtocol protocol;
        Address address; /* AF_UNSPEC: all */
        uint16_t port;
        uid_t uid;
} Listener;

/* Appends all of TCP, and of UDP those that take datagrams from anybody. FAILED. */
int listeners_read(GArray *listeners, Error *ret_error);

/* "PROTOCOL ADDRESS PORT UID", with "-" for all addresses. -EINVAL. Pure. */
char *listener_format(const Listener *listener);
int listener_parse(const char *text, Listener *ret_listener);

/* The text of /proc/net/udp, or udp6: appends those that are connected to nobody. Pure. */
void listeners_parse_udp(const char *text, int family, GArray *listeners);

/* One that listens where the port would be published; NULL: nobody does. Pure. */
const Listener *listeners_find(const GArray *listeners, const PublishedPort *port);

/* ADDRESS_IN_USE where somebody listens at one of ports, with who it is. */
int listeners_check(const GArray *listeners, const GArray *ports, Error *ret_error);
