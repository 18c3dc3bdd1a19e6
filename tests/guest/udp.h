/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Datagrams (RFC 768) of the first network device, above net.c and net6.c: to whoever has an address, whose
 * hardware address is asked for first, and from there, to those who have opened a port.
 */

#include "address.h"
#include "net.h"

enum {
        UDP_MAX = 1452,   /* bytes of a datagram with either version of IP */
        UDP_HEADERS = 42, /* a frame has so many bytes before, 20 more with IPv6 */
};

/* What has come for that port. The frame that it came in lives no longer than the call. */
typedef void (*UdpHandler)(unsigned port, const Endpoint *from, const uint8_t *data, size_t size);

/* Two handlers of one port are a mistake. */
void udp_open(unsigned port, UdpHandler handler);
/* What cannot be sent now waits for the answer to the question who has the address, for up to three seconds;
 * false: there is no way to such an address. */
bool udp_send(unsigned port, const Endpoint *to, const void *data, size_t size);
/* The first network's own address, of IPv4 or IPv6; false: it has none. */
bool udp_own_address(bool is_ipv6, Endpoint *ret);
/* Datagrams, and headers of IPv4, that did not sum up since the guest has begun. */
uint32_t udp_corrupt_count(void);

/* Asks again for who has an address that something waits for. Returns when to call it again, see
 * clock_now_ns(); 0: not needed. */
uint64_t udp_continue(void);

/* By net.c and net6.c: a datagram with its header, and where it came from; a header that does not sum up; who
 * has an address. */
void udp_receive(const Endpoint *from, const uint8_t *destination, const uint8_t *udp, size_t size);
void udp_corrupt(void);
void udp_neighbour(const Network *n, bool is_ipv6, const uint8_t *address, const uint8_t mac[6]);
