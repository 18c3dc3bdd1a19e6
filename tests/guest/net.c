/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Network devices (Virtio 1.2, section 5.1) and just enough IPv4 on each: answers ARP and ping, sends back
 * what comes to UDP port 7, asks once for the gateway. Frames are answered in the buffer that they came in.
 * IPv6 is in net6.c, TCP in tcp.c, the other ports of UDP in udp.c, how to be given an address in dhcp.c.
 */

#include "net.h"
#include "ports.h"
#include "udp.h"

enum {
        NETWORKS_MAX = 32,
        BUFFERS_MAX = 128,
        FEATURE_MAC = 1 << 5,
        QUEUE_RECEIVE = 0,
        QUEUE_TRANSMIT = 1,
        HEADER_SIZE = 10, /* virtio_net_hdr without merged buffers */

        ARP_REQUEST = 1,
        ARP_REPLY = 2,
        PROTOCOL_ICMP = 1,
        ICMP_ECHO = 8,
};

struct Buffer {
        uint8_t header[HEADER_SIZE];
        uint8_t frame[FRAME_MAX];
};

typedef struct Arp {
        Ethernet ethernet;
        uint8_t kinds[6]; /* Ethernet and IPv4, 6 and 4 bytes */
        uint8_t operation[2];
        uint8_t sender_mac[6];
        uint8_t sender[4];
        uint8_t target_mac[6];
        uint8_t target[4];
} Arp;

static const uint8_t arp_kinds[6] = {0, 1, 8, 0, 6, 4};
static Network networks[NETWORKS_MAX];
static unsigned n_networks;
static uint64_t deaf_until_ms, deaf_from_ms; /* 0: never */

uint32_t checksum_add(uint32_t sum, const void *data, size_t n)
{
        const uint8_t *p = data;

        for (size_t i = 0; i + 1 < n; i += 2)
                sum += read16(p + i);
        if (n % 2)
                sum += (uint32_t)p[n - 1] << 8;
        return sum;
}

unsigned checksum_end(uint32_t sum)
{
        while (sum >> 16)
                sum = (sum & 0xffff) + (sum >> 16);
        return ~sum & 0xffff;
}

static unsigned checksum(const void *data, size_t n)
{
        return checksum_end(checksum_add(0, data, n));
}

/* By 5.1.6 the header of a legacy device stands in a descriptor of its own: two for each buffer. */
static Buffer *buffers_make(Queue *queue, uint16_t n, uint16_t flags)
{
        Buffer *buffers = memory_take(n * sizeof(Buffer), 16);

        for (uint16_t i = 0; i < n; i++) {
                queue->descriptors[2 * i] = (Descriptor){
                                .address = (uintptr_t)buffers[i].header,
                                .size = HEADER_SIZE,
                                .flags = DESCRIPTOR_NEXT | flags,
                                .next = (uint16_t)(2 * i + 1),
                };
                queue->descriptors[2 * i + 1] = (Descriptor){
                                .address = (uintptr_t)buffers[i].frame,
                                .size = FRAME_MAX,
                                .flags = flags,
                };
        }
        return buffers;
}

static uint16_t buffers_count(const Queue *queue)
{
        return queue->size / 2 < BUFFERS_MAX ? queue->size / 2 : BUFFERS_MAX;
}

void net_attach(const PciDevice *pci, const char *name)
{
        Network *n = &networks[n_networks];

        if (n_networks >= NETWORKS_MAX)
                PANIC("too many network devices");

        n->name = name;
        n->io = pci->io;
        n->irq = pci->irq;
        if (!(virtio_start(pci->io, FEATURE_MAC) & FEATURE_MAC))
                PANIC("network device without MAC address");
        virtio_config_read(pci->io, 0, n->mac, sizeof(n->mac));
        console_printf("MAC %02x:%02x:%02x:%02x:%02x:%02x\n", n->mac[0], n->mac[1], n->mac[2], n->mac[3],
                        n->mac[4], n->mac[5]);

        queue_init(&n->receive, pci->io, QUEUE_RECEIVE);
        n->received = buffers_make(&n->receive, buffers_count(&n->receive), DESCRIPTOR_WRITE);
        for (uint16_t i = 0; i < buffers_count(&n->receive); i++)
                queue_add(&n->receive, (uint16_t)(2 * i));

        queue_init(&n->transmit, pci->io, QUEUE_TRANSMIT);
        n->n_sent = n->n_free = buffers_count(&n->transmit);
        n->sent = buffers_make(&n->transmit, n->n_sent, 0);
        queue_quiet(&n->transmit);

        virtio_ready(pci->io);
        queue_notify(&n->receive);
        n_networks++;
}

