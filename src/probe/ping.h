/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <systemd/sd-event.h>

#include "common/address.h"

/* ICMP echoes for IPv4 and IPv6, over one raw socket each for all probes. They are opened at the start,
 * since that needs CAP_NET_RAW; on some releases net.ipv4.ping_group_range lets nobody use datagram sockets
 * for it. The kernel passes on only replies to echoes. */

typedef struct Ping Ping;
typedef struct PingEcho PingEcho; /* sent, and not answered yet */

/* Needs CAP_NET_RAW. A family that the host does not have is left out. */
int ping_new(Ping **ret_ping);
void ping_free(Ping *ping);

/* Called once, when the answer has come from that address. */
typedef void (*PingAnswered)(void *userdata);

/* Sends an echo out of that interface. answered may be called later, but not from within this function,
 * until the echo is forgotten. -EAFNOSUPPORT, -ENODEV, and the errors of sendmsg(2). */
int ping_send(Ping *ping, const Address *address, const char *interface, PingAnswered answered,
                void *userdata, PingEcho **ret_echo);

/* echo may be NULL. */
void ping_forget(Ping *ping, PingEcho *echo);

/* Listens for answers while there are echoes. */
int ping_attach(Ping *ping, sd_event *event);

/* Parses a packet from the socket of that family: the number of the echo that it answers, or -EBADMSG. Pure;
 * bytes of unknown origin. */
int ping_parse(int family, const void *data, size_t size, uint64_t *ret_number);
