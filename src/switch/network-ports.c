/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The ports of a network: shruthi-antispoof names them and gives a packet socket of each. What guests send
 * is read from these in batches, and what arrives is sent in batches. */

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "antispoof/protocol.h"
#include "common/io.h"
#include "common/log.h"
#include "common/socket.h"
#include "switch/network-private.h"

#define RECEIVED_MAX 64 /* packets of one port in one turn */
#define SENT_MAX     256
#define CONTROL_SIZE (CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(struct tpacket_auxdata)))
#define AGE_NSEC_MAX NSEC_PER_SEC /* of a packet in a socket: the clock of day may be set meanwhile */
#define PATIENCE_SEC 1
#define RETRY_NSEC   (200 * NSEC_PER_MSEC)
#define REFUSED_NSEC (10 * NSEC_PER_SEC) /* after an answer that makes no sense */
#define CONFIRM_NSEC (5 * NSEC_PER_SEC)
#define NEWS_AT_ONCE 64
#define NEWS_MAX     ANTISPOOF_REQUEST_MAX

struct Exchange {
        uint8_t *buffers; /* RECEIVED_MAX of PLANE_PACKET_MAX; memory comes as far as they are used */
        struct mmsghdr received[RECEIVED_MAX];
        struct iovec received_parts[RECEIVED_MAX];
        union {
                struct cmsghdr header;
                char space[CONTROL_SIZE];
        } control[RECEIVED_MAX];

        PlanePassage passages[SENT_MAX];
        int next[SENT_MAX]; /* for the same port, or -1 */
        bool delivered[SENT_MAX];
        struct mmsghdr sent[SENT_MAX];
        struct iovec sent_parts[SENT_MAX];
};

Exchange *exchange_new(void)
{
        size_t size = (size_t) RECEIVED_MAX * PLANE_PACKET_MAX;
        Exchange *exchange = g_new0(Exchange, 1);

        exchange->buffers = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (exchange->buffers == MAP_FAILED)
                g_error("No memory for %zu bytes", size);
        for (int i = 0; i < RECEIVED_MAX; i++) {
                exchange->received_parts[i] = (struct iovec){
                                .iov_base = exchange->buffers + (size_t) i * PLANE_PACKET_MAX,
                                .iov_len = PLANE_PACKET_MAX,
                };
                exchange->received[i].msg_hdr.msg_iov = &exchange->received_parts[i];
                exchange->received[i].msg_hdr.msg_iovlen = 1;
                exchange->received[i].msg_hdr.msg_control = &exchange->control[i];
        }
        for (int i = 0; i < SENT_MAX; i++) {
                exchange->sent[i].msg_hdr.msg_iov = &exchange->sent_parts[i];
                exchange->sent[i].msg_hdr.msg_iovlen = 1;
        }
        return exchange;
}

void exchange_free(Exchange *exchange)
{
        if (!exchange)
                return;
        (void) munmap(exchange->buffers, (size_t) RECEIVED_MAX * PLANE_PACKET_MAX);
        g_free(exchange);
}

void network_port_free(gpointer data)
{
        NetworkPort *port = data;

        (void) close_safe(port->source.fd);
        g_free(port);
}

/* The kernel begins to count anew. */
static void port_read_overflows(NetworkPort *port)
{
        struct tpacket_stats statistics = {};
        socklen_t size = sizeof statistics;

        if (getsockopt(port->source.fd, SOL_PACKET, PACKET_STATISTICS, &statistics, &size) == 0)
                port->overflows += statistics.tp_drops;
}

uint64_t network_count_overflows(SwitchNetwork *network)
{
        uint64_t sum = network->overflows;

        for (guint i = 0; i < network->ports->len; i++) {
                NetworkPort *port = network->ports->pdata[i];

                port_read_overflows(port);
                sum += port->overflows;
        }
        return sum;
}

static void network_remove_port(SwitchNetwork *network, NetworkPort *port)
{
        port_read_overflows(port);
        network->overflows += port->overflows;
        network_unwatch(network, &port->source);
        plane_remove_port(network->plane, port->port);
        g_ptr_array_remove_fast(network->ports, port);
        network_bury(network, port);
}

static int socket_interface(int fd)
{
        struct sockaddr_ll address = {};
        socklen_t size = sizeof address;

        if (getsockname(fd, (struct sockaddr *) &address, &size) < 0 || address.sll_family != AF_PACKET)
                return 0;
        return address.sll_ifindex;
}

