/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads and changes packets for boxes (nat.h). */

#include "link/nat-packet.h"

#include <errno.h>
#include <netinet/in.h>

#define UDP_HEADER   8
#define UDP_CHECKSUM 6
#define TCP_HEADER   20
#define TCP_CHECKSUM 16
#define ICMP_HEADER  8
#define ICMP_QUOTED  8 /* bytes of what an error quotes behind the header (RFC 792) */

#define ICMP_UNREACHABLE     3
#define ICMP_TIME_EXCEEDED   11
#define ICMP_PARAMETER_WRONG 12

bool nat_packet_read(NatPacket *packet, uint8_t *frame, size_t size, bool partial, uint64_t now)
{
        *packet = (NatPacket){.data = frame, .partial = partial, .now_usec = now};
        return size >= FRAME_HEADER_SIZE && frame_type(frame) == FRAME_TYPE_IPV4 &&
               frame_read_ipv4(frame, size, FRAME_HEADER_SIZE, &packet->ip);
}

static bool packet_has(const NatPacket *packet, size_t bytes)
{
        return packet->ip.end >= packet->ip.payload && packet->ip.end - packet->ip.payload >= bytes;
}

int nat_packet_find_ports(const NatPacket *packet, NatPorts *ret_ports)
{
        size_t begin = packet->ip.payload;

        switch (packet->ip.protocol) {
        case IPPROTO_UDP:
                if (!packet_has(packet, UDP_HEADER))
                        return -EACCES;
                *ret_ports = (NatPorts){begin, begin + 2, begin + UDP_CHECKSUM, true};
                if (frame_get16(packet->data + ret_ports->checksum) == 0 && !packet->partial)
                        ret_ports->checksum = 0;
                return 0;
        case IPPROTO_TCP:
                if (!packet_has(packet, TCP_HEADER))
                        return -EACCES;
                *ret_ports = (NatPorts){begin, begin + 2, begin + TCP_CHECKSUM, true};
                return 0;
        case IPPROTO_ICMP: /* the identifier of an echo is both */
                if (!packet_has(packet, ICMP_HEADER) || packet->partial)
                        return -EACCES;
                *ret_ports = (NatPorts){begin + 4, begin + 4, begin + 2, false};
                return 0;
        default:
                return -EACCES;
        }
}

void nat_packet_replace_address(
                NatPacket *packet, size_t offset, size_t checksum, bool has_pseudo_header, uint32_t address)
{
        uint8_t *p = packet->data + packet->ip.begin + offset;
        uint32_t before = frame_get32(p);

        frame_put32(p, address);
        frame_checksum_replace32(packet->data + packet->ip.begin + 10, before, address);
        if (checksum == 0 || !has_pseudo_header)
                return;
        if (packet->partial)
                frame_partial_replace32(packet->data + checksum, before, address);
        else
                frame_checksum_replace32(packet->data + checksum, before, address);
}

void nat_packet_replace_port(NatPacket *packet, size_t offset, size_t checksum, uint16_t port)
{
        uint8_t *p = packet->data + offset;
        uint16_t before = frame_get16(p);

        frame_put16(p, port);
        if (checksum > 0 && !packet->partial)
                frame_checksum_replace16(packet->data + checksum, before, port);
}

void nat_packet_finish(NatPacket *packet, const NatPorts *ports)
{
        uint8_t *p = packet->data + ports->checksum;

        if (ports->checksum > 0 && packet->ip.protocol == IPPROTO_UDP && !packet->partial &&
                        frame_get16(p) == 0)
                frame_put16(p, 0xffff);
}

bool nat_packet_is_error(const NatPacket *packet)
{
        uint8_t type;

        if (packet->ip.protocol != IPPROTO_ICMP || !packet_has(packet, ICMP_HEADER))
                return false;
        type = packet->data[packet->ip.payload];
        return type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_WRONG;
}

bool nat_packet_is_echo(const NatPacket *packet, uint8_t type)
{
        return packet->ip.protocol != IPPROTO_ICMP ||
               (packet_has(packet, ICMP_HEADER) && packet->data[packet->ip.payload] == type);
}

bool nat_packet_read_quoted(const NatPacket *packet, NatPacket *ret_quoted, NatPorts *ret_ports)
{
        NatPacket quoted = {.data = packet->data, .now_usec = packet->now_usec};
        size_t begin;

        if (packet->partial || !packet->ip.is_first || packet->ip.has_more ||
                        !frame_read_ipv4(packet->data, packet->ip.end, packet->ip.payload + ICMP_HEADER,
                                        &quoted.ip) ||
                        !quoted.ip.is_first || !packet_has(&quoted, ICMP_QUOTED))
                return false;
        begin = quoted.ip.payload;
        switch (quoted.ip.protocol) {
        case IPPROTO_UDP:
                *ret_ports = (NatPorts){begin, begin + 2, begin + UDP_CHECKSUM, true};
                if (frame_get16(packet->data + ret_ports->checksum) == 0)
                        ret_ports->checksum = 0;
                break;
        case IPPROTO_TCP:
                *ret_ports = (NatPorts){begin, begin + 2,
                                packet_has(&quoted, TCP_HEADER) ? begin + TCP_CHECKSUM : 0, true};
                break;
        case IPPROTO_ICMP:
                *ret_ports = (NatPorts){begin + 4, begin + 4, begin + 2, false};
                break;
        default:
                return false;
        }
        *ret_quoted = quoted;
        return true;
}

void nat_packet_renew_icmp_checksum(NatPacket *packet)
{
        uint8_t *begin = packet->data + packet->ip.payload;

        frame_put16(begin + 2, 0);
        frame_put16(begin + 2, frame_checksum(begin, packet->ip.end - packet->ip.payload, 0));
}
