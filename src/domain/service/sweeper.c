/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which units are running, and which have ended. Called by serve.c.
 *
 * For each unikernel it keeps a state and the time of the next check of its file. Everything that happens is
 * an event, with these transitions:
 *
 *                   active                 released             taken
 *     UNKNOWN -----------------> ACTIVE ------------> ENDED --------------> SWEEPING ------> GONE
 *        |                         ^                   ^ ^                     |      gone
 *        | prepared                | active            | +------- failed ------+
 *        +-----------> PREPARED ---+                   |
 *                          |     released: in vain     |
 *                          +---------------------------+
 *
 * A new file for the name leads back to UNKNOWN from every state except SWEEPING, which is finished first; a
 * check of the file leads from each state to the one that the file shows. When the file is gone, the
 * unikernel is GONE and forgotten. */

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

#define SETTLE_USEC    (200 * 1000)          /* time for a new file to be held */
#define START_USEC     (30 * G_USEC_PER_SEC) /* time from the preparation of a domain to its start */
#define RETRY_USEC     (1 * G_USEC_PER_SEC)
#define RETRY_MAX_USEC (60 * G_USEC_PER_SEC)
#define EVENTS_MAX     64

typedef struct SweeperEntry {
        Sweeper *sweeper;
        SweeperState state;
        int fd;          /* polled: the FIFO, or while SWEEPING the worker's socket; negative if none */
        int64_t due;     /* when to check the file, or to sweep; INT64_MAX for only after an event */
        bool unclaimed;  /* in ENDED: its domain was prepared for a start that did not come in time */
        unsigned failed; /* failed attempts to sweep it */
        char word[DOMAIN_EVENT_LINE_MAX]; /* last told to its runner, or still to be told; "" if nothing */
        char name[];
} SweeperEntry;

struct Sweeper {
        int epoll;
        int inotify;
        GHashTable *entries; /* name → SweeperEntry */
};

/* A row for each state, a column for each event. NONE if the event has no effect in that state. */
#define ROW(seen, taken, failed)                                                                            \
        {                                                                                                   \
                [SWEEPER_EVENT_SEEN] = seen, [SWEEPER_EVENT_UNSURE] = SWEEPER_UNKNOWN,                      \
                [SWEEPER_EVENT_ACTIVE] = SWEEPER_ACTIVE, [SWEEPER_EVENT_PREPARED] = SWEEPER_PREPARED,       \
                [SWEEPER_EVENT_RELEASED] = SWEEPER_ENDED, [SWEEPER_EVENT_GONE] = SWEEPER_GONE,              \
                [SWEEPER_EVENT_TAKEN] = taken, [SWEEPER_EVENT_FAILED] = failed                              \
        }
#define NONE _SWEEPER_STATE_INVALID
static const SweeperState transitions[_SWEEPER_STATE_MAX][_SWEEPER_EVENT_MAX] = {
                [SWEEPER_UNKNOWN] = ROW(SWEEPER_UNKNOWN, NONE, NONE),
                [SWEEPER_ACTIVE] = ROW(SWEEPER_UNKNOWN, NONE, NONE),
                [SWEEPER_PREPARED] = ROW(SWEEPER_UNKNOWN, NONE, NONE),
                [SWEEPER_ENDED] = ROW(SWEEPER_UNKNOWN, SWEEPER_SWEEPING, SWEEPER_ENDED),
                [SWEEPER_SWEEPING] = ROW(NONE, NONE, SWEEPER_ENDED),
                [SWEEPER_GONE] = {NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE},
};

SweeperState sweeper_state_next(SweeperState state, SweeperEvent event)
{
        return transitions[state][event];
}

static bool sweeper_entry_move(SweeperEntry *entry, SweeperEvent event, int64_t due)
{
        SweeperState next = sweeper_state_next(entry->state, event);

        if (next < 0)
                return false;

        entry->state = next;
        entry->due = due;
        return true;
}

static void sweeper_entry_close_fd(SweeperEntry *entry)
{
        /* Removed explicitly: a process that was just forked may still have a copy, and the event would
         * still arrive. */
        if (entry->fd >= 0)
                (void) epoll_ctl(entry->sweeper->epoll, EPOLL_CTL_DEL, entry->fd, NULL);
        entry->fd = close_safe(entry->fd);
}

static void sweeper_entry_free(gpointer data)
{
        SweeperEntry *entry = data;

        sweeper_entry_close_fd(entry);
        g_free(entry);
}

