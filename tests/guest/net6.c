/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Just enough IPv6: neighbour discovery (RFC 4861) for an address that was given, ping (RFC 4443), and what
 * there is of TCP and UDP.
 * Answers go back to the hardware address that asked.
 */

#include "net.h"
#include "udp.h"

enum {
        PROTOCOL_ICMPV6 = 58,
        ECHO_REQUEST = 128,
        ECHO_REPLY = 129,
        SOLICITATION = 135,
        ADVERTISEMENT = 136,
        FLAG_SOLICITED = 0x40,
        FLAG_OVERRIDE = 0x20,
        OPTION_SOURCE_MAC = 1,
        OPTION_TARGET_MAC = 2,
        HOPS_OF_NEIGHBOURS = 255, /* what a router has passed on has fewer */
};

typedef struct Ipv6 {
        Ethernet ethernet;
        uint8_t version_flow[4];
        uint8_t size[2];
        uint8_t next;
        uint8_t hops;
        uint8_t source[16];
        uint8_t destination[16];
} Ipv6;

/* The two messages are alike; one option each. */
typedef struct Neighbour {
        Ipv6 ip;
        uint8_t type, code;
        uint8_t checksum[2];
        uint8_t flags[4];
        uint8_t target[16];
        uint8_t option, option_size; /* in 8 bytes */
        uint8_t mac[6];
} Neighbour;

static const uint8_t unspecified[16];
static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1};

static unsigned icmpv6_checksum(const Ipv6 *ip, size_t n_payload)
{
        const uint8_t rest[8] = {[2] = (uint8_t)(n_payload >> 8),
                        [3] = (uint8_t)n_payload,
                        [7] = PROTOCOL_ICMPV6};
        uint32_t sum = checksum_add(0, ip->source, 2 * sizeof(ip->source));

        sum = checksum_add(sum, rest, sizeof(rest));
        return checksum_end(checksum_add(sum, ip + 1, n_payload));
}

static bool same(const uint8_t a[16], const uint8_t b[16])
{
        return memcmp(a, b, 16) == 0;
}

static bool is_own(const Network *n, const uint8_t address[16])
{
        return same(address, n->address6) || same(address, n->link_local);
}

/* ff02::1:ff and the last three bytes: where an address is asked for. */
static void solicited_node(const uint8_t address[16], uint8_t ret[16])
{
        static const uint8_t prefix[13] = {0xff, 2, [11] = 1, [12] = 0xff};

        memcpy(ret, prefix, sizeof(prefix));
        memcpy(ret + 13, address + 13, 3);
}

static bool is_for_us(const Network *n, const uint8_t to[16])
{
        uint8_t group[16], group_local[16];

        solicited_node(n->address6, group);
        solicited_node(n->link_local, group_local);
        return is_own(n, to) || same(to, group) || same(to, group_local) || same(to, all_nodes);
}

static void neighbour_send(Network *n, Neighbour *message, unsigned type, const uint8_t source[16],
                const uint8_t to[16], const uint8_t target[16])
{
        const size_t n_payload = sizeof(*message) - sizeof(Ipv6);
        Ipv6 *ip = &message->ip;

        if (to[0] == 0xff) {
                memcpy(ip->ethernet.to, (const uint8_t[]){0x33, 0x33}, 2);
                memcpy(ip->ethernet.to + 2, to + 12, 4);
        }
        memcpy(ip->ethernet.from, n->mac, sizeof(n->mac));
        write16(ip->ethernet.type, TYPE_IPV6);
        memset(ip->version_flow, 0, sizeof(ip->version_flow));
        ip->version_flow[0] = 0x60;
        write16(ip->size, n_payload);
        ip->next = PROTOCOL_ICMPV6;
        ip->hops = HOPS_OF_NEIGHBOURS;
        memcpy(ip->source, source, 16);
        memcpy(ip->destination, to, 16);

        message->type = (uint8_t)type;
        message->code = 0;
        memcpy(message->target, target, 16);
        message->option = type == SOLICITATION ? OPTION_SOURCE_MAC : OPTION_TARGET_MAC;
        message->option_size = 1;
        memcpy(message->mac, n->mac, sizeof(n->mac));
        write16(message->checksum, 0);
        write16(message->checksum, icmpv6_checksum(ip, n_payload));
        frame_send(n, message, sizeof(*message));
}

