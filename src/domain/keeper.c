/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who is on, who is over. Called by serve.c. */

#include "domain/keeper.h"

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
#include "common/string-util.h"
#include "helper/request.h"
#include "unikernel/life.h"
#include "unikernel/run-dir.h"

#define SETTLE_USEC    (200 * 1000) /* between the making of the file and its being held */
#define START_USEC     (30 * G_USEC_PER_SEC) /* between the making of a domain and its start */
#define RETRY_USEC     (1 * G_USEC_PER_SEC)
#define RETRY_MAX_USEC (60 * G_USEC_PER_SEC)
#define EVENTS_MAX     64

typedef struct Life {
        Keeper *keeper;
        int fd;          /* watched: the FIFO, or while it is being swept who tells of that; or negative */
        bool sweeping;
        bool over;       /* to be swept */
        bool expected;   /* it is about to be on: its domain was prepared */
        bool unclaimed;  /* it is over and has such a domain: nobody has come for that in time */
        int64_t due;     /* when to look at it, or to sweep it; INT64_MAX: not before something happens */
        unsigned failed; /* so many times */
        char word[LIFE_WORD_MAX]; /* what its runner has been told last, or is to be told; "": nothing */
        char name[];
} Life;

struct Keeper {
        int epoll;
        int inotify;
        GHashTable *lives; /* name → Life */
};

static void life_forget_fd(Life *life)
{
        /* By itself: a process that was just forked may have a copy still, and the event would come. */
        if (life->fd >= 0)
                (void) epoll_ctl(life->keeper->epoll, EPOLL_CTL_DEL, life->fd, NULL);
        life->fd = close_safe(life->fd);
        life->sweeping = false;
}

static void life_free(gpointer data)
{
        Life *life = data;

        life_forget_fd(life);
        g_free(life);
}

static int keeper_listen(Keeper *keeper, Life *life, uint32_t events)
{
        struct epoll_event event = {.events = events, .data.ptr = life};

        return epoll_ctl(keeper->epoll, EPOLL_CTL_ADD, life->fd, &event) < 0 ? -errno : 0;
}

/* The file is there, and nobody has it. replaced: it is another than a moment ago, so somebody is just about
 * to take it. patience: until when one that is prepared is waited for, whatever is heard of it meanwhile. */
static void life_set_free(Life *life, bool replaced, int64_t patience, int64_t now)
{
        bool prepared = run_dir_is_prepared(life->name);

        life->expected = prepared && now < patience;
        if (life->expected)
                life->due = patience;
        else if (replaced && !prepared)
                life->due = now + SETTLE_USEC;
        else {
                life->over = true;
                life->unclaimed = prepared;
                life->due = now;
        }
}

/* What the file says. Frees it where there is none. */
static void keeper_look(Keeper *keeper, Life *life, int64_t now)
{
        bool replaced = life->fd >= 0 && !life->sweeping && !life_is_held(life->name, life->fd);
        int64_t patience = life->expected ? life->due : now + START_USEC;
        int r;

        life_forget_fd(life);
        life->over = life->expected = life->unclaimed = false;
        life->due = INT64_MAX;

        r = life_watch(life->name, &life->fd);
        if (r >= 0) {
                life->failed = 0;
                if (*life->word)
                        life_say(life->fd, life->word);
                /* EPOLLERR comes unasked. */
                if (keeper_listen(keeper, life, 0) < 0)
                        life->due = now + RETRY_USEC;
        } else if (r == -ENXIO)
                life_set_free(life, replaced, patience, now);
        else if (r == -ENOENT)
                g_hash_table_remove(keeper->lives, life->name);
        else
                life->due = now + RETRY_USEC;
}

static void keeper_see(Keeper *keeper, const char *name, int64_t when)
{
        Life *life = g_hash_table_lookup(keeper->lives, name);
        size_t size = strlen(name) + 1;

        if (!name_is_valid(name))
                return;
        if (!life) {
                life = g_malloc0(sizeof *life + size);
                memcpy(life->name, name, size);
                life->keeper = keeper;
                life->fd = -EBADF;
                g_hash_table_insert(keeper->lives, life->name, life);
        } else if (life->sweeping)
                /* Who sweeps is waited for. */
                return;
        /* Whatever was known is of the file before. */
        life->over = life->expected = false;
        life->due = when;
}

static void keeper_see_all(Keeper *keeper, int64_t now)
{
        g_autoptr(GDir) dir = g_dir_open(paths_lives(), 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir)))
                keeper_see(keeper, name, now);
}

