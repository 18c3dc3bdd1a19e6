/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What stands in a frame of Ethernet, from anybody, and checksums. No field is taken to be aligned, nor any
 * length to be true. Addresses and numbers are in host order. Pure. */

#define FRAME_HEADER_SIZE 14
#define FRAME_SIZE_MAX    (65536 + FRAME_HEADER_SIZE) /* with segmentation left to the receiver */
#define FRAME_MAC_SIZE    6

#define FRAME_TYPE_IPV4 0x0800
#define FRAME_TYPE_ARP  0x0806
#define FRAME_TYPE_IPV6 0x86dd

static inline uint16_t frame_get16(const uint8_t *p)
{
        return (uint16_t) (p[0] << 8 | p[1]);
}

static inline uint32_t frame_get32(const uint8_t *p)
{
        return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 | p[3];
}

static inline void frame_put16(uint8_t *p, uint16_t value)
{
        p[0] = (uint8_t) (value >> 8);
        p[1] = (uint8_t) value;
}

static inline void frame_put32(uint8_t *p, uint32_t value)
{
        frame_put16(p, (uint16_t) (value >> 16));
        frame_put16(p + 2, (uint16_t) value);
}

static inline const uint8_t *frame_destination(const uint8_t *frame)
{
        return frame;
}

static inline const uint8_t *frame_source(const uint8_t *frame)
{
        return frame + FRAME_MAC_SIZE;
}

static inline uint16_t frame_type(const uint8_t *frame)
{
        return frame_get16(frame + 2 * FRAME_MAC_SIZE);
}

static inline bool frame_is_multicast(const uint8_t *frame)
{
        return frame[0] & 1;
}

/* An IPv4 packet. */
typedef struct FrameIpv4 {
        size_t begin, payload, end; /* of its header, of what follows, and of the packet, in the buffer */
        uint32_t source, destination;
        uint16_t identification;
        uint8_t protocol;
        bool is_first; /* no later fragment: what follows begins with the header of the protocol */
        bool has_more; /* fragments come after it */
} FrameIpv4;

/* Reads one that begins there; false if it is none, or cut off in its header. One whose end is cut off ends
 * with the buffer. */
bool frame_read_ipv4(const uint8_t *data, size_t size, size_t begin, FrameIpv4 *ret_packet);

/* The checksum of the Internet (RFC 1071) of these bytes, and of what sum has of others, not complemented.
 */
uint16_t frame_checksum(const uint8_t *data, size_t size, uint32_t sum);

/* Corrects the checksum at p for a field that was one and is other now (RFC 1624). */
void frame_checksum_replace16(uint8_t *p, uint16_t before, uint16_t after);
void frame_checksum_replace32(uint8_t *p, uint32_t before, uint32_t after);

/* The same for the sum of a pseudo header alone, which is not complemented (virtio 1.2, 5.1.6.2:
 * VIRTIO_NET_HDR_F_NEEDS_CSUM). */
void frame_partial_replace32(uint8_t *p, uint32_t before, uint32_t after);

/* Completes the checksum of a packet that leaves it to its receiver: from start on, kept at offset behind
 * that. False if they are not in the frame. */
bool frame_complete_checksum(uint8_t *frame, size_t size, size_t start, size_t offset);

/* Turns one bit of what follows the frame's header: that of this number, modulo how many there are. */
void frame_turn_bit(uint8_t *frame, size_t size, uint64_t number);
