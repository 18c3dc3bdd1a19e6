/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The connection to shruthi-probe. Called by runner-checks.c. */

#include "run/probe-client.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io.h"
#include "common/socket.h"

#define PROBE_SOCKET      "probes" /* "probe" is a folder of shruthi-domain */
#define CONNECT_SEC       2
#define RETRY_USEC        (200 * 1000)
#define RETRY_DOUBLED_MAX 6

struct ProbeClient {
        sd_event *event;
        ProbeClientHooks hooks;
        void *userdata;
        int fd;
        sd_event_source *source, *retry_source;
        unsigned n_failed; /* since it last was there */
        GPtrArray *requests;
};

static void probe_client_connect_soon(ProbeClient *client, uint64_t usec);

static void request_free(gpointer data)
{
        probe_request_clear(data);
        g_free(data);
}

static void probe_client_disconnect(ProbeClient *client)
{
        client->source = sd_event_source_disable_unref(client->source);
        client->fd = close_safe(client->fd);
}

static void probe_client_lose(ProbeClient *client, int r)
{
        g_autofree char *reason =
                        g_strdup_printf("shruthi-probe.service does not answer: %s", g_strerror(-r));

        probe_client_disconnect(client);
        if (client->requests->len == 0)
                return;

        probe_client_connect_soon(client, RETRY_USEC << MIN(client->n_failed, (unsigned) RETRY_DOUBLED_MAX));
        client->n_failed++;
        client->hooks.lost(client->userdata, reason);
}

static int probe_client_send(ProbeClient *client, const ProbeRequest *request)
{
        g_autofree char *packet = probe_request_format(request);

        return send(client->fd, packet, strlen(packet), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int on_probe_client_packet(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        _cleanup_probe_answer_ ProbeAnswer answer = {};
        ProbeClient *client = userdata;
        char packet[PROBE_PACKET_MAX + 1];
        ssize_t n = recv(fd, packet, sizeof packet, MSG_DONTWAIT);
        int r;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        r = n > 0 ? probe_answer_parse(packet, (size_t) n, &answer) : n == 0 ? -ECONNRESET : -errno;
        if (r < 0) {
                probe_client_lose(client, r);
                return 0;
        }

        client->n_failed = 0;
        client->hooks.answer(client->userdata, &answer);
        return 0;
}

static void probe_client_connect(ProbeClient *client)
{
        int r = socket_connect(PROBE_SOCKET, SOCK_SEQPACKET | SOCK_NONBLOCK, CONNECT_SEC, &client->fd);

        if (r >= 0)
                r = sd_event_add_io(client->event, &client->source, client->fd, EPOLLIN,
                                on_probe_client_packet, client);
        for (guint i = 0; r >= 0 && i < client->requests->len; i++)
                r = probe_client_send(client, client->requests->pdata[i]);
        if (r < 0)
                probe_client_lose(client, r);
}

static int on_probe_client_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
        ProbeClient *client = userdata;

        client->retry_source = sd_event_source_disable_unref(client->retry_source);
        if (client->fd < 0 && client->requests->len > 0)
                probe_client_connect(client);
        return 0;
}

static void probe_client_connect_soon(ProbeClient *client, uint64_t usec)
{
        if (!client->retry_source)
                (void) sd_event_add_time_relative(client->event, &client->retry_source, CLOCK_MONOTONIC,
                                usec, usec > 0 ? usec / 4 : 1, on_probe_client_retry, client);
}

ProbeClient *probe_client_new(sd_event *event, const ProbeClientHooks *hooks, void *userdata)
{
        ProbeClient *client = g_new(ProbeClient, 1);

        *client = (ProbeClient){.event = event,
                        .hooks = *hooks,
                        .userdata = userdata,
                        .fd = -EBADF,
                        .requests = g_ptr_array_new_with_free_func(request_free)};
        return client;
}

void probe_client_free(ProbeClient *client)
{
        if (!client)
                return;

        probe_client_disconnect(client);
        sd_event_source_disable_unref(client->retry_source);
        g_ptr_array_unref(client->requests);
        g_free(client);
}

static void probe_client_remove(ProbeClient *client, unsigned number)
{
        for (guint i = client->requests->len; i > 0; i--)
                if (((const ProbeRequest *) client->requests->pdata[i - 1])->number == number)
                        g_ptr_array_remove_index_fast(client->requests, i - 1);
}

void probe_client_watch(ProbeClient *client, ProbeRequest *request)
{
        ProbeRequest *own = g_memdup2(request, sizeof *request);

        *request = (ProbeRequest){};
        probe_client_remove(client, own->number);
        g_ptr_array_add(client->requests, own);
        /* If it cannot be sent, the connection's own event reports the loss. */
        if (client->fd < 0)
                probe_client_connect_soon(client, 0);
        else if (probe_client_send(client, own) < 0)
                (void) shutdown(client->fd, SHUT_RDWR);
}

void probe_client_forget(ProbeClient *client, unsigned number)
{
        const ProbeRequest request = {.forget = true, .number = number};

        probe_client_remove(client, number);
        if (client->fd < 0)
                return;
        if (client->requests->len == 0)
                probe_client_disconnect(client);
        else if (probe_client_send(client, &request) < 0)
                (void) shutdown(client->fd, SHUT_RDWR);
}
