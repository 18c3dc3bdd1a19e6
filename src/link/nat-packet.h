/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/frame.h"

/* A packet that is translated: where its addresses, ports and checksums are, and how they change. It knows
 * no box. Pure. */

#define NAT_SOURCE      12 /* offsets of the addresses in the header of IPv4 */
#define NAT_DESTINATION 16

#define ICMP_ECHO_REPLY 0
#define ICMP_ECHO       8

typedef struct NatPacket {
        uint8_t *data;
        FrameIpv4 ip;
        bool partial; /* its checksum is that of the pseudo header only */
        uint64_t now_usec;
} NatPacket;

/* Where the ports of a packet are, and its checksum: 0 where it has none. */
typedef struct NatPorts {
        size_t source, destination, checksum;
        bool has_pseudo_header;
} NatPorts;

/* false: the frame has no packet of IPv4. */
bool nat_packet_read(NatPacket *packet, uint8_t *frame, size_t size, bool partial, uint64_t now);

/* -EACCES: it has none, or no room for them. The identifier of an echo is both. */
int nat_packet_find_ports(const NatPacket *packet, NatPorts *ret_ports);

/* Whether it is an error of ICMP; and the packet that such a one quotes, as far as it is there. The
 * checksum of that is not looked at by anybody who cannot see all of it, but that of UDP is kept right,
 * where there is one. */
bool nat_packet_is_error(const NatPacket *packet);
bool nat_packet_read_quoted(const NatPacket *packet, NatPacket *ret_quoted, NatPorts *ret_ports);

/* Whether it is no packet of ICMP at all, or an echo of that type. */
bool nat_packet_is_echo(const NatPacket *packet, uint8_t type);

/* Each keeps the checksum at that offset right, if it is not 0, and the first also that of the header.
 * offset: NAT_SOURCE or NAT_DESTINATION; of a port as in NatPorts. */
void nat_packet_replace_address(
                NatPacket *packet, size_t offset, size_t checksum, bool has_pseudo_header, uint32_t address);
void nat_packet_replace_port(NatPacket *packet, size_t offset, size_t checksum, uint16_t port);

/* After these: UDP has no checksum where it is 0. */
void nat_packet_finish(NatPacket *packet, const NatPorts *ports);

/* After a change of what an error quotes. */
void nat_packet_renew_icmp_checksum(NatPacket *packet);
