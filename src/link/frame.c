/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Frames of hostile guests. Called by nat.c and shruthi-switch. */

#include "link/frame.h"

#include <glib.h>

#define IPV4_HEADER_MIN 20
#define FRAGMENT_OFFSET 0x1fff
#define MORE_FRAGMENTS  0x2000

bool frame_read_ipv4(const uint8_t *data, size_t size, size_t begin, FrameIpv4 *ret_packet)
{
        const uint8_t *header = data + begin;
        size_t length, total;

        if (begin > size || size - begin < IPV4_HEADER_MIN || header[0] >> 4 != 4)
                return false;
        length = (size_t) (header[0] & 0xf) * 4;
        total = frame_get16(header + 2);
        if (length < IPV4_HEADER_MIN || length > size - begin || total < length)
                return false;

        *ret_packet = (FrameIpv4){
                        .begin = begin,
                        .payload = begin + length,
                        .end = MIN(size, begin + total),
                        .source = frame_get32(header + 12),
                        .destination = frame_get32(header + 16),
                        .identification = frame_get16(header + 4),
                        .protocol = header[9],
                        .is_first = (frame_get16(header + 6) & FRAGMENT_OFFSET) == 0,
                        .has_more = frame_get16(header + 6) & MORE_FRAGMENTS,
        };
        return true;
}

static uint16_t folded(uint32_t sum)
{
        sum = (sum & 0xffff) + (sum >> 16);
        return (uint16_t) ((sum & 0xffff) + (sum >> 16));
}

/* At most 2^17 bytes, whose sum has 32 bits. */
uint16_t frame_checksum(const uint8_t *data, size_t size, uint32_t sum)
{
        sum = folded(sum);
        for (; size >= 2; data += 2, size -= 2)
                sum += frame_get16(data);
        if (size > 0)
                sum += (uint32_t) data[0] << 8;
        return (uint16_t) ~folded(sum);
}

void frame_checksum_replace16(uint8_t *p, uint16_t before, uint16_t after)
{
        uint32_t sum = (uint16_t) ~frame_get16(p);

        frame_put16(p, (uint16_t) ~folded(sum + (uint16_t) ~before + after));
}

void frame_checksum_replace32(uint8_t *p, uint32_t before, uint32_t after)
{
        frame_checksum_replace16(p, (uint16_t) (before >> 16), (uint16_t) (after >> 16));
        frame_checksum_replace16(p, (uint16_t) before, (uint16_t) after);
}

void frame_partial_replace32(uint8_t *p, uint32_t before, uint32_t after)
{
        uint32_t sum = frame_get16(p);

        sum += (uint16_t) ~(before >> 16) + (uint32_t) (uint16_t) ~before;
        frame_put16(p, folded(sum + (after >> 16) + (after & 0xffff)));
}

bool frame_complete_checksum(uint8_t *frame, size_t size, size_t start, size_t offset)
{
        uint16_t checksum;

        if (start > size || offset > size - start || size - start - offset < 2)
                return false;

        checksum = frame_checksum(frame + start, size - start, 0);
        /* 0 says in UDP that there is none; both stand for the same number. */
        frame_put16(frame + start + offset, checksum == 0 ? 0xffff : checksum);
        return true;
}

void frame_turn_bit(uint8_t *frame, size_t size, uint64_t number)
{
        uint64_t bit;

        if (size <= FRAME_HEADER_SIZE)
                return;
        bit = number % ((uint64_t) (size - FRAME_HEADER_SIZE) * 8);
        frame[FRAME_HEADER_SIZE + bit / 8] ^= (uint8_t) (1U << bit % 8);
}
