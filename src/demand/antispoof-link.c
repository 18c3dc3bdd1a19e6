/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The connection to shruthi-antispoof, which its socket starts. Whenever it is new, all that there is is
 * told again. */

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "antispoof/protocol.h"
#include "common/io.h"
#include "common/log.h"
#include "common/socket.h"
#include "demand/service-private.h"

#define PATIENCE_SEC 30
#define RETRY_USEC   (200 * 1000)

static void antispoof_link_lose(Service *service);

/* It waits for one that is busy, up to PATIENCE_SEC. */
void antispoof_link_tell(Service *service, DemandWord word, const char *name)
{
        g_autofree char *message = demand_message_format(word, name);

        if (service->antispoof >= 0 && send(service->antispoof, message, strlen(message), MSG_NOSIGNAL) < 0)
                antispoof_link_lose(service);
}

static void antispoof_link_take(Service *service, DemandWord word, const char *name)
{
        Unit *unit = service_get(service, name);

        switch (word) {
        case DEMAND_WAITS:
                unit->listed = true;
                unit_ask_state(unit);
                /* One whose definition has gone meanwhile. */
                if (!unit->defined)
                        listening_read(service);
                break;
        case DEMAND_WANTED:
                unit->waiter.wanted = true;
                unit_decide(unit);
                break;
        case DEMAND_IDLE:
                unit_stop(unit);
                break;
        default:
                break;
        }
}

static int on_antispoof_packet(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Service *service = userdata;
        char data[DEMAND_MESSAGE_MAX + 1];
        g_autofree char *name = NULL;
        DemandWord word;
        ssize_t n = recv(fd, data, sizeof data, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n <= 0 || demand_message_parse(data, (size_t) n, &word, &name) < 0)
                antispoof_link_lose(service);
        else
                antispoof_link_take(service, word, name);
        return 0;
}

/* The answer comes first, by which it is clear that the other is the same version. */
static int antispoof_link_connect(Service *service)
{
        const AntispoofRequest request = {.verb = ANTISPOOF_DEMAND};
        g_autofree char *text = antispoof_request_format(&request), *word = NULL;
        _cleanup_close_ int fd = -EBADF;
        char answer[ANTISPOOF_ANSWER_MAX];
        ssize_t n;
        int r;

        r = socket_connect("antispoof", SOCK_SEQPACKET, PATIENCE_SEC, &fd);
        if (r < 0)
                return r;
        if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
                return -errno;
        n = TEMP_FAILURE_RETRY(recv(fd, answer, sizeof answer, 0));
        if (n <= 0)
                return n < 0 ? -errno : -ECONNRESET;
        r = antispoof_answer_parse(answer, (size_t) n, &word, NULL);
        if (r >= 0)
                r = sd_event_add_io(service->event, &service->antispoof_source, fd, EPOLLIN,
                                on_antispoof_packet, service);
        if (r < 0)
                return r;

        service->antispoof = TAKE_FD(fd);
        return 0;
}

static int on_antispoof_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
        antispoof_link_open(userdata);
        return 0;
}

static void antispoof_link_retry(Service *service)
{
        service->connect_source = sd_event_source_disable_unref(service->connect_source);
        (void) sd_event_add_time_relative(service->event, &service->connect_source, CLOCK_MONOTONIC,
                        RETRY_USEC, 0, on_antispoof_retry, service);
}

static void antispoof_link_lose(Service *service)
{
        GHashTableIter iter;
        gpointer value;

        antispoof_link_close(service);
        g_hash_table_iter_init(&iter, service->units);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Unit *unit = value;

                unit->listed = unit->waiter.wanted = false;
        }
        antispoof_link_retry(service);
}

void antispoof_link_open(Service *service)
{
        int r;

        service->connect_source = sd_event_source_disable_unref(service->connect_source);
        r = antispoof_link_connect(service);
        if (r >= 0)
                return;
        log_debug("shruthi-antispoof does not answer, trying again: %s", g_strerror(-r));
        antispoof_link_retry(service);
}

void antispoof_link_close(Service *service)
{
        service->connect_source = sd_event_source_disable_unref(service->connect_source);
        service->antispoof_source = sd_event_source_disable_unref(service->antispoof_source);
        service->antispoof = close_safe(service->antispoof);
}