void ipv6_ask(Network *n, const uint8_t target[16])
{
        Neighbour ask = {};
        uint8_t group[16];

        solicited_node(target, group);
        neighbour_send(n, &ask, SOLICITATION, n->address6, group, target);
}

size_t ipv6_write(const Network *n, uint8_t *frame, unsigned protocol, const uint8_t to[16], size_t n_payload)
{
        Ipv6 *ip = (Ipv6 *)frame;

        *ip = (Ipv6){.version_flow = {0x60}, .next = (uint8_t)protocol, .hops = TTL};
        memcpy(ip->ethernet.from, n->mac, sizeof(n->mac));
        write16(ip->ethernet.type, TYPE_IPV6);
        write16(ip->size, (unsigned)n_payload);
        memcpy(ip->source, n->address6, sizeof(ip->source));
        memcpy(ip->destination, to, sizeof(ip->destination));
        return sizeof(*ip);
}

/* Who asks without an address looks whether this one is free: everybody is told. */
static void solicitation_receive(Network *n, const Neighbour *asked)
{
        const bool anonymous = same(asked->ip.source, unspecified);
        Neighbour answer = {};

        if (!is_own(n, asked->target))
                return;

        memcpy(answer.ip.ethernet.to, asked->ip.ethernet.from, sizeof(answer.ip.ethernet.to));
        answer.flags[0] = FLAG_OVERRIDE | (anonymous ? 0 : FLAG_SOLICITED);
        neighbour_send(n, &answer, ADVERTISEMENT, asked->target, anonymous ? all_nodes : asked->ip.source,
                        asked->target);
}

static void advertisement_receive(Network *n, const Neighbour *told)
{
        const uint8_t *m = told->mac;

        if (told->option != OPTION_TARGET_MAC)
                return;
        udp_neighbour(n, true, told->target, told->mac);
        if (!n->has_gateway6 || !same(told->target, n->gateway6))
                return;

        n->has_gateway6 = false; /* said once */
        console_printf("%s: IPv6 gateway is at %02x:%02x:%02x:%02x:%02x:%02x\n", n->name, m[0], m[1], m[2],
                        m[3], m[4], m[5]);
}

static void echo_receive(Network *n, Ipv6 *ip, size_t n_payload)
{
        uint8_t *payload = (uint8_t *)(ip + 1);

        payload[0] = ECHO_REPLY;
        ethernet_answer(n, &ip->ethernet);
        if (!is_own(n, ip->destination))
                memcpy(ip->destination, n->address6, sizeof(ip->destination));
        for (size_t i = 0; i < sizeof(ip->source); i++) {
                uint8_t byte = ip->source[i];

                ip->source[i] = ip->destination[i];
                ip->destination[i] = byte;
        }
        ip->hops = TTL;
        write16(payload + 2, 0);
        write16(payload + 2, icmpv6_checksum(ip, n_payload));
        frame_send(n, ip, sizeof(*ip) + n_payload);
}

/* Back to whom it came from; what is to be summed is right already. */
static void ipv6_answer(Network *n, Ipv6 *ip, size_t n_payload)
{
        ethernet_answer(n, &ip->ethernet);
        for (size_t i = 0; i < sizeof(ip->source); i++) {
                uint8_t byte = ip->source[i];

                ip->source[i] = ip->destination[i];
                ip->destination[i] = byte;
        }
        ip->hops = TTL;
        write16(ip->size, (unsigned)n_payload);
        frame_send(n, ip, sizeof(*ip) + n_payload);
}

