/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A DHCP client (RFC 2131) that asks until it is given an address, and for it again after half of its time,
 * saying its name (option 12) as MirageOS does. A greedy one takes addresses by invented hardware addresses or
 * identifiers, as many as it is given.
 */

#include "net.h"

enum {
        PORT_SERVER = 67,
        PORT_CLIENT = 68,
        BOOT_REQUEST = 1,
        BOOT_REPLY = 2,
        AGAIN_MS = 1000,

        DISCOVER = 1,
        OFFER = 2,
        REQUEST = 3,
        ACK = 5,
        NAK = 6,

        OPTION_PAD = 0,
        OPTION_MASK = 1,
        OPTION_ROUTER = 3,
        OPTION_NAME = 12,
        OPTION_ADDRESS = 50,
        OPTION_LEASE_TIME = 51,
        OPTION_TYPE = 53,
        OPTION_SERVER = 54,
        OPTION_WANTED = 55,
        OPTION_CLIENT = 61,
        OPTION_END = 255,
};

typedef struct Message {
        Ipv4 ip;
        uint8_t from_port[2], to_port[2];
        uint8_t udp_size[2];
        uint8_t udp_checksum[2]; /* 0: none */
        uint8_t operation;
        uint8_t hardware[3]; /* Ethernet, 6 bytes, no hops */
        uint8_t id[4];
        uint8_t seconds[2];
        uint8_t flags[2];
        uint8_t client[4];
        uint8_t yours[4];
        uint8_t next_server[4];
        uint8_t relay[4];
        uint8_t mac[16];
        uint8_t server_name[64];
        uint8_t file[128];
        uint8_t cookie[4];
        uint8_t options[312];
} Message;

static const uint8_t cookie[4] = {99, 130, 83, 99};
static const uint8_t nobody[4];
static const char *host_name;

static uint8_t *option_add(uint8_t *p, unsigned code, const void *value, size_t size)
{
        *p++ = (uint8_t)code;
        *p++ = (uint8_t)size;
        memcpy(p, value, size);
        return p + size;
}

/* NULL if it is not there, or shorter than size. */
static const uint8_t *option_find(const Message *message, size_t n_options, unsigned code, size_t size)
{
        const uint8_t *p = message->options, *end = p + n_options;

        while (p < end && *p != OPTION_END) {
                if (*p == OPTION_PAD) {
                        p++;
                        continue;
                }
                if (end - p < 2 || end - p - 2 < p[1])
                        break;
                if (*p == code)
                        return p[1] >= size ? p + 2 : NULL;
                p += 2 + p[1];
        }
        return NULL;
}

static void message_send(Network *n, unsigned type)
{
        static const uint8_t wanted[] = {OPTION_MASK, OPTION_ROUTER};
        const size_t ip_size = sizeof(Message) - sizeof(Ethernet);
        Message message = {
                        .ip = {.version_length = 0x45, .ttl = TTL, .protocol = PROTOCOL_UDP},
                        .operation = BOOT_REQUEST,
                        .hardware = {1, 6},
        };
        uint8_t *p = message.options;

        memset(message.ip.ethernet.to, 0xff, sizeof(message.ip.ethernet.to));
        memcpy(message.ip.ethernet.from, n->mac, sizeof(n->mac));
        write16(message.ip.ethernet.type, TYPE_IPV4);
        write16(message.ip.size, ip_size);
        if (n->dhcp.state == DHCP_RENEW)
                memcpy(message.ip.source, n->address, sizeof(n->address));
        memset(message.ip.destination, 0xff, sizeof(message.ip.destination));
        write16(message.ip.checksum,
                        checksum_end(checksum_add(0, &message.ip.version_length,
                                        sizeof(Ipv4) - sizeof(Ethernet))));

        write16(message.from_port, PORT_CLIENT);
        write16(message.to_port, PORT_SERVER);
        write16(message.udp_size, ip_size - (sizeof(Ipv4) - sizeof(Ethernet)));
        memcpy(message.id, n->dhcp.id, sizeof(message.id));
        memcpy(message.mac, n->dhcp.client, sizeof(n->dhcp.client));
        /* Nobody has the address that the answer would be sent to. */
        message.flags[0] = n->dhcp.greedy == DHCP_GREEDY_ADDRESS ? 0x80 : 0;
        memcpy(message.cookie, cookie, sizeof(cookie));

        p = option_add(p, OPTION_TYPE, &(const uint8_t){(uint8_t)type}, 1);
        if (n->dhcp.state == DHCP_RENEW)
                memcpy(message.client, n->address, sizeof(n->address));
        else if (type == REQUEST) {
                p = option_add(p, OPTION_ADDRESS, n->dhcp.offered, sizeof(n->dhcp.offered));
                p = option_add(p, OPTION_SERVER, n->dhcp.server, sizeof(n->dhcp.server));
        }
        if (n->dhcp.greedy == DHCP_GREEDY_IDENTIFIER)
                p = option_add(p, OPTION_CLIENT, n->dhcp.identifier, sizeof(n->dhcp.identifier));
        if (host_name)
                p = option_add(p, OPTION_NAME, host_name, strlen(host_name));
        p = option_add(p, OPTION_WANTED, wanted, sizeof(wanted));
        *p = OPTION_END;

        frame_send(n, &message, sizeof(message));
}

