/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Called by plane.c for each frame. */

#include "switch/guard.h"

#include <glib.h>
#include <netinet/in.h>
#include <string.h>

#define ARP_SIZE      28
#define ARP_REQUEST   1
#define ARP_REPLY     2
#define IPV6_HEADER   40
#define EXTENSIONS    8 /* that are passed over */
#define UDP_PORTS     4
#define DHCP_SERVER   67
#define DHCP6_SERVER  547
#define ND_OPTIONLESS 24 /* bytes of a solicitation or an advertisement */

#define ICMP6_MLD_QUERY        130
#define ICMP6_MLD_DONE         132
#define ICMP6_ROUTER_SOLICIT   133
#define ICMP6_ROUTER_ADVERT    134
#define ICMP6_NEIGHBOR_SOLICIT 135
#define ICMP6_NEIGHBOR_ADVERT  136
#define ICMP6_REDIRECT         137
#define ICMP6_MLD2_REPORT      143

void guard_addresses_init(GuardAddresses *addresses, const AntispoofFilter *filter)
{
        Address link_local = address_link_local(filter->mac);

        *addresses = (GuardAddresses){
                        .any4 = filter->ipv4.any,
                        .any6 = filter->ipv6.any,
                        .has4 = address_is_set(&filter->ipv4.address),
                        .has6 = address_is_set(&filter->ipv6.address),
                        .ip4 = frame_get32(filter->ipv4.address.bytes),
        };
        memcpy(addresses->ip6, filter->ipv6.address.bytes, sizeof addresses->ip6);
        memcpy(addresses->link_local, link_local.bytes, sizeof addresses->link_local);
        for (int i = 0; i < FRAME_MAC_SIZE; i++)
                addresses->mac[i] = (uint8_t) g_ascii_strtoull(filter->mac + (ptrdiff_t) i * 3, NULL, 16);
}

static GuardWord guard_look_arp(const GuardAddresses *addresses, const uint8_t *arp, size_t size)
{
        uint32_t sender;

        if (size < ARP_SIZE || frame_get16(arp) != 1 || frame_get16(arp + 2) != FRAME_TYPE_IPV4 ||
                        arp[4] != FRAME_MAC_SIZE || arp[5] != 4 ||
                        memcmp(arp + 8, addresses->mac, FRAME_MAC_SIZE) != 0)
                return GUARD_FORGED;
        sender = frame_get32(arp + 14);
        if (!addresses->any4 && (!addresses->has4 || sender != addresses->ip4 || sender == 0))
                return GUARD_FORGED;
        switch (frame_get16(arp + 6)) {
        case ARP_REQUEST:
                return GUARD_ASKS4;
        case ARP_REPLY:
                return GUARD_TELLS4;
        default:
                return GUARD_FORGED;
        }
}

static GuardWord guard_look_ipv4(const GuardAddresses *addresses, const uint8_t *frame, size_t size)
{
        bool known = addresses->any4 || addresses->has4;
        FrameIpv4 ip;

        if (!known || !frame_read_ipv4(frame, size, FRAME_HEADER_SIZE, &ip))
                return GUARD_FORGED;
        if (ip.protocol == IPPROTO_UDP && ip.is_first && ip.payload + UDP_PORTS <= ip.end) {
                if (frame_get16(frame + ip.payload) == DHCP_SERVER)
                        return GUARD_FORGED;
                if (frame_get16(frame + ip.payload + 2) == DHCP_SERVER)
                        return GUARD_HOSTS;
        }
        if (!addresses->any4 && (ip.source != addresses->ip4 || ip.source == 0))
                return GUARD_FORGED;
        return ip.protocol == IPPROTO_IGMP ? GUARD_HOSTS : GUARD_PACKET;
}

/* Where the header of the protocol is, behind those that come before it; false if it is in none of its own,
 * as in a later fragment. *ret_hidden: it is where nobody should put it, see ruleset.c. */