static int sweeper_entry_listen(SweeperEntry *entry, uint32_t events)
{
        struct epoll_event event = {.events = events, .data.ptr = entry};

        return epoll_ctl(entry->sweeper->epoll, EPOLL_CTL_ADD, entry->fd, &event) < 0 ? -errno : 0;
}

/* Somebody holds the file: the release is an event. */
static void sweeper_entry_set_active(SweeperEntry *entry, int64_t now)
{
        int r;

        entry->failed = 0;
        if (*entry->word)
                liveness_notify(entry->fd, entry->word);
        /* EPOLLERR is always reported. */
        r = sweeper_entry_listen(entry, 0);
        (void) sweeper_entry_move(entry, SWEEPER_EVENT_ACTIVE, r < 0 ? now + RETRY_USEC : INT64_MAX);
}

/* The file exists, and nobody holds it. replaced says that the file is a new one, so somebody may be about
 * to hold it. deadline is how long to wait for the start of a prepared domain, whatever happens
 * meanwhile. */
static void sweeper_entry_set_released(SweeperEntry *entry, bool replaced, int64_t deadline, int64_t now)
{
        bool prepared = run_dir_is_prepared(entry->name);

        if (prepared && now < deadline)
                (void) sweeper_entry_move(entry, SWEEPER_EVENT_PREPARED, deadline);
        else if (replaced && !prepared)
                (void) sweeper_entry_move(entry, SWEEPER_EVENT_UNSURE, now + SETTLE_USEC);
        else if (sweeper_entry_move(entry, SWEEPER_EVENT_RELEASED, now))
                entry->unclaimed = prepared;
}

/* Checks the file. Frees the entry if the file does not exist. */
static void sweeper_look(Sweeper *sweeper, SweeperEntry *entry, int64_t now)
{
        bool replaced = entry->fd >= 0 && entry->state != SWEEPER_SWEEPING &&
                        !liveness_is_stored(entry->name, entry->fd);
        int64_t deadline = entry->state == SWEEPER_PREPARED ? entry->due : now + START_USEC;
        int r;

        sweeper_entry_close_fd(entry);
        r = liveness_watch(entry->name, &entry->fd);
        if (r >= 0)
                sweeper_entry_set_active(entry, now);
        else if (r == -ENXIO)
                sweeper_entry_set_released(entry, replaced, deadline, now);
        else if (r == -ENOENT)
                (void) sweeper_entry_move(entry, SWEEPER_EVENT_GONE, INT64_MAX);
        else
                (void) sweeper_entry_move(entry, SWEEPER_EVENT_UNSURE, now + RETRY_USEC);

        if (entry->state == SWEEPER_GONE)
                g_hash_table_remove(sweeper->entries, entry->name);
}

/* A file with that name exists. What was known is about the previous file. */
static void sweeper_see(Sweeper *sweeper, const char *name, int64_t when)
{
        SweeperEntry *entry = g_hash_table_lookup(sweeper->entries, name);
        size_t size = strlen(name) + 1;

        if (!name_is_valid(name))
                return;
        if (!entry) {
                entry = g_malloc0(sizeof *entry + size);
                memcpy(entry->name, name, size);
                entry->sweeper = sweeper;
                entry->state = SWEEPER_UNKNOWN;
                entry->fd = -EBADF;
                g_hash_table_insert(sweeper->entries, entry->name, entry);
        }
        (void) sweeper_entry_move(entry, SWEEPER_EVENT_SEEN, when);
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
        SweeperEntry *entry = g_hash_table_lookup(sweeper->entries, name);

        if (!entry)
                return;

        (void) g_strlcpy(entry->word, word, sizeof entry->word);
        if (entry->fd < 0)
                sweeper_look(sweeper, entry, now);
        else if (entry->state != SWEEPER_SWEEPING)
                liveness_notify(entry->fd, word);
}

static void sweeper_entry_set_failed(SweeperEntry *entry, int64_t now)
{
        int64_t pause = MIN((int64_t) RETRY_USEC << MIN(entry->failed, 6), RETRY_MAX_USEC);

        if (entry->failed == 0)
                log_warning("Cannot end the leftover guest of unikernel '%s'; trying again",
                                entry->name);
        sweeper_entry_close_fd(entry);
        (void) sweeper_entry_move(entry, SWEEPER_EVENT_FAILED, now + pause);
        entry->failed++;
}

/* Reads the answer of the worker that sweeps it. */
static void sweeper_hear_answer(Sweeper *sweeper, SweeperEntry *entry, int64_t now)
{
        int answer;
        ssize_t n = recv(entry->fd, &answer, sizeof answer, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n == sizeof answer && answer == DOMAIN_BEGUN)
                return;
        if (n == sizeof answer && answer == 0)
                sweeper_look(sweeper, entry, now);
        else
                sweeper_entry_set_failed(entry, now);
}

