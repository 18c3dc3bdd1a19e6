/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Clients of a network, who may do with it what they want, and with nothing else. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/socket.h"
#include "switch/network-private.h"
#include "switch/protocol.h"

#define ENDING_USEC    (2 * G_USEC_PER_SEC) /* for which files of captures are waited */
#define COUNTERS_CHUNK (64 * 1024)          /* about so many bytes are written between two packets */

void network_capture_free(gpointer data)
{
        NetworkCapture *capture = data;

        capture_free(capture->capture);
        g_free(capture);
}

void network_client_free(gpointer data)
{
        NetworkClient *client = data;

        (void) close_safe(client->source.fd);
        (void) close_safe(client->counters_fd);
        g_free(client);
}

void network_add_client(SwitchNetwork *network, int taken_fd)
{
        NetworkClient *client = g_new(NetworkClient, 1);

        *client = (NetworkClient){
                        .source = {.kind = SOURCE_CLIENT, .fd = taken_fd},
                        .number = ++network->last_number,
                        .counters_fd = -EBADF,
        };
        if (network->clients->len >= NETWORK_CLIENTS_MAX || network_watch(network, &client->source) < 0) {
                log_warning("Refused a client of network %s: it has %u", network->task->name,
                                network->clients->len);
                network_client_free(client);
                return;
        }
        g_ptr_array_add(network->clients, client);
}

NetworkClient *network_find_client(const SwitchNetwork *network, uint32_t number)
{
        for (guint i = 0; i < network->clients->len; i++) {
                NetworkClient *client = network->clients->pdata[i];

                if (client->number == number)
                        return client;
        }
        return NULL;
}

/* While it is busy only its end is heard, which epoll(7) tells in any case. */
void network_set_busy(SwitchNetwork *network, NetworkClient *client, bool is_busy)
{
        struct epoll_event event = {.events = is_busy ? 0 : EPOLLIN, .data.ptr = &client->source};

        client->is_busy = is_busy;
        (void) epoll_ctl(network->epoll_fd, EPOLL_CTL_MOD, client->source.fd, &event);
}

void network_close_client(SwitchNetwork *network, NetworkClient *client)
{
        for (guint i = 0; i < network->captures->len; i++) {
                NetworkCapture *capture = network->captures->pdata[i];

                if (capture->client != client->number)
                        continue;
                if (client->awaited != capture->number)
                        capture_finish(capture->capture);
                /* Who does not wait for it does not read it either, if it is a pipe. */
                capture->client = 0;
                capture_abandon(capture->capture);
        }
        network_unwatch(network, &client->source);
        g_ptr_array_remove_fast(network->clients, client);
        network_bury(network, client);
}

/* A client that does not read its answers is closed. */
void network_answer(SwitchNetwork *network, NetworkClient *client, bool done, unsigned line,
                const char *text, int fd)
{
        SwitchAnswer answer = {.done = done, .line = line, .text = (char *) text};
        g_autofree char *message = switch_answer_format(&answer);

        if (socket_send_with_fd(client->source.fd, message, fd, MSG_DONTWAIT) < 0)
                network_close_client(network, client);
}

static int memfd_of(const char *name, const char *data, size_t size)
{
        _cleanup_close_ int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        int r;

        if (fd < 0)
                return -errno;
        r = size > 0 ? write_all(fd, data, size) : 0;
        return r < 0 ? r : TAKE_FD(fd);
}

/* The receiver reads it from its beginning, and nobody changes it. */
static void memfd_finish(int fd)
{
        (void) lseek(fd, 0, SEEK_SET);
        (void) fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
}

static void client_ask_counters(SwitchNetwork *network, NetworkClient *client)
{
        client->counters_fd = memfd_of("counters", NULL, 0);
        if (client->counters_fd < 0) {
                network_answer(network, client, false, 0, "there is no memory for the counters", -EBADF);
                return;
        }
        network_set_busy(network, client, true);
        client->next_counter = 0;
}

bool network_write_counters(SwitchNetwork *network)
{
        g_autoptr(GString) text = NULL;
        NetworkClient *client = NULL;
        bool more = true;

        for (guint i = 0; i < network->clients->len && !client; i++)
                if (((NetworkClient *) network->clients->pdata[i])->counters_fd >= 0)
                        client = network->clients->pdata[i];
        if (!client)
                return false;

        text = g_string_sized_new(2 * COUNTERS_CHUNK);
        while (more && text->len < COUNTERS_CHUNK)
                more = plane_append_counters(network->plane, &client->next_counter, text);
        if (write_all(client->counters_fd, text->str, text->len) < 0) {
                network_close_client(network, client);
                return true;
        }
        if (!more) {
                _cleanup_close_ int fd = TAKE_FD(client->counters_fd);

                network_set_busy(network, client, false);
                memfd_finish(fd);
                network_answer(network, client, true, 0, "", fd);
        }
        return true;
}