static void tcp_receive(Network *n, Ipv6 *ip, size_t n_payload)
{
        uint8_t *payload = (uint8_t *)(ip + 1);

        n_payload = tcp_answer(payload, n_payload, ip->source, sizeof(ip->source));
        if (n_payload == 0)
                return;
        tcp_sum(payload, n_payload, ip->source, ip->destination, sizeof(ip->source));
        ipv6_answer(n, ip, n_payload);
}

static void datagram_receive(Network *n, Ipv6 *ip, size_t n_payload)
{
        uint8_t *payload = (uint8_t *)(ip + 1), port[2];

        if (read16(payload + 2) != PORT_ECHO) {
                Endpoint from = {.is_ipv6 = true};

                memcpy(from.address, ip->source, sizeof(from.address));
                udp_receive(&from, ip->destination, payload, n_payload);
                return;
        }
        memcpy(port, payload, sizeof(port));
        memcpy(payload, payload + 2, sizeof(port));
        memcpy(payload + 2, port, sizeof(port));
        ipv6_answer(n, ip, n_payload);
}

void ipv6_receive(Network *n, uint8_t *frame, size_t size)
{
        Ipv6 *ip = (Ipv6 *)frame;
        const uint8_t *payload = (const uint8_t *)(ip + 1);
        const Neighbour *neighbour = (const Neighbour *)frame;
        size_t n_payload;

        if (size < sizeof(*ip) + 8 || ip->version_flow[0] >> 4 != 6 || !is_for_us(n, ip->destination))
                return;
        n_payload = read16(ip->size);
        if (n_payload < 8 || n_payload > size - sizeof(*ip))
                return;
        if (ip->next == PROTOCOL_TCP && is_own(n, ip->destination))
                tcp_receive(n, ip, n_payload);
        else if (ip->next == PROTOCOL_UDP && is_own(n, ip->destination))
                datagram_receive(n, ip, n_payload);
        if (ip->next != PROTOCOL_ICMPV6 || icmpv6_checksum(ip, n_payload) != 0 ||
                        payload[1] != 0)
                return;

        if (payload[0] == ECHO_REQUEST)
                echo_receive(n, ip, n_payload);
        else if (ip->hops != HOPS_OF_NEIGHBOURS)
                return;
        else if (payload[0] == SOLICITATION && n_payload >= 24)
                solicitation_receive(n, neighbour);
        else if (payload[0] == ADVERTISEMENT && n_payload >= sizeof(*neighbour) - sizeof(*ip))
                advertisement_receive(n, neighbour);
}

void ipv6_configure(Network *n, const char *value)
{
        long prefix;

        if (!address6_parse(value, n->address6, &value) || *value++ != '/')
                PANIC("not an IPv6 address with its prefix length");
        prefix = number_parse(value, &value);
        if (prefix < 0 || prefix > 128 || *value != '\0')
                PANIC("not a prefix length");
        n->prefix6 = (uint8_t)prefix;
        n->has_address6 = true;
}

void ipv6_configure_gateway(Network *n, const char *value)
{
        if (!address6_parse(value, n->gateway6, &value) || *value != '\0')
                PANIC("not an IPv6 address");
        n->has_gateway6 = true;
}

/* The link-local address is that of RFC 4291, appendix A. */
void ipv6_begin(Network *n)
{
        const uint8_t *m = n->mac, *a = n->address6;
        const uint8_t id[8] = {m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]};
        Neighbour tell = {.flags = {FLAG_OVERRIDE}};

        memcpy(n->link_local, (const uint8_t[]){0xfe, 0x80}, 2);
        memcpy(n->link_local + 8, id, sizeof(id));

        neighbour_send(n, &tell, ADVERTISEMENT, n->address6, all_nodes, n->address6);
        if (n->has_gateway6)
                ipv6_ask(n, n->gateway6);
        console_printf("%s: serving on %x:%x:%x:%x:%x:%x:%x:%x/%u\n", n->name, read16(a), read16(a + 2),
                        read16(a + 4), read16(a + 6), read16(a + 8), read16(a + 10), read16(a + 12),
                        read16(a + 14), n->prefix6);
}