void sweeper_hear(Sweeper *sweeper, int64_t now)
{
        struct epoll_event events[EVENTS_MAX];
        int n = epoll_wait(sweeper->epoll, events, EVENTS_MAX, 0);

        /* Each entry is in events once, and only its own event frees it. */
        for (int i = 0; i < n; i++) {
                SweeperEntry *entry = events[i].data.ptr;

                if (!entry)
                        sweeper_hear_directory(sweeper, now);
                else if (entry->state == SWEEPER_SWEEPING)
                        sweeper_hear_answer(sweeper, entry, now);
                else
                        sweeper_look(sweeper, entry, now);
        }
}

int sweeper_new(int64_t now, Sweeper **ret_sweeper)
{
        struct epoll_event event = {.events = EPOLLIN};
        Sweeper *sweeper = g_new(Sweeper, 1);
        int r = 0;

        *sweeper = (Sweeper){
                        .epoll = epoll_create1(EPOLL_CLOEXEC),
                        .inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
                        .entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, sweeper_entry_free),
        };
        /* Listens before it reads, so a file created in between is seen twice, and not missed. */
        if (sweeper->epoll < 0 || sweeper->inotify < 0 ||
                        epoll_ctl(sweeper->epoll, EPOLL_CTL_ADD, sweeper->inotify, &event) < 0 ||
                        inotify_add_watch(sweeper->inotify, paths_liveness(), IN_CREATE | IN_ONLYDIR) < 0)
                r = -errno;
        if (r < 0) {
                sweeper_free(sweeper);
                return r;
        }

        sweeper_see_all(sweeper, now);
        *ret_sweeper = sweeper;
        return 0;
}

void sweeper_free(Sweeper *sweeper)
{
        if (!sweeper)
                return;

        /* Closed first, because forked processes share it. */
        sweeper->epoll = close_safe(sweeper->epoll);
        g_hash_table_unref(sweeper->entries);
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
        gpointer entry;

        g_hash_table_iter_init(&iter, sweeper->entries);
        while (g_hash_table_iter_next(&iter, NULL, &entry))
                next = MIN(next, ((const SweeperEntry *) entry)->due);
        return next;
}

/* An entry whose domain must be swept now (ended), or otherwise whose file must be checked now. */
static SweeperEntry *sweeper_find_due(Sweeper *sweeper, int64_t now, bool ended)
{
        GHashTableIter iter;
        gpointer data;

        g_hash_table_iter_init(&iter, sweeper->entries);
        while (g_hash_table_iter_next(&iter, NULL, &data)) {
                SweeperEntry *entry = data;

                if (entry->due <= now && (entry->state == SWEEPER_ENDED) == ended)
                        return entry;
        }
        return NULL;
}

const char *sweeper_find_ended(Sweeper *sweeper, int64_t now, bool *ret_unclaimed)
{
        SweeperEntry *entry;

        while ((entry = sweeper_find_due(sweeper, now, false)))
                sweeper_look(sweeper, entry, now);

        entry = sweeper_find_due(sweeper, now, true);
        if (!entry)
                return NULL;

        *ret_unclaimed = entry->unclaimed;
        return entry->name;
}

void sweeper_set_sweeping(Sweeper *sweeper, const char *name, int socket, int64_t now)
{
        SweeperEntry *entry = g_hash_table_lookup(sweeper->entries, name);

        sweeper_entry_close_fd(entry);
        entry->fd = socket;
        if (socket < 0 || sweeper_entry_listen(entry, EPOLLIN) < 0)
                sweeper_entry_set_failed(entry, now);
        else
                (void) sweeper_entry_move(entry, SWEEPER_EVENT_TAKEN, INT64_MAX);
}

bool sweeper_is_needed(const Sweeper *sweeper)
{
        return g_hash_table_size(sweeper->entries) > 0;
}

bool sweeper_is_busy(const Sweeper *sweeper)
{
        GHashTableIter iter;
        gpointer data;

        g_hash_table_iter_init(&iter, sweeper->entries);
        while (g_hash_table_iter_next(&iter, NULL, &data)) {
                const SweeperEntry *entry = data;

                if (entry->state == SWEEPER_SWEEPING || entry->state == SWEEPER_PREPARED ||
                                (entry->state == SWEEPER_ENDED && entry->failed == 0))
                        return true;
        }
        return false;
}
