/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ICMP echoes (RFC 792, RFC 4443). An answer counts if it carries the random number of a waiting echo, and
 * comes from the address that the echo was sent to. Called by attempt.c. */

#include "probe/ping.h"

#include <errno.h>
#include <glib.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* After the headers of glibc, which define the same. */
#include <linux/icmp.h>

#include "common/io.h"

#define IPV4_HEADER_MIN 20
#define PACKET_MAX      512
#define PACKETS_AT_ONCE 64

/* The same in both families: type, code, checksum, identifier, sequence, and our number. */
typedef struct EchoPacket {
        uint8_t type, code;
        uint16_t checksum, identifier, sequence;
        uint64_t number;
} EchoPacket;
G_STATIC_ASSERT(sizeof(EchoPacket) == 16);

struct PingEcho {
        uint64_t number;
        Address address;
        PingAnswered answered;
        void *userdata;
};

struct Ping {
        int fd4, fd6;
        sd_event_source *source4, *source6;
        GHashTable *echoes; /* number → PingEcho */
};

static uint16_t checksum(const void *data, size_t size)
{
        const uint8_t *bytes = data;
        uint32_t sum = 0;

        for (size_t i = 0; i + 1 < size; i += 2)
                sum += (uint32_t) bytes[i] << 8 | bytes[i + 1];
        while (sum >> 16)
                sum = (sum & 0xffff) + (sum >> 16);
        return htons((uint16_t) ~sum);
}

int ping_parse(int family, const void *data, size_t size, uint64_t *ret_number)
{
        const uint8_t *bytes = data;
        size_t header = 0;
        EchoPacket packet;

        /* A raw IPv4 socket returns the header too (raw(7)). */
        if (family == AF_INET) {
                if (size < IPV4_HEADER_MIN || bytes[0] >> 4 != 4)
                        return -EBADMSG;
                header = (size_t) (bytes[0] & 15) * 4;
                if (header < IPV4_HEADER_MIN)
                        return -EBADMSG;
        }
        if (size < header + sizeof packet)
                return -EBADMSG;
        memcpy(&packet, bytes + header, sizeof packet);
        if (packet.type != (family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) || packet.code != 0)
                return -EBADMSG;

        *ret_number = packet.number;
        return 0;
}

static void ping_take(
                Ping *ping, int family, const void *data, size_t size, const struct sockaddr_storage *from)
{
        Address sender = {.family = family, .prefix = family == AF_INET ? 32 : 128};
        PingEcho *echo;
        uint64_t number;

        if (ping_parse(family, data, size, &number) < 0)
                return;
        if (family == AF_INET)
                memcpy(sender.bytes, &((const struct sockaddr_in *) from)->sin_addr, 4);
        else
                memcpy(sender.bytes, &((const struct sockaddr_in6 *) from)->sin6_addr, 16);

        echo = g_hash_table_lookup(ping->echoes, &number);
        if (!echo || !address_equal(&echo->address, &sender))
                return;
        g_hash_table_steal(ping->echoes, &number);
        echo->answered(echo->userdata);
}

/* Limited, so that a flood of packets does not keep the probes waiting. */
static void ping_receive(Ping *ping, int fd, int family)
{
        for (unsigned i = 0; i < PACKETS_AT_ONCE; i++) {
                struct sockaddr_storage from = {};
                socklen_t from_size = sizeof from;
                char buffer[PACKET_MAX];
                ssize_t n = recvfrom(fd, buffer, sizeof buffer, MSG_DONTWAIT, (struct sockaddr *) &from,
                                &from_size);

                if (n < 0 && errno == EAGAIN)
                        return;
                if (n > 0 && from.ss_family == family)
                        ping_take(ping, family, buffer, (size_t) n, &from);
        }
}

static int on_ping_packet(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Ping *ping = userdata;

        ping_receive(ping, fd, fd == ping->fd4 ? AF_INET : AF_INET6);
        return 0;
}

static int ping_open(int family, int *ret_fd)
{
        _cleanup_close_ int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
                        family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
        struct icmp_filter filter4 = {.data = ~(1U << ICMP_ECHOREPLY)};
        struct icmp6_filter filter6;
        int r;

        if (fd < 0)
                return errno == EAFNOSUPPORT ? 0 : -errno;

        ICMP6_FILTER_SETBLOCKALL(&filter6);
        ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter6);
        r = family == AF_INET ? setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter4, sizeof filter4)
                              : setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter6, sizeof filter6);
        if (r < 0)
                return -errno;

        *ret_fd = TAKE_FD(fd);
        return 0;
}

