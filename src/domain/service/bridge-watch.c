/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The connection on which shruthi-antispoof reports changes of the host's network. */

#include "domain/service/bridge-watch.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "common/io.h"
#include "domain/host/antispoof-client.h"
#include "helper/request.h"

#define RETRY_USEC     (1 * G_USEC_PER_SEC)
#define RETRY_MAX_USEC (60 * G_USEC_PER_SEC)
/* After this many failed attempts the next one is made only when it is needed. */
#define CONNECTS_MAX 6

struct BridgeWatch {
        int epoll;
        bool wanted;
        int socket;          /* negative if not connected */
        int64_t connect;     /* when to try; INT64_MAX if not planned */
        unsigned n_connects; /* failed attempts */
        int asked;           /* gets the answer of the worker; negative if none is at work */
        int64_t due;         /* when to reattach */
        unsigned failed;
};

int bridge_watch_new(BridgeWatch **ret_watch)
{
        BridgeWatch *watch = g_new(BridgeWatch, 1);

        *watch = (BridgeWatch){
                        .epoll = epoll_create1(EPOLL_CLOEXEC),
                        .socket = -EBADF,
                        .connect = INT64_MAX,
                        .asked = -EBADF,
                        .due = INT64_MAX,
        };
        if (watch->epoll < 0) {
                int r = -errno;

                g_free(watch);
                return r;
        }

        *ret_watch = watch;
        return 0;
}

static int64_t bridge_watch_retry_time(int64_t now, unsigned times)
{
        return now + MIN((int64_t) RETRY_USEC << MIN(times, 6), RETRY_MAX_USEC);
}

/* Removed explicitly: a process that was just forked may still have a copy, and the event would still
 * arrive. */
static void bridge_watch_close(BridgeWatch *watch, int *fd)
{
        if (*fd >= 0)
                (void) epoll_ctl(watch->epoll, EPOLL_CTL_DEL, *fd, NULL);
        *fd = close_safe(*fd);
}

static int bridge_watch_listen(BridgeWatch *watch, int *fd)
{
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};

        return epoll_ctl(watch->epoll, EPOLL_CTL_ADD, *fd, &event) < 0 ? -errno : 0;
}

void bridge_watch_free(BridgeWatch *watch)
{
        if (!watch)
                return;

        /* Closed first, because forked processes share it. */
        watch->epoll = close_safe(watch->epoll);
        (void) close_safe(watch->socket);
        (void) close_safe(watch->asked);
        g_free(watch);
}

void bridge_watch_set_wanted(BridgeWatch *watch, bool wanted, int64_t now)
{
        if (wanted && watch->socket < 0 && watch->connect == INT64_MAX)
                watch->connect = now;
        if (!wanted && watch->wanted) {
                bridge_watch_close(watch, &watch->socket);
                watch->connect = INT64_MAX;
        }
        watch->wanted = wanted;
}

static void bridge_watch_connect(BridgeWatch *watch, int64_t now)
{
        int r;

        watch->connect = INT64_MAX;
        r = antispoof_listen(&watch->socket);
        if (r >= 0)
                r = bridge_watch_listen(watch, &watch->socket);
        if (r >= 0)
                return;

        watch->socket = close_safe(watch->socket);
        if (r != -EOPNOTSUPP && ++watch->n_connects < CONNECTS_MAX)
                watch->connect = bridge_watch_retry_time(now, watch->n_connects);
}

int bridge_watch_fd(const BridgeWatch *watch)
{
        return watch->epoll;
}

static void bridge_watch_hear_service(BridgeWatch *watch, int64_t now)
{
        AntispoofNews news = antispoof_hear(watch->socket);

        if (news == ANTISPOOF_NEWS_CHANGED)
                watch->due = MIN(watch->due, now);
        if (news == ANTISPOOF_NEWS_WATCHING)
                watch->n_connects = 0;
        if (news != ANTISPOOF_NEWS_GONE)
                return;
        bridge_watch_close(watch, &watch->socket);
        if (++watch->n_connects < CONNECTS_MAX)
                watch->connect = bridge_watch_retry_time(now, 0);
}

static void bridge_watch_set_failed(BridgeWatch *watch, int64_t now)
{
        bridge_watch_close(watch, &watch->asked);
        watch->due = bridge_watch_retry_time(now, watch->failed);
        watch->failed++;
}

static void bridge_watch_hear_answer(BridgeWatch *watch, int64_t now)
{
        int answer;
        ssize_t n = recv(watch->asked, &answer, sizeof answer, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n == sizeof answer && answer == DOMAIN_BEGUN)
                return;
        if (n == sizeof answer && answer == 0) {
                bridge_watch_close(watch, &watch->asked);
                watch->failed = 0;
        } else
                bridge_watch_set_failed(watch, now);
}

void bridge_watch_hear(BridgeWatch *watch, int64_t now)
{
        struct epoll_event events[2];
        int n = epoll_wait(watch->epoll, events, G_N_ELEMENTS(events), 0);

        for (int i = 0; i < n; i++)
                if (events[i].data.ptr == &watch->socket)
                        bridge_watch_hear_service(watch, now);
                else
                        bridge_watch_hear_answer(watch, now);
}

int64_t bridge_watch_next(const BridgeWatch *watch)
{
        return MIN(watch->wanted ? watch->connect : INT64_MAX, watch->asked < 0 ? watch->due : INT64_MAX);
}

bool bridge_watch_is_due(BridgeWatch *watch, int64_t now)
{
        if (watch->wanted && watch->connect <= now)
                bridge_watch_connect(watch, now);

        return watch->asked < 0 && watch->due <= now;
}

void bridge_watch_set_asked(BridgeWatch *watch, int socket, int64_t now)
{
        watch->asked = socket;
        watch->due = INT64_MAX;
        if (socket < 0 || bridge_watch_listen(watch, &watch->asked) < 0)
                bridge_watch_set_failed(watch, now);
}