/* A frame that finds all buffers with the device is dropped: whoever sent the question asks again. */
void frame_send(Network *n, const void *frame, size_t size)
{
        uint32_t ignored;
        uint16_t head;

        if (queue_pending(&n->transmit))
                head = queue_take(&n->transmit, &ignored);
        else if (n->n_free > 0)
                head = (uint16_t)(2 * --n->n_free);
        else
                return;

        memset(n->sent[head / 2].header, 0, HEADER_SIZE);
        memcpy(n->sent[head / 2].frame, frame, size);
        n->transmit.descriptors[head + 1].size = (uint32_t)size;
        queue_add(&n->transmit, head);
        queue_notify(&n->transmit);
}

void ethernet_answer(const Network *n, Ethernet *ethernet)
{
        memcpy(ethernet->to, ethernet->from, sizeof(ethernet->to));
        memcpy(ethernet->from, n->mac, sizeof(ethernet->from));
}

static void arp_receive(Network *n, Arp *arp, size_t size)
{
        if (size < sizeof(*arp) || memcmp(arp->kinds, arp_kinds, sizeof(arp_kinds)) != 0 ||
                        memcmp(arp->target, n->address, sizeof(n->address)) != 0)
                return;

        if (read16(arp->operation) == ARP_REPLY && n->has_gateway &&
                        memcmp(arp->sender, n->gateway, sizeof(n->gateway)) == 0) {
                const uint8_t *m = arp->sender_mac;

                n->has_gateway = false; /* said once */
                console_printf("%s: gateway is at %02x:%02x:%02x:%02x:%02x:%02x\n", n->name, m[0], m[1],
                                m[2], m[3], m[4], m[5]);
        }
        if (read16(arp->operation) == ARP_REPLY)
                udp_neighbour(n, false, arp->sender, arp->sender_mac);
        if (read16(arp->operation) != ARP_REQUEST)
                return;

        ethernet_answer(n, &arp->ethernet);
        write16(arp->operation, ARP_REPLY);
        memcpy(arp->target_mac, arp->sender_mac, sizeof(arp->target_mac));
        memcpy(arp->target, arp->sender, sizeof(arp->target));
        memcpy(arp->sender_mac, n->mac, sizeof(arp->sender_mac));
        memcpy(arp->sender, n->address, sizeof(arp->sender));
        frame_send(n, arp, sizeof(*arp));
}

void arp_ask(Network *n, const uint8_t target[4])
{
        Arp arp = {.operation = {0, ARP_REQUEST}};

        memset(arp.ethernet.to, 0xff, sizeof(arp.ethernet.to));
        memcpy(arp.ethernet.from, n->mac, sizeof(arp.ethernet.from));
        write16(arp.ethernet.type, TYPE_ARP);
        memcpy(arp.kinds, arp_kinds, sizeof(arp.kinds));
        memcpy(arp.sender_mac, n->mac, sizeof(arp.sender_mac));
        memcpy(arp.sender, n->address, sizeof(arp.sender));
        memcpy(arp.target, target, sizeof(arp.target));
        frame_send(n, &arp, sizeof(arp));
}

