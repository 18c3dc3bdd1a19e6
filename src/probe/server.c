/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Connections of runners. One that sends nonsense, asks for too much or does not read its answers is closed;
 * its runner connects again. Called by main.c. */

#include "probe/server.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "probe/probe.h"

#define CONNECTIONS_MAX 8192
#define IDLE_USEC       (30 * G_USEC_PER_SEC)
#define ACCEPT_AT_ONCE  16

struct ProbeServer {
        sd_event *event;
        Ping *ping;
        int listen_fd;
        uid_t user;
        sd_event_source *listen_source, *idle_source;
        GHashTable *connections; /* a set */
};

typedef struct Connection {
        ProbeServer *server;
        int fd;
        sd_event_source *source;
        GPtrArray *probes;
} Connection;

static void server_await_idle(ProbeServer *server);

static void connection_free(gpointer data)
{
        Connection *connection = data;

        sd_event_source_disable_unref(connection->source);
        g_ptr_array_unref(connection->probes);
        (void) close_safe(connection->fd);
        g_free(connection);
}

static void connection_close(Connection *connection)
{
        ProbeServer *server = connection->server;

        g_hash_table_remove(server->connections, connection);
        server_await_idle(server);
}

/* Called from within one of its probes, so it only shuts down the socket, whose event then closes the
 * connection. */
static void on_connection_answer(void *userdata, const ProbeAnswer *answer)
{
        Connection *connection = userdata;
        g_autofree char *packet = probe_answer_format(answer);

        if (send(connection->fd, packet, strlen(packet), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                (void) shutdown(connection->fd, SHUT_RDWR);
}

static void connection_forget(Connection *connection, unsigned number)
{
        for (guint i = connection->probes->len; i > 0; i--)
                if (probe_number(connection->probes->pdata[i - 1]) == number)
                        g_ptr_array_remove_index_fast(connection->probes, i - 1);
}

static int connection_take(Connection *connection, const char *data, size_t size)
{
        _cleanup_probe_request_ ProbeRequest request = {};
        ProbeServer *server = connection->server;
        Probe *probe = NULL;
        int r;

        r = probe_request_parse(data, size, &request);
        if (r < 0)
                return r;
        connection_forget(connection, request.number);
        if (request.forget)
                return 0;
        if (connection->probes->len >= PROBES_MAX)
                return -E2BIG;

        r = probe_new(server->event, server->ping, &request, on_connection_answer, connection, &probe);
        if (r >= 0)
                g_ptr_array_add(connection->probes, probe);
        return r;
}

static int on_connection_packet(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Connection *connection = userdata;
        char packet[PROBE_PACKET_MAX + 1];
        ssize_t n = recv(fd, packet, sizeof packet, MSG_DONTWAIT);
        int r;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        r = n > 0 ? connection_take(connection, packet, (size_t) n) : -ECONNRESET;
        if (r < 0) {
                if (n > 0)
                        log_warning("Closed the connection of a runner: %s", g_strerror(-r));
                connection_close(connection);
        }
        return 0;
}

static bool server_lets_in(const ProbeServer *server, int fd)
{
        struct ucred peer;
        socklen_t size = sizeof peer;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return false;
        if (peer.uid == 0 || peer.uid == server->user || peer.uid == geteuid())
                return true;

        log_warning("Rejected a request from UID %u, PID %d", (unsigned) peer.uid, (int) peer.pid);
        return false;
}

static void server_add(ProbeServer *server, int fd)
{
        Connection *connection = g_new(Connection, 1);

        *connection = (Connection){
                        .server = server,
                        .fd = fd,
                        .probes = g_ptr_array_new_with_free_func((GDestroyNotify) probe_free),
        };
        if (sd_event_add_io(server->event, &connection->source, fd, EPOLLIN, on_connection_packet,
                            connection) < 0) {
                connection_free(connection);
                return;
        }

        g_hash_table_add(server->connections, connection);
        server->idle_source = sd_event_source_disable_unref(server->idle_source);
}

static int on_server_connection(sd_event_source *source, int listen_fd, uint32_t events, void *userdata)
{
        ProbeServer *server = userdata;

        for (unsigned i = 0; i < ACCEPT_AT_ONCE; i++) {
                int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

                if (fd < 0)
                        return 0;
                if (g_hash_table_size(server->connections) < CONNECTIONS_MAX && server_lets_in(server, fd))
                        server_add(server, fd);
                else
                        (void) close_safe(fd);
        }
        return 0;
}

/* A connection that comes as this process ends starts it again: the socket is systemd's. */
static int on_server_idle(sd_event_source *source, uint64_t usec, void *userdata)
{
        ProbeServer *server = userdata;

        return sd_event_exit(server->event, EXIT_SUCCESS);
}

static void server_await_idle(ProbeServer *server)
{
        if (g_hash_table_size(server->connections) == 0 && !server->idle_source)
                (void) sd_event_add_time_relative(server->event, &server->idle_source, CLOCK_MONOTONIC,
                                IDLE_USEC, 0, on_server_idle, server);
}

int server_new(sd_event *event, Ping *ping, int listen_fd, uid_t user, ProbeServer **ret_server)
{
        ProbeServer *server = g_new(ProbeServer, 1);
        int r;

        *server = (ProbeServer){
                        .event = event,
                        .ping = ping,
                        .listen_fd = listen_fd,
                        .user = user,
                        .connections = g_hash_table_new_full(NULL, NULL, connection_free, NULL),
        };
        /* systemd passes one that blocks. */
        r = fcntl(listen_fd, F_SETFL, fcntl(listen_fd, F_GETFL) | O_NONBLOCK) < 0 ? -errno : 0;
        if (r >= 0)
                r = sd_event_add_io(event, &server->listen_source, listen_fd, EPOLLIN, on_server_connection,
                                server);
        if (r < 0) {
                server_free(server);
                return r;
        }
        server_await_idle(server);

        *ret_server = server;
        return 0;
}

void server_free(ProbeServer *server)
{
        if (!server)
                return;

        sd_event_source_disable_unref(server->listen_source);
        sd_event_source_disable_unref(server->idle_source);
        g_hash_table_unref(server->connections);
        g_free(server);
}
