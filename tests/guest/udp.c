/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See udp.h. Whose hardware address is known is never asked for again: members of a test keep theirs. */

#include "udp.h"

enum {
        HEADER_SIZE = 8,
        PORTS_MAX = 16,
        NEIGHBOURS = 2048, /* a power of 2; all is forgotten when three quarters are taken */
        WAITING_MAX = 16,
        ASK_TIMES = 3,
        ASK_AGAIN_NS = 1000000000,
};

typedef struct Port {
        unsigned port;
        UdpHandler handler;
} Port;

typedef struct Neighbour {
        bool is_known, is_ipv6;
        uint8_t address[16];
        uint8_t mac[6];
} Neighbour;

/* A frame whose first six bytes are to be learnt. */
typedef struct Waiting {
        Endpoint hop;
        size_t size; /* 0: none */
        unsigned n_asked;
        uint64_t due;
        uint8_t frame[FRAME_MAX];
} Waiting;

static Port ports[PORTS_MAX];
static unsigned n_ports;
static Neighbour *neighbours; /* open addressing */
static unsigned n_neighbours;
static Waiting *waiting;
static unsigned next_waiting;
static uint32_t n_corrupt;

void udp_open(unsigned port, UdpHandler handler)
{
        if (n_ports >= PORTS_MAX)
                PANIC("too many ports");
        for (unsigned i = 0; i < n_ports; i++)
                if (ports[i].port == port)
                        PANIC("two ask for one port");
        ports[n_ports++] = (Port){port, handler};
}

void udp_corrupt(void)
{
        n_corrupt++;
}

uint32_t udp_corrupt_count(void)
{
        return n_corrupt;
}

static unsigned udp_checksum(const uint8_t *source, const uint8_t *destination, size_t n_address,
                const void *udp, size_t size)
{
        uint32_t sum = PROTOCOL_UDP + (uint32_t) size;

        sum = checksum_add(sum, source, n_address);
        sum = checksum_add(sum, destination, n_address);
        return checksum_end(checksum_add(sum, udp, size));
}

void udp_receive(const Endpoint *from, const uint8_t *destination, const uint8_t *udp, size_t size)
{
        size_t n = read16(udp + 4);
        Endpoint sender = *from;

        if (n < HEADER_SIZE || n > size)
                return;
        if ((read16(udp + 6) != 0 || from->is_ipv6) &&
                        udp_checksum(from->address, destination, from->is_ipv6 ? 16 : 4, udp, n) != 0) {
                n_corrupt++;
                return;
        }
        sender.port = (uint16_t) read16(udp);
        for (unsigned i = 0; i < n_ports; i++)
                if (ports[i].port == read16(udp + 2)) {
                        ports[i].handler(ports[i].port, &sender, udp + HEADER_SIZE, n - HEADER_SIZE);
                        return;
                }
}

/* Where the address is, or would be. */
static Neighbour *neighbour_find(bool is_ipv6, const uint8_t *address)
{
        const size_t n = is_ipv6 ? 16 : 4;
        uint32_t hash = 0;

        if (!neighbours)
                neighbours = memory_take(NEIGHBOURS * sizeof(*neighbours), 8);
        for (size_t i = 0; i < n; i++)
                hash = (hash ^ address[i]) * 0x01000193;
        for (uint32_t i = hash >> 8;; i++) {
                Neighbour *found = &neighbours[i % NEIGHBOURS];

                if (!found->is_known ||
                                (found->is_ipv6 == is_ipv6 && memcmp(found->address, address, n) == 0))
                        return found;
        }
}

void udp_neighbour(const Network *n, bool is_ipv6, const uint8_t *address, const uint8_t mac[6])
{
        Neighbour *known;

        if (n != network_find(NULL) || n_ports == 0)
                return;
        if (n_neighbours > NEIGHBOURS / 4 * 3) {
                memset(neighbours, 0, NEIGHBOURS * sizeof(*neighbours));
                n_neighbours = 0;
        }
        known = neighbour_find(is_ipv6, address);
        n_neighbours += !known->is_known;
        known->is_known = true;
        known->is_ipv6 = is_ipv6;
        memcpy(known->address, address, is_ipv6 ? 16 : 4);
        memcpy(known->mac, mac, sizeof(known->mac));

        for (unsigned i = 0; waiting && i < WAITING_MAX; i++) {
                Waiting *w = &waiting[i];

                if (w->size == 0 || w->hop.is_ipv6 != is_ipv6 ||
                                memcmp(w->hop.address, address, is_ipv6 ? 16 : 4) != 0)
                        continue;
                memcpy(w->frame, mac, 6);
                frame_send(network_find(NULL), w->frame, w->size);
                w->size = 0;
        }
}