size_t ipv4_write(const Network *n, uint8_t *frame, unsigned protocol, const uint8_t to[4], size_t n_payload)
{
        Ipv4 *ip = (Ipv4 *)frame;
        const size_t size = sizeof(*ip) - sizeof(Ethernet);

        *ip = (Ipv4){.version_length = 0x45, .ttl = TTL, .protocol = (uint8_t)protocol};
        memcpy(ip->ethernet.from, n->mac, sizeof(n->mac));
        write16(ip->ethernet.type, TYPE_IPV4);
        write16(ip->size, (unsigned)(size + n_payload));
        memcpy(ip->source, n->address, sizeof(ip->source));
        memcpy(ip->destination, to, sizeof(ip->destination));
        write16(ip->checksum, checksum(&ip->version_length, size));
        return sizeof(*ip);
}

static void ipv4_receive(Network *n, Ipv4 *ip, size_t size)
{
        uint8_t *payload = (uint8_t *)(ip + 1);
        size_t n_payload;

        if (size < sizeof(*ip) || ip->version_length != 0x45)
                return;
        if (checksum(&ip->version_length, sizeof(*ip) - sizeof(Ethernet)) != 0) {
                udp_corrupt();
                return;
        }
        if ((read16(ip->fragment) & 0x3fff) != 0 ||
                        memcmp(ip->destination, n->address, sizeof(n->address)) != 0)
                return;
        n_payload = read16(ip->size);
        if (n_payload < sizeof(*ip) - sizeof(Ethernet) + 8 || n_payload > size - sizeof(Ethernet))
                return;
        size = n_payload + sizeof(Ethernet); /* without the padding of a short frame */
        n_payload -= sizeof(*ip) - sizeof(Ethernet);

        if (ip->protocol == PROTOCOL_ICMP && payload[0] == ICMP_ECHO && payload[1] == 0) {
                if (checksum(payload, n_payload) != 0)
                        return;
                payload[0] = 0;
                write16(payload + 2, 0);
                write16(payload + 2, checksum(payload, n_payload));
        } else if (ip->protocol == PROTOCOL_UDP && read16(payload + 2) == PORT_ECHO) {
                uint8_t port[2];

                /* The checksum stays right: what is exchanged is summed either way. */
                memcpy(port, payload, sizeof(port));
                memcpy(payload, payload + 2, sizeof(port));
                memcpy(payload + 2, port, sizeof(port));
        } else if (ip->protocol == PROTOCOL_UDP) {
                Endpoint from = {};

                memcpy(from.address, ip->source, sizeof(ip->source));
                udp_receive(&from, ip->destination, payload, n_payload);
                return;
        } else if (ip->protocol == PROTOCOL_TCP) {
                n_payload = tcp_answer(payload, n_payload, ip->source, sizeof(ip->source));
                if (n_payload == 0)
                        return;
                tcp_sum(payload, n_payload, ip->source, n->address, sizeof(ip->source));
                size = sizeof(*ip) + n_payload;
                write16(ip->size, (unsigned)(size - sizeof(Ethernet)));
        } else
                return;

        ethernet_answer(n, &ip->ethernet);
        memcpy(ip->destination, ip->source, sizeof(ip->destination));
        memcpy(ip->source, n->address, sizeof(ip->source));
        ip->ttl = TTL;
        write16(ip->checksum, 0);
        write16(ip->checksum, checksum(&ip->version_length, sizeof(*ip) - sizeof(Ethernet)));
        frame_send(n, ip, size);
}

static void frame_receive(Network *n, uint8_t *frame, size_t size)
{
        unsigned type;

        if (size < sizeof(Ethernet) || timer_ms < deaf_until_ms || (deaf_from_ms > 0 && timer_ms >= deaf_from_ms))
                return;

        type = read16(((Ethernet *)frame)->type);
        if (type == TYPE_ARP && n->has_address)
                arp_receive(n, (Arp *)frame, size);
        else if (type == TYPE_IPV4 && dhcp_is_for(n, (Ipv4 *)frame, size))
                dhcp_receive(n, (Ipv4 *)frame, size);
        else if (type == TYPE_IPV4 && n->has_address)
                ipv4_receive(n, (Ipv4 *)frame, size);
        else if (type == TYPE_IPV6 && n->has_address6)
                ipv6_receive(n, frame, size);
}

