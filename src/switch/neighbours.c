/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Called by plane.c. */

#include "switch/neighbours.h"

#include <netinet/in.h>
#include <string.h>

#define ARP_SIZE    28
#define ARP_REPLY   2
#define IPV6_HEADER 40
#define ADVERT_SIZE 32 /* with the option that has the MAC address */
#define ADVERT_TYPE 136
#define SOLICITED   0x60 /* and it overrides what the asker has */
#define HOP_LIMIT   255

uint32_t neighbours_asked4(const uint8_t *frame)
{
        return frame_get32(frame + FRAME_HEADER_SIZE + 24);
}

/* One with further headers is none that hosts send. */
bool neighbours_asked6(const uint8_t *frame, size_t size, uint8_t ret_target[static 16])
{
        const uint8_t *header = frame + FRAME_HEADER_SIZE;

        if (size < FRAME_HEADER_SIZE + IPV6_HEADER + 24 || header[6] != IPPROTO_ICMPV6 ||
                        header[7] != HOP_LIMIT)
                return false;
        memcpy(ret_target, header + IPV6_HEADER + 8, 16);
        return true;
}

static void answer_begin(const uint8_t *frame, const uint8_t *mac, uint8_t *answer)
{
        memcpy(answer, frame_source(frame), FRAME_MAC_SIZE);
        memcpy(answer + FRAME_MAC_SIZE, mac, FRAME_MAC_SIZE);
        frame_put16(answer + 2 * (size_t) FRAME_MAC_SIZE, frame_type(frame));
}

size_t neighbours_answer4(const uint8_t *frame, const uint8_t *mac, uint8_t *ret_answer)
{
        const uint8_t *asked = frame + FRAME_HEADER_SIZE;
        uint8_t *arp = ret_answer + FRAME_HEADER_SIZE;

        answer_begin(frame, mac, ret_answer);
        memcpy(arp, asked, 6);
        frame_put16(arp + 6, ARP_REPLY);
        memcpy(arp + 8, mac, FRAME_MAC_SIZE);
        memcpy(arp + 14, asked + 24, 4);
        memcpy(arp + 18, asked + 8, FRAME_MAC_SIZE + 4);
        return FRAME_HEADER_SIZE + ARP_SIZE;
}

size_t neighbours_answer6(
                const uint8_t *frame, const uint8_t *target, const uint8_t *mac, uint8_t *ret_answer)
{
        const uint8_t *asked = frame + FRAME_HEADER_SIZE;
        uint8_t *header = ret_answer + FRAME_HEADER_SIZE, *advert = header + IPV6_HEADER, pseudo[40] = {};

        answer_begin(frame, mac, ret_answer);
        memset(header, 0, IPV6_HEADER + ADVERT_SIZE);
        header[0] = 0x60;
        frame_put16(header + 4, ADVERT_SIZE);
        header[6] = IPPROTO_ICMPV6;
        header[7] = HOP_LIMIT;
        memcpy(header + 8, target, 16);
        memcpy(header + 24, asked + 8, 16);

        advert[0] = ADVERT_TYPE;
        advert[4] = SOLICITED;
        memcpy(advert + 8, target, 16);
        advert[24] = 2; /* the target's link-layer address, in units of 8 bytes */
        advert[25] = 1;
        memcpy(advert + 26, mac, FRAME_MAC_SIZE);

        memcpy(pseudo, header + 8, 32);
        pseudo[35] = ADVERT_SIZE;
        pseudo[39] = IPPROTO_ICMPV6;
        frame_put16(advert + 2, frame_checksum(advert, ADVERT_SIZE,
                                                (uint16_t) ~frame_checksum(pseudo, sizeof pseudo, 0)));
        return FRAME_HEADER_SIZE + IPV6_HEADER + ADVERT_SIZE;
}
