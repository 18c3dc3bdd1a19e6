/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who is on, who is over. Called by serve.c. */

#include "domain/service/sweeper.h"

#include <errno.h>
#include <glib.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/paths.h"
#include "common/unikernel-name.h"
#include "helper/request.h"
#include "unikernel/liveness.h"
#include "unikernel/run-dir.h"

#define SETTLE_USEC    (200 * 1000)          /* between the making of the file and its being held */
#define START_USEC     (30 * G_USEC_PER_SEC) /* between the making of a domain and its start */
#define RETRY_USEC     (1 * G_USEC_PER_SEC)
#define RETRY_MAX_USEC (60 * G_USEC_PER_SEC)
#define EVENTS_MAX     64

typedef struct Liveness {
        Sweeper *sweeper;
        int fd; /* watched: the FIFO, or while it is being swept who tells of that; or negative */
        bool sweeping;
        bool over;       /* to be swept */
        bool expected;   /* it is about to be on: its domain was prepared */
        bool unclaimed;  /* it is over and has such a domain: nobody has come for that in time */
        int64_t due;     /* when to look at it, or to sweep it; INT64_MAX: not before something happens */
        unsigned failed; /* so many times */
        char word[DOMAIN_EVENT_LINE_MAX]; /* what its runner has been told last, or is to be told; "":
                                             nothing */
        char name[];
} Liveness;

struct Sweeper {
        int epoll;
        int inotify;
        GHashTable *lives; /* name → Liveness */
};

static void liveness_forget_fd(Liveness *liveness)
{
        /* By itself: a process that was just forked may have a copy still, and the event would come. */
        if (liveness->fd >= 0)
                (void) epoll_ctl(liveness->sweeper->epoll, EPOLL_CTL_DEL, liveness->fd, NULL);
        liveness->fd = close_safe(liveness->fd);
        liveness->sweeping = false;
}

static void liveness_free(gpointer data)
{
        Liveness *liveness = data;

        liveness_forget_fd(liveness);
        g_free(liveness);
}

static int sweeper_listen(Sweeper *sweeper, Liveness *liveness, uint32_t events)
{
        struct epoll_event event = {.events = events, .data.ptr = liveness};

        return epoll_ctl(sweeper->epoll, EPOLL_CTL_ADD, liveness->fd, &event) < 0 ? -errno : 0;
}

/* The file is there, and nobody has it. replaced: it is another than a moment ago, so somebody is just about
 * to take it. patience: until when one that is prepared is waited for, whatever is heard of it meanwhile. */
static void liveness_set_free(Liveness *liveness, bool replaced, int64_t patience, int64_t now)
{
        bool prepared = run_dir_is_prepared(liveness->name);

        liveness->expected = prepared && now < patience;
        if (liveness->expected)
                liveness->due = patience;
        else if (replaced && !prepared)
                liveness->due = now + SETTLE_USEC;
        else {
                liveness->over = true;
                liveness->unclaimed = prepared;
                liveness->due = now;
        }
}

/* What the file says. Frees it where there is none. */
static void sweeper_look(Sweeper *sweeper, Liveness *liveness, int64_t now)
{
        bool replaced = liveness->fd >= 0 && !liveness->sweeping &&
                        !liveness_is_stored(liveness->name, liveness->fd);
        int64_t patience = liveness->expected ? liveness->due : now + START_USEC;
        int r;

        liveness_forget_fd(liveness);
        liveness->over = liveness->expected = liveness->unclaimed = false;
        liveness->due = INT64_MAX;

        r = liveness_watch(liveness->name, &liveness->fd);
        if (r >= 0) {
                liveness->failed = 0;
                if (*liveness->word)
                        liveness_notify(liveness->fd, liveness->word);
                /* EPOLLERR comes unasked. */
                if (sweeper_listen(sweeper, liveness, 0) < 0)
                        liveness->due = now + RETRY_USEC;
        } else if (r == -ENXIO)
                liveness_set_free(liveness, replaced, patience, now);
        else if (r == -ENOENT)
                g_hash_table_remove(sweeper->lives, liveness->name);
        else
                liveness->due = now + RETRY_USEC;
}

static void sweeper_see(Sweeper *sweeper, const char *name, int64_t when)
{
        Liveness *liveness = g_hash_table_lookup(sweeper->lives, name);
        size_t size = strlen(name) + 1;

        if (!name_is_valid(name))
                return;
        if (!liveness) {
                liveness = g_malloc0(sizeof *liveness + size);
                memcpy(liveness->name, name, size);
                liveness->sweeper = sweeper;
                liveness->fd = -EBADF;
                g_hash_table_insert(sweeper->lives, liveness->name, liveness);
        } else if (liveness->sweeping)
                /* Who sweeps is waited for. */
                return;
        /* Whatever was known is of the file before. */
        liveness->over = liveness->expected = false;
        liveness->due = when;
}

static void sweeper_see_all(Sweeper *sweeper, int64_t now)
{
        g_autoptr(GDir) dir = g_dir_open(paths_liveness(), 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir)))
                sweeper_see(sweeper, name, now);
}