static void client_ask_summary(SwitchNetwork *network, NetworkClient *client)
{
        g_autoptr(GString) text = g_string_new(NULL);
        _cleanup_close_ int fd = -EBADF;
        struct rusage usage = {};

        (void) getrusage(RUSAGE_SELF, &usage);
        plane_append_summary(network->plane, text);
        g_string_append_printf(text,
                        "receive_overflows=%" G_GUINT64_FORMAT "\nsince_usec=%" G_GUINT64_FORMAT
                        "\ncpu_usec=%" G_GUINT64_FORMAT "\nrss_bytes=%" G_GUINT64_FORMAT "\n",
                        network_count_overflows(network), network->since_usec,
                        (uint64_t) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * G_USEC_PER_SEC +
                                        (uint64_t) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec),
                        (uint64_t) usage.ru_maxrss * 1024);
        fd = memfd_of("summary", text->str, text->len);
        if (fd < 0) {
                network_answer(network, client, false, 0, "there is no memory for the summary", -EBADF);
                return;
        }
        memfd_finish(fd);
        network_answer(network, client, true, 0, "", fd);
}

/* Nobody looks at packets that no capture is about. */
static void network_watch_packets(SwitchNetwork *network)
{
        bool by_member = false, by_link = false;

        for (guint i = 0; i < network->captures->len; i++) {
                const NetworkCapture *capture = network->captures->pdata[i];

                if (capture_is_by_link(capture->capture))
                        by_link = true;
                else
                        by_member = true;
        }
        plane_set_seen(network->plane, by_member ? on_packet_seen : NULL, network);
        plane_set_link_seen(network->plane, by_link ? on_link_seen : NULL, network);
}

static void client_begin_capture(
                SwitchNetwork *network, NetworkClient *client, const SwitchRequest *request, int *fd)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *number = NULL;
        NetworkCapture *capture;
        Capture *begun;
        int r;

        if (network->captures->len >= SWITCH_CAPTURES_MAX)
                r = error_set(&error, ERROR_LIMIT_EXCEEDED, "there are %d captures already: end one",
                                SWITCH_CAPTURES_MAX);
        else
                r = capture_new(request, fd, network->news.fd, &begun, &error);
        if (r < 0) {
                network_answer(network, client, false, 0, error_message(&error, r), -EBADF);
                return;
        }

        capture = g_new(NetworkCapture, 1);
        *capture = (NetworkCapture){
                        .number = ++network->last_number, .client = client->number, .capture = begun};
        g_ptr_array_add(network->captures, capture);
        network_watch_packets(network);
        number = g_strdup_printf("%u", capture->number);
        network_answer(network, client, true, 0, number, -EBADF);
}

static void client_end_capture(SwitchNetwork *network, NetworkClient *client, uint32_t number)
{
        for (guint i = 0; i < network->captures->len; i++) {
                NetworkCapture *capture = network->captures->pdata[i];

                if (capture->number != number || capture->client != client->number)
                        continue;
                network_set_busy(network, client, true);
                client->awaited = number;
                capture_finish(capture->capture);
                return;
        }
        network_answer(network, client, false, 0, "this connection has no capture of that number", -EBADF);
}

void network_end_captures(SwitchNetwork *network)
{
        for (guint i = network->captures->len; i > 0; i--) {
                NetworkCapture *capture = network->captures->pdata[i - 1];
                NetworkClient *client = network_find_client(network, capture->client);
                g_autofree char *statistics = NULL;

                if (!capture_is_finished(capture->capture))
                        continue;
                statistics = capture_statistics(capture->capture);
                g_ptr_array_remove_index_fast(network->captures, i - 1);
                if (client) {
                        network_set_busy(network, client, false);
                        client->awaited = 0;
                        network_answer(network, client, true, 0, statistics, -EBADF);
                }
        }
        network_watch_packets(network);
}

void network_flush_captures(SwitchNetwork *network)
{
        for (guint i = 0; i < network->captures->len; i++)
                capture_flush(((NetworkCapture *) network->captures->pdata[i])->capture);
}