static bool guard_find_transport(const uint8_t *frame, size_t size, uint8_t *ret_protocol, size_t *ret_begin,
                bool *ret_hidden)
{
        size_t begin = FRAME_HEADER_SIZE + IPV6_HEADER;
        uint8_t protocol = frame[FRAME_HEADER_SIZE + 6];

        *ret_hidden = false;
        for (unsigned i = 0; i < EXTENSIONS; i++) {
                bool fragment = protocol == IPPROTO_FRAGMENT;

                if (protocol != IPPROTO_HOPOPTS && protocol != IPPROTO_ROUTING &&
                                protocol != IPPROTO_DSTOPTS && !fragment) {
                        *ret_protocol = protocol;
                        *ret_begin = begin;
                        return true;
                }
                if (begin + 8 > size)
                        return false;
                protocol = frame[begin];
                if (fragment) {
                        static const uint8_t extensions[] = {IPPROTO_HOPOPTS, IPPROTO_ROUTING,
                                        IPPROTO_FRAGMENT, IPPROTO_AH, IPPROTO_DSTOPTS};

                        *ret_hidden = memchr(extensions, protocol, sizeof extensions) != NULL ||
                                      (frame[FRAME_HEADER_SIZE + 8] == 0xfe &&
                                                      (frame[FRAME_HEADER_SIZE + 9] & 0xc0) == 0x80);
                        if (*ret_hidden || frame_get16(frame + begin + 2) >> 3 > 0)
                                return false;
                        begin += 8;
                } else
                        begin += (size_t) (frame[begin + 1] + 1) * 8;
                if (begin > size)
                        return false;
        }
        *ret_hidden = true;
        return false;
}

static bool address6_is_own(const GuardAddresses *addresses, const uint8_t *address)
{
        return (addresses->has6 && memcmp(address, addresses->ip6, sizeof addresses->ip6) == 0) ||
               memcmp(address, addresses->link_local, sizeof addresses->link_local) == 0;
}

static GuardWord guard_look_ipv6(const GuardAddresses *addresses, const uint8_t *frame, size_t size)
{
        static const uint8_t unspecified[16];
        const uint8_t *header = frame + FRAME_HEADER_SIZE, *source = header + 8;
        uint8_t protocol = IPPROTO_NONE, type = 0;
        size_t begin = 0;
        bool hidden, found, from_nobody, own;

        if (size < FRAME_HEADER_SIZE + IPV6_HEADER || header[0] >> 4 != 6 ||
                        (!addresses->any6 && !addresses->has6))
                return GUARD_FORGED;
        found = guard_find_transport(frame, size, &protocol, &begin, &hidden);
        if (hidden)
                return GUARD_FORGED;
        if (found && protocol == IPPROTO_UDP && begin + UDP_PORTS <= size) {
                if (frame_get16(frame + begin) == DHCP6_SERVER)
                        return GUARD_FORGED;
                if (frame_get16(frame + begin + 2) == DHCP6_SERVER)
                        return GUARD_HOSTS;
        }
        if (found && protocol == IPPROTO_ICMPV6 && begin < size)
                type = frame[begin];
        if (type == ICMP6_ROUTER_ADVERT || type == ICMP6_REDIRECT)
                return GUARD_FORGED;

        from_nobody = memcmp(source, unspecified, sizeof unspecified) == 0;
        own = addresses->any6 || address6_is_own(addresses, source);
        if (!own && !from_nobody)
                return GUARD_FORGED;
        if (type == ICMP6_ROUTER_SOLICIT || (type >= ICMP6_MLD_QUERY && type <= ICMP6_MLD_DONE) ||
                        type == ICMP6_MLD2_REPORT)
                return GUARD_HOSTS;
        if (type == ICMP6_NEIGHBOR_SOLICIT || type == ICMP6_NEIGHBOR_ADVERT) {
                if (size - begin < ND_OPTIONLESS)
                        return GUARD_FORGED;
                if (type == ICMP6_NEIGHBOR_SOLICIT)
                        return from_nobody ? GUARD_HOSTS : GUARD_ASKS6;
                return addresses->any6 || address6_is_own(addresses, frame + begin + 8) ? GUARD_TELLS6
                                                                                        : GUARD_FORGED;
        }
        return own && !from_nobody ? GUARD_PACKET : GUARD_FORGED;
}

GuardWord guard_look(const GuardAddresses *addresses, const uint8_t *frame, size_t size)
{
        if (memcmp(frame_source(frame), addresses->mac, FRAME_MAC_SIZE) != 0)
                return GUARD_FORGED;

        switch (frame_type(frame)) {
        case FRAME_TYPE_IPV4:
                return guard_look_ipv4(addresses, frame, size);
        case FRAME_TYPE_ARP:
                return guard_look_arp(addresses, frame + FRAME_HEADER_SIZE, size - FRAME_HEADER_SIZE);
        case FRAME_TYPE_IPV6:
                return guard_look_ipv6(addresses, frame, size);
        default:
                return GUARD_FORGED;
        }
}
