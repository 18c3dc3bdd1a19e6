/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What net.c, net6.c, udp.c and dhcp.c share: a network device and its frames. */

#include "virtio.h"

enum {
        FRAME_MAX = 1514,

        TYPE_IPV4 = 0x0800,
        TYPE_ARP = 0x0806,
        TYPE_IPV6 = 0x86dd,
        PROTOCOL_TCP = 6,
        PROTOCOL_UDP = 17,
        PORT_ECHO = 7,
        TTL = 64,
};

typedef struct Network Network;
typedef struct Buffer Buffer;

typedef enum DhcpState {
        DHCP_OFF,
        DHCP_DISCOVER, /* asked who gives addresses */
        DHCP_REQUEST,  /* asked for the one that was offered */
        DHCP_BOUND,    /* has it */
        DHCP_RENEW,    /* has it, and asked to keep it */
} DhcpState;

/* It is another each time that it was given something, and says so by this. */
typedef enum DhcpGreed {
        DHCP_NOT_GREEDY,
        DHCP_GREEDY_ADDRESS,
        DHCP_GREEDY_IDENTIFIER,
} DhcpGreed;

typedef struct Dhcp {
        DhcpState state;
        uint8_t id[4]; /* of the conversation */
        uint8_t offered[4], server[4];
        uint64_t due_ms; /* when to ask again */
        uint8_t client[6]; /* who it says that it is */
        uint8_t identifier[2];
        DhcpGreed greedy;
} Dhcp;

struct Network {
        const char *name;
        uint16_t io;
        uint8_t irq;
        uint8_t mac[6];
        uint8_t address[4];
        uint8_t gateway[4];
        uint8_t address6[16];
        uint8_t link_local[16];
        uint8_t gateway6[16];
        uint8_t prefix, prefix6;
        bool has_address, has_gateway;
        bool has_address6, has_gateway6;
        Dhcp dhcp;
        Queue receive, transmit;
        Buffer *received, *sent;
        uint16_t n_sent,
                        n_free; /* transmit buffers: how many there are, how many the device does not have */
};

typedef struct Ethernet {
        uint8_t to[6];
        uint8_t from[6];
        uint8_t type[2];
} Ethernet;

typedef struct Ipv4 {
        Ethernet ethernet;
        uint8_t version_length;
        uint8_t service;
        uint8_t size[2];
        uint8_t id[2];
        uint8_t fragment[2];
        uint8_t ttl;
        uint8_t protocol;
        uint8_t checksum[2];
        uint8_t source[4];
        uint8_t destination[4];
} Ipv4;

static inline unsigned read16(const uint8_t *p)
{
        return (unsigned)p[0] << 8 | p[1];
}

static inline uint32_t read32(const uint8_t *p)
{
        return (uint32_t)read16(p) << 16 | read16(p + 2);
}

static inline void write16(uint8_t *p, unsigned value)
{
        p[0] = (uint8_t)(value >> 8);
        p[1] = (uint8_t)value;
}

static inline void write32(uint8_t *p, uint32_t value)
{
        write16(p, value >> 16);
        write16(p + 2, value & 0xffff);
}

/* The Internet checksum (RFC 1071), in pieces of an even size but the last. */
uint32_t checksum_add(uint32_t sum, const void *data, size_t n);
unsigned checksum_end(uint32_t sum);

void frame_send(Network *n, const void *frame, size_t size);
/* Back to whom it came from. */
void ethernet_answer(const Network *n, Ethernet *ethernet);

/* net.c: the device of that name, NULL for the first; NULL if there is none. */
Network *network_find(const char *device);
/* Who has that address? */
void arp_ask(Network *n, const uint8_t target[4]);
/* Everything before a payload of that size but to whose hardware address; returns where the payload begins. */
size_t ipv4_write(const Network *n, uint8_t *frame, unsigned protocol, const uint8_t to[4], size_t n_payload);
/* The address in the network n is its own from now on: says so, and asks for the gateway. */
void ipv4_begin(Network *n, const char *how);

/* net6.c */
void ipv6_configure(Network *n, const char *value);
void ipv6_configure_gateway(Network *n, const char *value);
void ipv6_begin(Network *n);
void ipv6_receive(Network *n, uint8_t *frame, size_t size);
/* As those of IPv4. */
void ipv6_ask(Network *n, const uint8_t target[16]);
size_t ipv6_write(const Network *n, uint8_t *frame, unsigned protocol, const uint8_t to[16], size_t n_payload);

/* tcp.c: writes the answer to a segment of n bytes from that address over it; returns its size, 0: there is
 * none. Its checksum is of tcp_sum(), with both addresses. */
size_t tcp_answer(uint8_t *tcp, size_t n, const uint8_t *client, size_t n_client);
void tcp_sum(uint8_t *tcp, size_t n, const uint8_t *source, const uint8_t *destination, size_t n_address);

/* dhcp.c */
bool dhcp_is_for(const Network *n, const Ipv4 *ip, size_t size);
void dhcp_begin(Network *n, const char *name, DhcpGreed greedy);
/* Asks (again) what is due. */
void dhcp_continue(Network *n);
void dhcp_receive(Network *n, const Ipv4 *ip, size_t size);