int ping_new(Ping **ret_ping)
{
        Ping *ping = g_new(Ping, 1);
        int r;

        *ping = (Ping){.fd4 = -EBADF,
                        .fd6 = -EBADF,
                        .echoes = g_hash_table_new(g_int64_hash, g_int64_equal)};
        r = ping_open(AF_INET, &ping->fd4);
        if (r >= 0)
                r = ping_open(AF_INET6, &ping->fd6);
        if (r < 0) {
                ping_free(ping);
                return r;
        }

        *ret_ping = ping;
        return 0;
}

int ping_attach(Ping *ping, sd_event *event)
{
        int r = 0;

        if (ping->fd4 >= 0)
                r = sd_event_add_io(event, &ping->source4, ping->fd4, EPOLLIN, on_ping_packet, ping);
        if (r >= 0 && ping->fd6 >= 0)
                r = sd_event_add_io(event, &ping->source6, ping->fd6, EPOLLIN, on_ping_packet, ping);
        return r;
}

void ping_free(Ping *ping)
{
        if (!ping)
                return;

        sd_event_source_disable_unref(ping->source4);
        sd_event_source_disable_unref(ping->source6);
        g_hash_table_unref(ping->echoes);
        (void) close_safe(ping->fd4);
        (void) close_safe(ping->fd6);
        g_free(ping);
}

/* Sends out of that interface, by a control message (ip(7), ipv6(7)). */
static int ping_transmit(int fd, const Address *address, unsigned interface, const EchoPacket *packet)
{
        struct sockaddr_in to4 = {.sin_family = AF_INET};
        struct sockaddr_in6 to6 = {.sin6_family = AF_INET6};
        bool is4 = address->family == AF_INET;
        struct in_pktinfo info4 = {.ipi_ifindex = (int) interface};
        struct in6_pktinfo info6 = {.ipi6_ifindex = interface};
        struct iovec vector = {.iov_base = (void *) packet, .iov_len = sizeof *packet};
        union {
                char buffer[CMSG_SPACE(sizeof(struct in6_pktinfo))];
                struct cmsghdr align;
        } control = {};
        struct msghdr message = {.msg_name = is4 ? (void *) &to4 : &to6,
                        .msg_namelen = is4 ? sizeof to4 : sizeof to6,
                        .msg_iov = &vector,
                        .msg_iovlen = 1};
        size_t size = is4 ? sizeof info4 : sizeof info6;

        if (is4)
                memcpy(&to4.sin_addr, address->bytes, sizeof to4.sin_addr);
        else
                memcpy(&to6.sin6_addr, address->bytes, sizeof to6.sin6_addr);
        message.msg_control = control.buffer;
        message.msg_controllen = CMSG_SPACE(size);
        *CMSG_FIRSTHDR(&message) = (struct cmsghdr){.cmsg_level = is4 ? IPPROTO_IP : IPPROTO_IPV6,
                        .cmsg_type = is4 ? IP_PKTINFO : IPV6_PKTINFO,
                        .cmsg_len = CMSG_LEN(size)};
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), is4 ? (void *) &info4 : &info6, size);

        return TEMP_FAILURE_RETRY(sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL)) < 0 ? -errno : 0;
}

int ping_send(Ping *ping, const Address *address, const char *interface, PingAnswered answered,
                void *userdata, PingEcho **ret_echo)
{
        unsigned index = if_nametoindex(interface);
        int fd = address->family == AF_INET ? ping->fd4 : ping->fd6, r;
        EchoPacket packet = {.type = address->family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST,
                        .sequence = htons(1)};
        PingEcho *echo;

        if (fd < 0)
                return -EAFNOSUPPORT;
        if (index == 0)
                return -ENODEV;
        if (getrandom(&packet.number, sizeof packet.number, 0) != sizeof packet.number)
                return -errno;

        packet.identifier = (uint16_t) packet.number;
        /* The kernel fills in the checksum of ICMPv6 (RFC 3542). */
        packet.checksum = address->family == AF_INET ? checksum(&packet, sizeof packet) : 0;
        r = ping_transmit(fd, address, index, &packet);
        if (r < 0)
                return r;

        echo = g_new(PingEcho, 1);
        *echo = (PingEcho){.number = packet.number,
                        .address = *address,
                        .answered = answered,
                        .userdata = userdata};
        g_hash_table_insert(ping->echoes, &echo->number, echo);
        *ret_echo = echo;
        return 0;
}

void ping_forget(Ping *ping, PingEcho *echo)
{
        if (!echo)
                return;

        g_hash_table_remove(ping->echoes, &echo->number);
        g_free(echo);
}