void net_set_deaf(uint64_t until_ms, uint64_t from_ms)
{
        deaf_until_ms = until_ms ?: deaf_until_ms;
        deaf_from_ms = from_ms ?: deaf_from_ms;
}

bool net_is_deaf_at_times(void)
{
        return deaf_until_ms > 0 || deaf_from_ms > 0;
}

bool net_pending(void)
{
        for (unsigned i = 0; i < n_networks; i++)
                if (queue_pending(&networks[i].receive))
                        return true;
        return false;
}

void net_serve(void)
{
        for (unsigned i = 0; i < n_networks; i++) {
                Network *n = &networks[i];

                while (queue_pending(&n->receive)) {
                        uint32_t size;
                        uint16_t head = queue_take(&n->receive, &size);

                        if (size >= HEADER_SIZE && size <= sizeof(Buffer))
                                frame_receive(n, n->received[head / 2].frame, size - HEADER_SIZE);
                        queue_add(&n->receive, head);
                        queue_notify(&n->receive);
                }
        }
}

void net_interrupt(unsigned irq)
{
        for (unsigned i = 0; i < n_networks; i++)
                if (networks[i].irq == irq)
                        inb(networks[i].io + VIRTIO_ISR); /* to read it is to acknowledge */
}

static void mac_parse(const char *s, uint8_t ret[6])
{
        for (unsigned i = 0; i < 6; i++, s += 3) {
                if (hex_digit(s[0]) < 0 || hex_digit(s[1]) < 0 || s[2] != (i < 5 ? ':' : '\0'))
                        PANIC("not a MAC address");
                ret[i] = (uint8_t)(hex_digit(s[0]) << 4 | hex_digit(s[1]));
        }
}

static void address_set(const char *s, uint8_t ret_address[4], uint8_t *ret_prefix)
{
        long number;

        if (!address4_parse(s, ret_address, &s) || *s != (ret_prefix ? '/' : '\0'))
                PANIC("not an IPv4 address");
        if (!ret_prefix)
                return;
        number = number_parse(s + 1, &s);
        if (number < 0 || number > 32 || *s != '\0')
                PANIC("not a prefix length");
        *ret_prefix = (uint8_t)number;
}

Network *network_find(const char *device)
{
        for (unsigned i = 0; i < n_networks; i++)
                if (!device || streq(device, networks[i].name))
                        return &networks[i];
        return NULL;
}

void net_configure(const char *device, const char *key, const char *value)
{
        Network *n = network_find(device);

        if (!n) {
                console_printf("no network device for this address\n");
                return;
        }
        if (streq(key, "mac"))
                mac_parse(value, n->mac);
        else if (streq(key, "ipv4")) {
                address_set(value, n->address, &n->prefix);
                n->has_address = true;
        } else if (streq(key, "ipv4-gateway")) {
                address_set(value, n->gateway, NULL);
                n->has_gateway = true;
        } else if (streq(key, "ipv6"))
                ipv6_configure(n, value);
        else
                ipv6_configure_gateway(n, value);
}

bool net_ask_dhcp(const char *name, unsigned greedy)
{
        Network *n = network_find(NULL);

        if (n)
                dhcp_begin(n, name, (DhcpGreed)greedy);
        else
                console_printf("no network device for this address\n");
        return n != NULL;
}

void net_continue(void)
{
        for (unsigned i = 0; i < n_networks; i++)
                dhcp_continue(&networks[i]);
}

void ipv4_begin(Network *n, const char *how)
{
        const uint8_t *a = n->address;

        arp_ask(n, n->address); /* tells the others where we are */
        if (n->has_gateway)
                arp_ask(n, n->gateway);
        console_printf("%s: serving on %u.%u.%u.%u/%u%s\n", n->name, a[0], a[1], a[2], a[3], n->prefix,
                        how);
}

void net_start(void)
{
        for (unsigned i = 0; i < n_networks; i++) {
                if (networks[i].has_address)
                        ipv4_begin(&networks[i], "");
                if (networks[i].has_address6)
                        ipv6_begin(&networks[i]);
        }
}