static void keeper_hear_directory(Keeper *keeper, int64_t now)
{
        _Alignas(struct inotify_event) char buffer[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
        const struct inotify_event *event;
        ssize_t n;

        while ((n = read(keeper->inotify, buffer, sizeof buffer)) > 0)
                for (const char *p = buffer; p < buffer + n; p += sizeof *event + event->len) {
                        event = (const struct inotify_event *) (const void *) p;
                        if (event->mask & IN_Q_OVERFLOW)
                                keeper_see_all(keeper, now);
                        else if (event->len > 0)
                                keeper_see(keeper, event->name, now + SETTLE_USEC);
                }
}

void keeper_tell(Keeper *keeper, const char *name, const char *word, int64_t now)
{
        Life *life = g_hash_table_lookup(keeper->lives, name);

        if (!life)
                return;

        (void) g_strlcpy(life->word, word, sizeof life->word);
        if (life->fd >= 0 && !life->sweeping)
                life_say(life->fd, word);
        else if (life->fd < 0)
                keeper_look(keeper, life, now);
}

static void life_set_failed(Life *life, int64_t now)
{
        if (life->failed == 0)
                log_warning("The domain of unikernel '%s', whose unit is over, could not be ended; it is "
                            "tried again",
                                life->name);
        life_forget_fd(life);
        life->over = true;
        life->due = now + MIN((int64_t) RETRY_USEC << MIN(life->failed, 6), RETRY_MAX_USEC);
        life->failed++;
}

static void keeper_hear_sweeper(Keeper *keeper, Life *life, int64_t now)
{
        int answer;
        ssize_t n = recv(life->fd, &answer, sizeof answer, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n == sizeof answer && answer == DOMAIN_BEGUN)
                return;
        if (n == sizeof answer && answer == 0)
                keeper_look(keeper, life, now);
        else
                life_set_failed(life, now);
}

void keeper_hear(Keeper *keeper, int64_t now)
{
        struct epoll_event events[EVENTS_MAX];
        int n = epoll_wait(keeper->epoll, events, EVENTS_MAX, 0);

        /* Each life is in there once, and only its own event takes it away. */
        for (int i = 0; i < n; i++) {
                Life *life = events[i].data.ptr;

                if (!life)
                        keeper_hear_directory(keeper, now);
                else if (life->sweeping)
                        keeper_hear_sweeper(keeper, life, now);
                else
                        keeper_look(keeper, life, now);
        }
}

int keeper_new(int64_t now, Keeper **ret_keeper)
{
        struct epoll_event event = {.events = EPOLLIN};
        Keeper *keeper = g_new(Keeper, 1);
        int r = 0;

        *keeper = (Keeper){
                .epoll = epoll_create1(EPOLL_CLOEXEC),
                .inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
                .lives = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, life_free),
        };
        /* Listening before looking: one that comes in between is seen twice, and not missed. */
        if (keeper->epoll < 0 || keeper->inotify < 0 ||
                        epoll_ctl(keeper->epoll, EPOLL_CTL_ADD, keeper->inotify, &event) < 0 ||
                        inotify_add_watch(keeper->inotify, paths_lives(), IN_CREATE | IN_ONLYDIR) < 0)
                r = -errno;
        if (r < 0) {
                keeper_free(keeper);
                return r;
        }

        keeper_see_all(keeper, now);
        *ret_keeper = keeper;
        return 0;
}

void keeper_free(Keeper *keeper)
{
        if (!keeper)
                return;

        /* First, since a process that was forked shares it with us. */
        keeper->epoll = close_safe(keeper->epoll);
        g_hash_table_unref(keeper->lives);
        (void) close_safe(keeper->inotify);
        g_free(keeper);
}

int keeper_fd(const Keeper *keeper)
{
        return keeper->epoll;
}

int64_t keeper_next(const Keeper *keeper)
{
        int64_t next = INT64_MAX;
        GHashTableIter iter;
        gpointer life;

        g_hash_table_iter_init(&iter, keeper->lives);
        while (g_hash_table_iter_next(&iter, NULL, &life))
                next = MIN(next, ((const Life *) life)->due);
        return next;
}

/* One that is due, for whatever. */
static Life *keeper_find_due(Keeper *keeper, int64_t now, bool over)
{
        GHashTableIter iter;
        gpointer life;

        g_hash_table_iter_init(&iter, keeper->lives);
        while (g_hash_table_iter_next(&iter, NULL, &life))
                if (((Life *) life)->due <= now && ((Life *) life)->over == over)
                        return life;
        return NULL;
}

const char *keeper_find_over(Keeper *keeper, int64_t now, bool *ret_unclaimed)
{
        Life *life;

        while ((life = keeper_find_due(keeper, now, false)))
                keeper_look(keeper, life, now);

        life = keeper_find_due(keeper, now, true);
        if (!life)
                return NULL;

        *ret_unclaimed = life->unclaimed;
        return life->name;
}

void keeper_set_sweeping(Keeper *keeper, const char *name, int socket, int64_t now)
{
        Life *life = g_hash_table_lookup(keeper->lives, name);

        life_forget_fd(life);
        life->fd = socket;
        if (socket < 0 || keeper_listen(keeper, life, EPOLLIN) < 0) {
                life_set_failed(life, now);
                return;
        }
        life->sweeping = true;
        life->over = false;
        life->due = INT64_MAX;
}

bool keeper_is_needed(const Keeper *keeper)
{
        return g_hash_table_size(keeper->lives) > 0;
}

bool keeper_is_busy(const Keeper *keeper)
{
        GHashTableIter iter;
        gpointer data;

        g_hash_table_iter_init(&iter, keeper->lives);
        while (g_hash_table_iter_next(&iter, NULL, &data)) {
                const Life *life = data;

                if (life->sweeping || life->expected || (life->over && life->failed == 0))
                        return true;
        }
        return false;
}