static void neighbour_ask(Network *n, const Endpoint *hop)
{
        if (hop->is_ipv6)
                ipv6_ask(n, hop->address);
        else
                arp_ask(n, hop->address);
}

/* If there is no room, what has waited longest is lost, as in other systems. */
static void frame_wait(Network *n, const Endpoint *hop, const uint8_t *frame, size_t size)
{
        Waiting *w;

        if (!waiting)
                waiting = memory_take(WAITING_MAX * sizeof(*waiting), 8);
        w = &waiting[next_waiting++ % WAITING_MAX];
        w->hop = *hop;
        w->size = size;
        w->n_asked = 1;
        w->due = clock_now_ns() + ASK_AGAIN_NS;
        memcpy(w->frame, frame, size);
        neighbour_ask(n, hop);
}

uint64_t udp_continue(void)
{
        uint64_t now = clock_now_ns(), next = 0;

        for (unsigned i = 0; waiting && i < WAITING_MAX; i++) {
                Waiting *w = &waiting[i];

                if (w->size > 0 && now >= w->due) {
                        if (w->n_asked++ >= ASK_TIMES)
                                w->size = 0;
                        else
                                neighbour_ask(network_find(NULL), &w->hop);
                        w->due = now + ASK_AGAIN_NS;
                }
                if (w->size > 0 && (next == 0 || w->due < next))
                        next = w->due;
        }
        return next;
}

static bool has_prefix(const uint8_t *a, const uint8_t *b, unsigned n_bits)
{
        if (memcmp(a, b, n_bits / 8) != 0)
                return false;
        return n_bits % 8 == 0 || (a[n_bits / 8] ^ b[n_bits / 8]) >> (8 - n_bits % 8) == 0;
}

/* The address itself, or the gateway; false: there is none. */
static bool hop_find(const Network *n, const Endpoint *to, Endpoint *ret)
{
        static const uint8_t none[16];
        const uint8_t *gateway = to->is_ipv6 ? n->gateway6 : n->gateway;
        const size_t size = to->is_ipv6 ? 16 : 4;

        *ret = *to;
        if (has_prefix(to->address, to->is_ipv6 ? n->address6 : n->address,
                            to->is_ipv6 ? n->prefix6 : n->prefix))
                return true;
        memcpy(ret->address, gateway, size);
        return memcmp(gateway, none, size) != 0;
}

bool udp_own_address(bool is_ipv6, Endpoint *ret)
{
        const Network *n = network_find(NULL);

        if (!n || !(is_ipv6 ? n->has_address6 : n->has_address))
                return false;
        *ret = (Endpoint){.is_ipv6 = is_ipv6};
        memcpy(ret->address, is_ipv6 ? n->address6 : n->address, is_ipv6 ? 16 : 4);
        return true;
}

bool udp_send(unsigned port, const Endpoint *to, const void *data, size_t size)
{
        static uint8_t frame[FRAME_MAX];
        Network *n = network_find(NULL);
        const Neighbour *known;
        Endpoint own, hop;
        uint8_t *udp;
        unsigned sum;
        size_t n_udp = HEADER_SIZE + size, n_frame;

        if (size > UDP_MAX || !udp_own_address(to->is_ipv6, &own) || !hop_find(n, to, &hop))
                return false;

        udp = frame + (to->is_ipv6 ? ipv6_write(n, frame, PROTOCOL_UDP, to->address, n_udp)
                                   : ipv4_write(n, frame, PROTOCOL_UDP, to->address, n_udp));
        write16(udp, port);
        write16(udp + 2, to->port);
        write16(udp + 4, (unsigned) n_udp);
        write16(udp + 6, 0);
        memcpy(udp + HEADER_SIZE, data, size);
        sum = udp_checksum(own.address, to->address, to->is_ipv6 ? 16 : 4, udp, n_udp);
        write16(udp + 6, sum == 0 ? 0xffff : sum);
        n_frame = (size_t) (udp - frame) + n_udp;

        known = neighbour_find(hop.is_ipv6, hop.address);
        if (known->is_known) {
                memcpy(frame, known->mac, sizeof(known->mac));
                frame_send(n, frame, n_frame);
        } else
                frame_wait(n, &hop, frame, n_frame);
        return true;
}
