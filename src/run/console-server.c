/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The console's socket: copies of what the guest writes, and a way in for what it reads. */

#include "run/console-server.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/io.h"

typedef struct ConsoleClient {
        ConsoleServer *server;
        sd_event_source *source; /* owns the socket */
        int fd;
        uint64_t lost;           /* bytes since it fell behind */
        bool deaf;               /* it has closed its sending side */
} ConsoleClient;

struct ConsoleServer {
        sd_event *event;
        sd_event_source *source;
        char *path;
        char *input_path;
        int input_fd;
        unsigned n_clients;
        ConsoleClient *clients[CONSOLE_CLIENTS_MAX];
};

static void console_client_free(ConsoleClient *client)
{
        ConsoleServer *server = client->server;

        for (unsigned i = 0; i < server->n_clients; i++)
                if (server->clients[i] == client) {
                        server->clients[i] = server->clients[--server->n_clients];
                        break;
                }
        sd_event_source_disable_unref(client->source);
        g_free(client);
}

/* Waits for room only while the client is behind, and for input only until it has closed its sending side:
 * no event that stays true may keep the loop awake. */
static void console_client_listen(ConsoleClient *client)
{
        (void) sd_event_source_set_io_events(client->source,
                        (client->deaf ? 0U : EPOLLIN) | (client->lost > 0 ? EPOLLOUT : 0U));
}

static void console_client_copy(ConsoleClient *client, const char *data, size_t size)
{
        ssize_t n = 0;

        if (client->lost == 0) {
                n = send(client->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
                if (n < 0)
                        n = 0; /* gone or full: if gone, EPOLLHUP says so */
        }
        if ((size_t) n < size) {
                client->lost += size - (size_t) n;
                console_client_listen(client);
        }
}

static void console_client_catch_up(ConsoleClient *client)
{
        char note[96];
        int length = snprintf(note, sizeof note,
                        "\r\n[%" G_GUINT64_FORMAT " bytes lost: read too slowly]\r\n",
                        client->lost);

        if (send(client->fd, note, (size_t) length, MSG_DONTWAIT | MSG_NOSIGNAL) == length)
                client->lost = 0;
        console_client_listen(client);
}

static void console_server_input(ConsoleServer *server, const char *data, size_t size)
{
        if (server->input_fd < 0)
                server->input_fd = open(server->input_path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

        /* If the guest does not read its console, what does not fit is lost: nobody else may wait for it. */
        if (server->input_fd >= 0 && write(server->input_fd, data, size) < 0 && errno == EPIPE)
                server->input_fd = close_safe(server->input_fd);
}

static int on_console_client(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        ConsoleClient *client = userdata;

        if (revents & EPOLLIN) {
                char data[4096];
                ssize_t n = recv(fd, data, sizeof data, MSG_DONTWAIT);

                if (n > 0)
                        console_server_input(client->server, data, (size_t) n);
                else if (n == 0) {
                        client->deaf = true;
                        console_client_listen(client);
                }
        }
        if (revents & (EPOLLHUP | EPOLLERR))
                console_client_free(client);
        else if (revents & EPOLLOUT)
                console_client_catch_up(client);

        return 0;
}

static int on_console_connect(sd_event_source *source, int listen_fd, uint32_t revents, void *userdata)
{
        static const char too_many[] = "[too many readers]\r\n";
        ConsoleServer *server = userdata;
        _cleanup_close_ int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        g_autofree ConsoleClient *client = NULL;

        if (fd < 0)
                return 0;
        if (server->n_clients == CONSOLE_CLIENTS_MAX) {
                (void) send(fd, too_many, strlen(too_many), MSG_DONTWAIT | MSG_NOSIGNAL);
                return 0;
        }

        client = g_new0(ConsoleClient, 1);
        client->server = server;
        client->fd = fd;
        if (sd_event_add_io(server->event, &client->source, fd, EPOLLIN, on_console_client, client) < 0)
                return 0;
        (void) sd_event_source_set_io_fd_own(client->source, true);
        (void) TAKE_FD(fd);
        server->clients[server->n_clients++] = g_steal_pointer(&client);
        return 0;
}

static int console_server_listen(const char *path)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_close_ int fd = -EBADF;
        mode_t mask;
        int r;

        if (strlen(path) >= sizeof address.sun_path)
                return -ENAMETOOLONG;
        strcpy(address.sun_path, path);

        if (unlink(path) < 0 && errno != ENOENT)
                return -errno;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;

        /* The mode must be right from the start. */
        mask = umask(0177);
        r = bind(fd, (struct sockaddr *) &address, sizeof address) < 0 ? -errno : 0;
        (void) umask(mask);
        if (r < 0)
                return r;
        if (listen(fd, CONSOLE_CLIENTS_MAX) < 0)
                return -errno;

        return TAKE_FD(fd);
}

int console_server_new(sd_event *event, const char *path, const char *input_path, ConsoleServer **ret_server)
{
        _cleanup_close_ int fd = console_server_listen(path);
        ConsoleServer *server;
        int r;

        if (fd < 0)
                return fd;

        server = g_new(ConsoleServer, 1);
        *server = (ConsoleServer){
                .event = event,
                .path = g_strdup(path),
                .input_path = g_strdup(input_path),
                .input_fd = -EBADF,
        };
        r = sd_event_add_io(event, &server->source, fd, EPOLLIN, on_console_connect, server);
        if (r < 0) {
                console_server_free(server);
                return r;
        }
        (void) sd_event_source_set_io_fd_own(server->source, true);
        (void) TAKE_FD(fd);

        *ret_server = server;
        return 0;
}

void console_server_free(ConsoleServer *server)
{
        if (!server)
                return;

        while (server->n_clients > 0)
                console_client_free(server->clients[0]);
        sd_event_source_disable_unref(server->source);
        if (server->path)
                (void) unlink(server->path);
        (void) close_safe(server->input_fd);
        g_free(server->path);
        g_free(server->input_path);
        g_free(server);
}

void console_server_copy(ConsoleServer *server, const char *data, size_t size)
{
        for (unsigned i = 0; i < server->n_clients; i++)
                console_client_copy(server->clients[i], data, size);
}