static void sweeper_hear_directory(Sweeper *sweeper, int64_t now)
{
        _Alignas(struct inotify_event) char buffer[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
        const struct inotify_event *event;
        ssize_t n;

        while ((n = read(sweeper->inotify, buffer, sizeof buffer)) > 0)
                for (const char *p = buffer; p < buffer + n; p += sizeof *event + event->len) {
                        event = (const struct inotify_event *) (const void *) p;
                        if (event->mask & IN_Q_OVERFLOW)
                                sweeper_see_all(sweeper, now);
                        else if (event->len > 0)
                                sweeper_see(sweeper, event->name, now + SETTLE_USEC);
                }
}

void sweeper_tell(Sweeper *sweeper, const char *name, const char *word, int64_t now)
{
        Liveness *liveness = g_hash_table_lookup(sweeper->lives, name);

        if (!liveness)
                return;

        (void) g_strlcpy(liveness->word, word, sizeof liveness->word);
        if (liveness->fd >= 0 && !liveness->sweeping)
                liveness_notify(liveness->fd, word);
        else if (liveness->fd < 0)
                sweeper_look(sweeper, liveness, now);
}

static void liveness_set_failed(Liveness *liveness, int64_t now)
{
        if (liveness->failed == 0)
                log_warning("The domain of unikernel '%s', whose unit is over, could not be ended; it is "
                            "tried again",
                                liveness->name);
        liveness_forget_fd(liveness);
        liveness->over = true;
        liveness->due = now + MIN((int64_t) RETRY_USEC << MIN(liveness->failed, 6), RETRY_MAX_USEC);
        liveness->failed++;
}

static void sweeper_hear_sweeper(Sweeper *sweeper, Liveness *liveness, int64_t now)
{
        int answer;
        ssize_t n = recv(liveness->fd, &answer, sizeof answer, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n == sizeof answer && answer == DOMAIN_BEGUN)
                return;
        if (n == sizeof answer && answer == 0)
                sweeper_look(sweeper, liveness, now);
        else
                liveness_set_failed(liveness, now);
}

void sweeper_hear(Sweeper *sweeper, int64_t now)
{
        struct epoll_event events[EVENTS_MAX];
        int n = epoll_wait(sweeper->epoll, events, EVENTS_MAX, 0);

        /* Each life is in there once, and only its own event takes it away. */
        for (int i = 0; i < n; i++) {
                Liveness *liveness = events[i].data.ptr;

                if (!liveness)
                        sweeper_hear_directory(sweeper, now);
                else if (liveness->sweeping)
                        sweeper_hear_sweeper(sweeper, liveness, now);
                else
                        sweeper_look(sweeper, liveness, now);
        }
}

int sweeper_new(int64_t now, Sweeper **ret_keeper)
{
        struct epoll_event event = {.events = EPOLLIN};
        Sweeper *sweeper = g_new(Sweeper, 1);
        int r = 0;

        *sweeper = (Sweeper){
                        .epoll = epoll_create1(EPOLL_CLOEXEC),
                        .inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
                        .lives = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, liveness_free),
        };
        /* Listening before looking: one that comes in between is seen twice, and not missed. */
        if (sweeper->epoll < 0 || sweeper->inotify < 0 ||
                        epoll_ctl(sweeper->epoll, EPOLL_CTL_ADD, sweeper->inotify, &event) < 0 ||
                        inotify_add_watch(sweeper->inotify, paths_liveness(), IN_CREATE | IN_ONLYDIR) < 0)
                r = -errno;
        if (r < 0) {
                sweeper_free(sweeper);
                return r;
        }

        sweeper_see_all(sweeper, now);
        *ret_keeper = sweeper;
        return 0;
}

void sweeper_free(Sweeper *sweeper)
{
        if (!sweeper)
                return;

        /* First, since a process that was forked shares it with us. */
        sweeper->epoll = close_safe(sweeper->epoll);
        g_hash_table_unref(sweeper->lives);
        (void) close_safe(sweeper->inotify);
        g_free(sweeper);
}

int sweeper_fd(const Sweeper *sweeper)
{
        return sweeper->epoll;
}

int64_t sweeper_next(const Sweeper *sweeper)
{
        int64_t next = INT64_MAX;
        GHashTableIter iter;
        gpointer liveness;

        g_hash_table_iter_init(&iter, sweeper->lives);
        while (g_hash_table_iter_next(&iter, NULL, &liveness))
                next = MIN(next, ((const Liveness *) liveness)->due);
        return next;
}

/* One that is due, for whatever. */
static Liveness *sweeper_find_due(Sweeper *sweeper, int64_t now, bool over)
{
        GHashTableIter iter;
        gpointer liveness;

        g_hash_table_iter_init(&iter, sweeper->lives);
        while (g_hash_table_iter_next(&iter, NULL, &liveness))
                if (((Liveness *) liveness)->due <= now && ((Liveness *) liveness)->over == over)
                        return liveness;
        return NULL;
}

const char *sweeper_find_over(Sweeper *sweeper, int64_t now, bool *ret_unclaimed)
{
        Liveness *liveness;

        while ((liveness = sweeper_find_due(sweeper, now, false)))
                sweeper_look(sweeper, liveness, now);

        liveness = sweeper_find_due(sweeper, now, true);
        if (!liveness)
                return NULL;

        *ret_unclaimed = liveness->unclaimed;
        return liveness->name;
}

void sweeper_set_sweeping(Sweeper *sweeper, const char *name, int socket, int64_t now)
{
        Liveness *liveness = g_hash_table_lookup(sweeper->lives, name);

        liveness_forget_fd(liveness);
        liveness->fd = socket;
        if (socket < 0 || sweeper_listen(sweeper, liveness, EPOLLIN) < 0) {
                liveness_set_failed(liveness, now);
                return;
        }
        liveness->sweeping = true;
        liveness->over = false;
        liveness->due = INT64_MAX;
}

bool sweeper_is_needed(const Sweeper *sweeper)
{
        return g_hash_table_size(sweeper->lives) > 0;
}

bool sweeper_is_busy(const Sweeper *sweeper)
{
        GHashTableIter iter;
        gpointer data;

        g_hash_table_iter_init(&iter, sweeper->lives);
        while (g_hash_table_iter_next(&iter, NULL, &data)) {
                const Liveness *liveness = data;

                if (liveness->sweeping || liveness->expected || (liveness->over && liveness->failed == 0))
                        return true;
        }
        return false;
}
