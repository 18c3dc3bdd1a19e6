/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Packet sockets of guests' taps, and who has been given which. */

#include "antispoof/port-sockets.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "antispoof/record.h"
#include "common/io.h"
#include "common/log.h"
#include "common/socket.h"

#define RECEIVE_MAX (1024 * 1024) /* of a socket: what waits while its client does something else */
#define RETRY_USEC  (100 * 1000)
#define EVENTS_MAX  16

typedef struct PortClient {
        int fd; /* negative: it has left */
        char bridge[IF_NAMESIZE];
        GHashTable *given; /* index of an interface → its name */
        bool full;         /* it has not read what it was sent */
} PortClient;

static GPtrArray *clients; /* PortClient; NULL until there is one */
static int events_fd = -EBADF;

static void port_client_free(gpointer data)
{
        PortClient *client = data;

        close_safe(client->fd);
        g_hash_table_unref(client->given);
        g_free(client);
}

/* POLLOUT is waited for only while it is full. */
static int port_client_watch(PortClient *client, int operation)
{
        struct epoll_event event = {
                        .events = client->full ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = client};

        return epoll_ctl(events_fd, operation, client->fd, &event) < 0 ? -errno : 0;
}

static void port_client_set_full(PortClient *client, bool full)
{
        if (client->full == full)
                return;
        client->full = full;
        (void) port_client_watch(client, EPOLL_CTL_MOD);
}

void port_sockets_add_client(const char *bridge, int taken_client)
{
        PortClient *client;

        if (!clients) {
                events_fd = epoll_create1(EPOLL_CLOEXEC);
                clients = g_ptr_array_new_with_free_func(port_client_free);
        }
        client = g_new(PortClient, 1);
        *client = (PortClient){
                        .fd = taken_client,
                        .given = g_hash_table_new_full(NULL, NULL, NULL, g_free),
        };
        g_strlcpy(client->bridge, bridge, sizeof client->bridge);
        if (clients->len >= PORT_CLIENTS_MAX || port_client_watch(client, EPOLL_CTL_ADD) < 0) {
                log_warning("Refused to serve the links of bridge %s: %u are served", bridge, clients->len);
                port_client_free(client);
                return;
        }
        g_ptr_array_add(clients, client);
}

int port_sockets_fd(void)
{
        return events_fd;
}

unsigned port_sockets_count(void)
{
        return clients ? clients->len : 0;
}

/* A client sends nothing more: whatever comes from one, it leaves. */
void port_sockets_hear(void)
{
        struct epoll_event events[EVENTS_MAX];
        int n = epoll_wait(events_fd, events, EVENTS_MAX, 0);

        for (int i = 0; i < n; i++) {
                PortClient *client = events[i].data.ptr;

                if (events[i].events & ~(uint32_t) EPOLLOUT)
                        g_ptr_array_remove_fast(clients, client);
                else
                        port_client_set_full(client, false);
        }
}

/* It hears nothing before it is bound, and then that interface only: no protocol is named until then. What
 * is sent by it goes to the guest, past the bridge and its filters; what the guest sends is heard before
 * these. */
static int port_socket_open(int index, int *ret_fd)
{
        const struct sockaddr_ll address = {
                        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index};
        const int one = 1, size = RECEIVE_MAX / 2; /* the kernel doubles it */
        _cleanup_close_ int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) < 0 ||
                        setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one) < 0 ||
                        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0 ||
                        setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one) < 0 ||
                        bind(fd, (const struct sockaddr *) &address, sizeof address) < 0)
                return -errno;

        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* 0: sent; or a negative errno. -EAGAIN: it is full, and is told later. */
static int port_client_tell(PortClient *client, const char *interface, const AntispoofFilter *filter, int fd)
{
        g_autofree char *text = antispoof_port_news_format(interface, filter);
        int r = socket_send_with_fd(client->fd, text, fd, MSG_DONTWAIT);

        if (r == -EAGAIN)
                port_client_set_full(client, true);
        return r;
}

/* An interface without a record has no filter, and an end that the client does not know of is none. */
static int port_client_give(PortClient *client, const LinksPort *port)
{
        g_autoptr(AntispoofFilter) filter = record_find(port->name);
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!filter)
                return 0;
        r = port_socket_open(port->index, &fd);
        if (r == -ENODEV || r == -ENXIO || r == -ENETDOWN) /* it has just gone */
                return 0;
        if (r < 0) {
                log_warning("Cannot open a packet socket of %s: %s", port->name, g_strerror(-r));
                return -EAGAIN;
        }
        r = port_client_tell(client, port->name, filter, fd);
        if (r >= 0)
                g_hash_table_insert(client->given, GINT_TO_POINTER(port->index), g_strdup(port->name));
        return r;
}

static bool ports_have(const GArray *ports, int index)
{
        for (guint i = 0; i < ports->len; i++)
                if (g_array_index(ports, LinksPort, i).index == index)
                        return true;
        return false;
}

/* First what is gone: an interface that comes again has the same name. */
static int port_client_follow(PortClient *client, const Links *links)
{
        g_autoptr(GArray) ports = links_isolated_ports(links, client->bridge);
        GHashTableIter iter;
        gpointer key, name;
        int r;

        g_hash_table_iter_init(&iter, client->given);
        while (g_hash_table_iter_next(&iter, &key, &name)) {
                if (ports_have(ports, GPOINTER_TO_INT(key)))
                        continue;
                r = port_client_tell(client, name, NULL, -EBADF);
                if (r < 0)
                        return r;
                g_hash_table_iter_remove(&iter);
        }
        for (guint i = 0; i < ports->len; i++) {
                const LinksPort *port = &g_array_index(ports, LinksPort, i);

                if (g_hash_table_contains(client->given, GINT_TO_POINTER(port->index)))
                        continue;
                r = port_client_give(client, port);
                if (r < 0)
                        return r;
        }
        return 0;
}

int64_t port_sockets_follow(const Links *links, int64_t now)
{
        int64_t next = INT64_MAX;

        for (guint i = 0; i < port_sockets_count(); i++) {
                PortClient *client = clients->pdata[i];
                int r = client->full ? 0 : port_client_follow(client, links);

                /* -EPIPE and the like: it has left, which port_sockets_hear() hears of. -ETOOMANYREFS: it
                 * has more descriptors in its socket than the kernel lets a user send (unix(7)). */
                if (r == -ETOOMANYREFS || (r == -EAGAIN && !client->full) || r == -ENOBUFS || r == -ENOMEM)
                        next = now + RETRY_USEC;
        }
        return next;
}