void network_abandon_captures(SwitchNetwork *network)
{
        int64_t until = g_get_monotonic_time() + ENDING_USEC;

        for (guint i = 0; i < network->captures->len; i++) {
                NetworkCapture *capture = network->captures->pdata[i];

                capture_finish(capture->capture);
                capture_abandon(capture->capture);
        }
        while (network->captures->len > 0 && g_get_monotonic_time() < until) {
                network_end_captures(network);
                g_usleep(ENDING_USEC / 1000);
        }
}

/* The device is named where the unikernel has more than one on this network. */
static char *port_shown_name(const SwitchNetwork *network, const PlanePort *port)
{
        const GPtrArray *ports = plane_ports(network->plane);

        for (guint i = 0; i < ports->len; i++) {
                const PlanePort *other = ports->pdata[i];

                if (other != port && other->member == port->member)
                        return g_strdup_printf("%s:%s", port->unikernel, port->device);
        }
        return g_strdup(port->unikernel);
}

/* What is captured has the time of day: that of now, less what the other clock says that it is ago. */
static uint64_t time_of_day(uint64_t nsec)
{
        uint64_t now = clock_nsec(CLOCK_MONOTONIC), real = clock_nsec(CLOCK_REALTIME);

        return real - (now > nsec ? now - nsec : 0);
}

void on_packet_seen(void *userdata, const PlanePort *port, const uint8_t *packet, size_t size, bool sent,
                uint64_t nsec)
{
        SwitchNetwork *network = userdata;
        const uint8_t *frame = packet + PLANE_HEADER_SIZE;
        uint64_t time = time_of_day(nsec);

        size -= PLANE_HEADER_SIZE;
        for (guint i = 0; i < network->captures->len; i++) {
                const NetworkCapture *capture = network->captures->pdata[i];
                g_autofree char *name = NULL;

                if (capture->client == 0 || !capture_wants(capture->capture, port->unikernel, frame, size))
                        continue;
                name = port_shown_name(network, port);
                capture_add(capture->capture, port->interface, name, sent, time, frame, size);
        }
}

void on_link_seen(void *userdata, const char *from, const char *to, const uint8_t *packet, size_t size,
                bool entered, uint64_t nsec)
{
        SwitchNetwork *network = userdata;
        const uint8_t *frame = packet + PLANE_HEADER_SIZE;
        uint64_t time = time_of_day(nsec);

        size -= PLANE_HEADER_SIZE;
        for (guint i = 0; i < network->captures->len; i++) {
                const NetworkCapture *capture = network->captures->pdata[i];
                g_autofree char *name = NULL;

                if (capture->client == 0 || !capture_wants_link(capture->capture, from, to, frame, size))
                        continue;
                name = g_strdup_printf("%s>%s", from, to);
                capture_add(capture->capture, name, name, entered, time, frame, size);
        }
}

void network_hear_client(SwitchNetwork *network, NetworkClient *client)
{
        _cleanup_switch_request_ SwitchRequest request = {};
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *data = g_malloc(SWITCH_MESSAGE_MAX + 1);
        _cleanup_close_ int fd = -EBADF;
        ssize_t n;

        n = socket_receive_with_fd(client->source.fd, data, SWITCH_MESSAGE_MAX + 1, &fd);
        if (n == -EAGAIN || n == -EINTR)
                return;
        if (n <= 0) {
                network_close_client(network, client);
                return;
        }
        if (switch_request_parse(data, (size_t) n, &request, &error) < 0) {
                network_answer(network, client, false, 0, error_message(&error, -EINVAL), -EBADF);
                return;
        }
        switch (request.verb) {
        case SWITCH_RULES:
                network_read_rules(network, client, TAKE_FD(fd));
                break;
        case SWITCH_COUNTERS:
                client_ask_counters(network, client);
                break;
        case SWITCH_SUMMARY:
                client_ask_summary(network, client);
                break;
        case SWITCH_CAPTURE:
                client_begin_capture(network, client, &request, &fd);
                break;
        case SWITCH_CAPTURE_END:
                client_end_capture(network, client, request.number);
                break;
        case SWITCH_END:
                network->has_ended = true;
                network_answer(network, client, true, 0, "", -EBADF);
                break;
        default:
                network_answer(network, client, false, 0, "the network is named once, at the beginning",
                                -EBADF);
        }
}