/* A socket that is there, of the same interface, is kept: what it has received is in order. */
static void network_add_port(SwitchNetwork *network, const AntispoofPortNews *news, int *fd)
{
        PlanePort *there = plane_find_port(network->plane, news->interface);
        int interface = socket_interface(*fd), r;
        const int one = 1;
        NetworkPort *port;
        PlanePort *added;

        if (there) {
                port = there->userdata;
                port->unconfirmed = false;
                if (interface == port->interface)
                        return;
                network_remove_port(network, port);
        }
        r = plane_add_port(network->plane, news->interface, news->filter, &added);
        if (r < 0) {
                log_warning("Interface %s of unikernel %s is not served: %s", news->interface,
                                news->filter->unikernel,
                                r == -EEXIST ? "another one has its MAC address" : g_strerror(-r));
                return;
        }
        /* A tag of a VLAN stands beside the frame. */
        (void) setsockopt(*fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof one);
        /* A tap has a queue of its own. */
        (void) setsockopt(*fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
        (void) fcntl(*fd, F_SETFL, O_NONBLOCK);

        port = g_new(NetworkPort, 1);
        *port = (NetworkPort){
                        .source = {.kind = SOURCE_PORT, .fd = TAKE_FD(*fd)},
                        .port = added,
                        .interface = interface,
                        .first = -1,
                        .last = -1,
        };
        added->userdata = port;
        g_ptr_array_add(network->ports, port);
        r = network_watch(network, &port->source);
        if (r < 0) {
                log_warning("Interface %s is not served: %s", news->interface, g_strerror(-r));
                network_remove_port(network, port);
        }
}

static void network_lose_antispoof(SwitchNetwork *network, uint64_t wait_nsec)
{
        network_unwatch(network, &network->antispoof);
        network->antispoof.fd = close_safe(network->antispoof.fd);
        network->reconnect_nsec = network->now_nsec + wait_nsec;
        network->confirm_nsec = FLIGHT_NONE;
}

/* It sends what there is, and then what changes. What it has not named after a while is gone. */
void network_connect_antispoof(SwitchNetwork *network)
{
        AntispoofRequest request = {.verb = ANTISPOOF_LINKS};
        g_autofree char *text = NULL;
        int r;

        network->reconnect_nsec = FLIGHT_NONE;
        g_strlcpy(request.port.bridge, network->task->bridge, sizeof request.port.bridge);
        text = antispoof_request_format(&request);
        r = socket_connect("antispoof", SOCK_SEQPACKET, PATIENCE_SEC, &network->antispoof.fd);
        if (r >= 0 && send(network->antispoof.fd, text, strlen(text), MSG_NOSIGNAL) < 0)
                r = -errno;
        if (r >= 0 && fcntl(network->antispoof.fd, F_SETFL, O_NONBLOCK) < 0)
                r = -errno;
        if (r >= 0)
                r = network_watch(network, &network->antispoof);
        if (r < 0) {
                log_debug("shruthi-antispoof does not answer, trying again: %s", g_strerror(-r));
                network_lose_antispoof(network, RETRY_NSEC);
                return;
        }
        for (guint i = 0; i < network->ports->len; i++)
                ((NetworkPort *) network->ports->pdata[i])->unconfirmed = true;
        network->confirm_nsec = network->now_nsec + CONFIRM_NSEC;
}

void network_drop_unconfirmed(SwitchNetwork *network)
{
        network->confirm_nsec = FLIGHT_NONE;
        for (guint i = network->ports->len; i > 0; i--) {
                NetworkPort *port = network->ports->pdata[i - 1];

                if (port->unconfirmed)
                        network_remove_port(network, port);
        }
}

static bool network_hear_news(SwitchNetwork *network)
{
        _cleanup_antispoof_port_news_ AntispoofPortNews news = {};
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_close_ int fd = -EBADF;
        char data[NEWS_MAX];
        ssize_t n = socket_receive_with_fd(network->antispoof.fd, data, sizeof data, &fd);
        PlanePort *port;
        int r;

        if (n == -EAGAIN || n == -EINTR)
                return false;
        r = n > 0 ? antispoof_port_news_parse(data, (size_t) n, &news, &error) : -ECONNRESET;
        if (r < 0) {
                if (n > 0)
                        log_warning("shruthi-antispoof does not name the ports of bridge %s: %s",
                                        network->task->bridge, error_message(&error, r));
                network_lose_antispoof(network, n > 0 ? REFUSED_NSEC : RETRY_NSEC);
                return false;
        }
        port = plane_find_port(network->plane, news.interface);
        if (news.filter && fd >= 0)
                network_add_port(network, &news, &fd);
        else if (!news.filter && port)
                network_remove_port(network, port->userdata);
        return true;
}

void network_hear_antispoof(SwitchNetwork *network)
{
        for (int i = 0; i < NEWS_AT_ONCE && network->antispoof.fd >= 0; i++)
                if (!network_hear_news(network))
                        return;
}

/* When it was sent, by the clock of day, and whether it has a tag. */
static bool message_read_control(struct msghdr *header, uint64_t *ret_nsec)
{
        bool tagged = false;

        *ret_nsec = 0;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
                if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS &&
                                c->cmsg_len >= CMSG_LEN(sizeof(struct timespec))) {
                        struct timespec time;

                        memcpy(&time, CMSG_DATA(c), sizeof time);
                        *ret_nsec = (uint64_t) time.tv_sec * NSEC_PER_SEC + (uint64_t) time.tv_nsec;
                } else if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA &&
                                c->cmsg_len >= CMSG_LEN(sizeof(struct tpacket_auxdata))) {
                        struct tpacket_auxdata data;

                        memcpy(&data, CMSG_DATA(c), sizeof data);
                        tagged = data.tp_status & TP_STATUS_VLAN_VALID;
                }
        }
        return !tagged;
}