void dhcp_begin(Network *n, const char *name, DhcpGreed greedy)
{
        if (name && strlen(name) > 63)
                PANIC("a host's name has at most 63 characters");

        host_name = name;
        memcpy(n->dhcp.id, n->mac + 2, sizeof(n->dhcp.id));
        memcpy(n->dhcp.client, n->mac, sizeof(n->dhcp.client));
        if (greedy == DHCP_GREEDY_ADDRESS)
                n->dhcp.client[3] ^= 0xff;
        n->dhcp.greedy = greedy;
        n->dhcp.state = DHCP_DISCOVER;
}

void dhcp_continue(Network *n)
{
        if (n->dhcp.state == DHCP_OFF || timer_ms < n->dhcp.due_ms)
                return;

        /* Who offered may be gone by now. */
        if (n->dhcp.state == DHCP_REQUEST)
                n->dhcp.state = DHCP_DISCOVER;
        if (n->dhcp.state == DHCP_BOUND)
                n->dhcp.state = DHCP_RENEW;
        n->dhcp.due_ms = timer_ms + AGAIN_MS;
        message_send(n, n->dhcp.state == DHCP_DISCOVER ? DISCOVER : REQUEST);
}

bool dhcp_is_for(const Network *n, const Ipv4 *ip, size_t size)
{
        const Message *message = (const Message *)ip;

        return n->dhcp.state != DHCP_OFF && size > offsetof(Message, options) &&
               ip->version_length == 0x45 && ip->protocol == PROTOCOL_UDP &&
               read16(message->to_port) == PORT_CLIENT && message->operation == BOOT_REPLY &&
               memcmp(message->id, n->dhcp.id, sizeof(message->id)) == 0 &&
               memcmp(message->mac, n->dhcp.client, sizeof(n->dhcp.client)) == 0 &&
               memcmp(message->cookie, cookie, sizeof(cookie)) == 0;
}

static uint8_t prefix_of(const uint8_t mask[4])
{
        uint8_t prefix = 0;

        while (prefix < 32 && mask[prefix / 8] & 0x80 >> prefix % 8)
                prefix++;
        return prefix;
}

static void acknowledged(Network *n, const Message *message, size_t n_options)
{
        const uint8_t *mask = option_find(message, n_options, OPTION_MASK, 4);
        const uint8_t *router = option_find(message, n_options, OPTION_ROUTER, 4);
        const uint8_t *seconds = option_find(message, n_options, OPTION_LEASE_TIME, 4);
        const bool renewed = n->dhcp.state == DHCP_RENEW;

        if (n->dhcp.greedy) {
                console_printf("%s: leased %u.%u.%u.%u by another %s\n", n->name, message->yours[0],
                                message->yours[1], message->yours[2], message->yours[3],
                                n->dhcp.greedy == DHCP_GREEDY_ADDRESS ? "hardware address" : "identifier");
                if (n->dhcp.greedy == DHCP_GREEDY_ADDRESS)
                        n->dhcp.client[5]++;
                n->dhcp.identifier[1]++;
                n->dhcp.state = DHCP_DISCOVER;
                n->dhcp.due_ms = timer_ms;
                return;
        }
        memcpy(n->address, message->yours, sizeof(n->address));
        n->has_address = true;
        n->prefix = mask ? prefix_of(mask) : 32;
        n->dhcp.state = DHCP_BOUND;
        n->dhcp.due_ms = timer_ms + (seconds ? (uint64_t)read32(seconds) : 3600) * 1000 / 2;
        if (renewed)
                return;

        if (router) {
                memcpy(n->gateway, router, sizeof(n->gateway));
                n->has_gateway = true;
        }
        ipv4_begin(n, " by DHCP");
}

void dhcp_receive(Network *n, const Ipv4 *ip, size_t size)
{
        const Message *message = (const Message *)ip;
        const size_t n_options = size - offsetof(Message, options);
        const uint8_t *type = option_find(message, n_options, OPTION_TYPE, 1);
        const uint8_t *server = option_find(message, n_options, OPTION_SERVER, 4);

        if (!type)
                return;
        if (*type == OFFER && server && n->dhcp.state == DHCP_DISCOVER) {
                memcpy(n->dhcp.offered, message->yours, sizeof(n->dhcp.offered));
                memcpy(n->dhcp.server, server, sizeof(n->dhcp.server));
                n->dhcp.state = DHCP_REQUEST;
                n->dhcp.due_ms = timer_ms + AGAIN_MS;
                message_send(n, REQUEST);
        } else if (*type == ACK && (n->dhcp.state == DHCP_REQUEST || n->dhcp.state == DHCP_RENEW) &&
                        memcmp(message->yours, nobody, sizeof(nobody)) != 0)
                acknowledged(n, message, n_options);
        else if (*type == NAK && (n->dhcp.state == DHCP_REQUEST || n->dhcp.state == DHCP_RENEW)) {
                n->has_address = false;
                n->dhcp.state = DHCP_DISCOVER;
                n->dhcp.due_ms = timer_ms + AGAIN_MS;
        }
}