void network_receive(SwitchNetwork *network, NetworkPort *port)
{
        Exchange *exchange = network->exchange;
        uint64_t real;
        int n;

        for (int i = 0; i < RECEIVED_MAX; i++)
                exchange->received[i].msg_hdr.msg_controllen = CONTROL_SIZE;
        n = recvmmsg(port->source.fd, exchange->received, RECEIVED_MAX, MSG_DONTWAIT, NULL);
        if (n < 0) {
                /* ENETDOWN once, when the interface goes down or is gone: "gone" says which. */
                if (errno == EBADF || errno == ENOTSOCK)
                        network_remove_port(network, port);
                return;
        }

        network->now_nsec = clock_nsec(CLOCK_MONOTONIC);
        real = clock_nsec(CLOCK_REALTIME);
        for (int i = 0; i < n; i++) {
                struct mmsghdr *message = &exchange->received[i];
                uint64_t sent, age;

                if (!message_read_control(&message->msg_hdr, &sent) ||
                                message->msg_hdr.msg_flags & MSG_TRUNC)
                        continue;
                age = sent > 0 && sent < real ? MIN(real - sent, AGE_NSEC_MAX) : 0;
                plane_send(network->plane, port->port, exchange->received_parts[i].iov_base,
                                message->msg_len, network->now_nsec - age);
        }
}

/* Sends what the chain of a port has. A packet that the port does not take ends; others behind it may pass.
 */
static void exchange_send_chain(Exchange *exchange, NetworkPort *port)
{
        int indices[SENT_MAX], n = 0, done = 0;

        for (int i = port->first; i >= 0; i = exchange->next[i]) {
                FlightPacket *packet = exchange->passages[i].packet;

                exchange->sent_parts[n] = (struct iovec){.iov_base = packet->data, .iov_len = packet->size};
                indices[n++] = i;
        }
        port->first = port->last = -1;
        while (done < n) {
                int sent = sendmmsg(
                                port->source.fd, exchange->sent + done, (unsigned) (n - done), MSG_DONTWAIT);

                for (int i = 0; i < sent; i++)
                        exchange->delivered[indices[done + i]] = true;
                done += MAX(sent, 0);
                if (sent <= 0)
                        done++;
        }
}

static int network_gather(SwitchNetwork *network)
{
        Exchange *exchange = network->exchange;
        int n = 0;

        while (n < SENT_MAX && plane_take(network->plane, network->now_nsec, &exchange->passages[n])) {
                NetworkPort *port = exchange->passages[n].port->userdata;

                exchange->delivered[n] = false;
                exchange->next[n] = -1;
                if (port->last >= 0)
                        exchange->next[port->last] = n;
                else
                        port->first = n;
                port->last = n++;
        }
        return n;
}

/* All that is due: so no packet that is read afterwards overtakes one. */
void network_pass_due(SwitchNetwork *network)
{
        Exchange *exchange = network->exchange;
        int n;

        while ((n = network_gather(network)) > 0) {
                for (int i = 0; i < n; i++) {
                        NetworkPort *port = exchange->passages[i].port->userdata;

                        if (port->first >= 0)
                                exchange_send_chain(exchange, port);
                }
                network->now_nsec = clock_nsec(CLOCK_MONOTONIC);
                for (int i = 0; i < n; i++)
                        plane_passed(network->plane, &exchange->passages[i], exchange->delivered[i],
                                        network->now_nsec);
        }
}
