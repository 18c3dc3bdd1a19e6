/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* When the first byte of each console came: from a FIFO pair that QEMU opens, or from SHRUTHI's socket,
 * which appears during the start. */

#include "bench.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct ConsoleItem {
        char *path; /* of the socket, NULL for a FIFO */
        int fd;
        uint64_t first;
} ConsoleItem;

struct Consoles {
        ConsoleItem *items;
        unsigned n_items;
        unsigned n_spoken;
        int inotify_fd;
        pthread_t thread;
        pthread_mutex_t mutex;
        pthread_cond_t changed;
};

static int fifo_open(const char *path)
{
        static const char *const suffixes[] = {".in", ".out"};
        g_autofree char *out = g_strconcat(path, ".out", NULL);
        int fd;

        for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
                g_autofree char *fifo = g_strconcat(path, suffixes[i], NULL);

                (void) unlink(fifo);
                if (mkfifo(fifo, 0600) < 0 || chmod(fifo, 0666) < 0)
                        die("'%s' cannot be made: %s", fifo, g_strerror(errno));
        }
        /* For writing too: then it has no end, also while QEMU has not yet opened it. */
        fd = open(out, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                die("'%s' cannot be opened: %s", out, g_strerror(errno));
        return fd;
}

/* Tells of the folder's changes, once it is there; that of the one above it tells when that is. */
static void watch_folder(Consoles *consoles, const char *socket_path)
{
        g_autofree char *folder = g_path_get_dirname(socket_path), *above = g_path_get_dirname(folder);

        (void) inotify_add_watch(consoles->inotify_fd, above, IN_CREATE | IN_MOVED_TO);
        (void) inotify_add_watch(consoles->inotify_fd, folder, IN_CREATE | IN_MOVED_TO | IN_ATTRIB);
}

/* Between bind() and listen() a connection is refused: tried again soon. Returns false then. */
static bool socket_connect(ConsoleItem *item)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd;

        if (g_strlcpy(address.sun_path, item->path, sizeof address.sun_path) >= sizeof address.sun_path)
                die("'%s' is too long for a socket", item->path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                die("no socket: %s", g_strerror(errno));
        if (connect(fd, (struct sockaddr *) &address, sizeof address) == 0) {
                item->fd = fd;
                return true;
        }
        (void) close(fd);
        return errno != ECONNREFUSED;
}

/* Returns whether one of them is worth another look before anything happens. */
static bool consoles_connect(Consoles *consoles)
{
        bool again = false;

        for (unsigned i = 0; i < consoles->n_items; i++) {
                ConsoleItem *item = &consoles->items[i];

                if (item->fd >= 0 || !item->path || item->first > 0)
                        continue;
                watch_folder(consoles, item->path);
                again |= !socket_connect(item);
        }

        return again;
}

static void console_read(Consoles *consoles, ConsoleItem *item)
{
        char data[16384];
        ssize_t n = read(item->fd, data, sizeof data);
        uint64_t now = now_usec();

        if (n > 0 && item->first == 0) {
                (void) pthread_mutex_lock(&consoles->mutex);
                item->first = now;
                consoles->n_spoken++;
                (void) pthread_cond_signal(&consoles->changed);
                (void) pthread_mutex_unlock(&consoles->mutex);
        } else if (n == 0) {
                (void) close(item->fd);
                item->fd = -EBADF;
        }
}

static void *consoles_follow(void *userdata)
{
        Consoles *consoles = userdata;
        g_autofree struct pollfd *polled = g_new0(struct pollfd, consoles->n_items + 1);
        bool again = consoles->inotify_fd >= 0 && consoles_connect(consoles);

        for (;;) {
                polled[0] = (struct pollfd){.fd = consoles->inotify_fd, .events = POLLIN};
                for (unsigned i = 0; i < consoles->n_items; i++)
                        polled[i + 1] = (struct pollfd){.fd = consoles->items[i].fd, .events = POLLIN};
                if (poll(polled, consoles->n_items + 1, again ? 1 : -1) < 0 && errno != EINTR)
                        die("poll: %s", g_strerror(errno));

                for (unsigned i = 0; i < consoles->n_items; i++)
                        if (polled[i + 1].revents)
                                console_read(consoles, &consoles->items[i]);
                if (polled[0].revents) {
                        char events[16384];

                        (void) !read(consoles->inotify_fd, events, sizeof events);
                }
                if (polled[0].revents || again)
                        again = consoles_connect(consoles);
        }

        return NULL;
}

Consoles *consoles_watch(const char *fifo, const char *socket_path, char *const *items, unsigned n_items)
{
        Consoles *consoles = g_new0(Consoles, 1);

        consoles->items = g_new0(ConsoleItem, n_items);
        consoles->n_items = n_items;
        consoles->inotify_fd = socket_path ? inotify_init1(IN_CLOEXEC | IN_NONBLOCK) : -EBADF;
        for (unsigned i = 0; i < n_items; i++) {
                g_autofree char *path = fill_in(fifo ?: socket_path, items[i]);

                consoles->items[i].fd = fifo ? fifo_open(path) : -EBADF;
                if (!fifo)
                        consoles->items[i].path = g_steal_pointer(&path);
        }

        (void) pthread_mutex_init(&consoles->mutex, NULL);
        (void) pthread_cond_init(&consoles->changed, NULL);
        if (pthread_create(&consoles->thread, NULL, consoles_follow, consoles) != 0)
                die("no thread for the consoles");
        return consoles;
}

void consoles_wait(Consoles *consoles, uint64_t usec)
{
        struct timespec ts;

        (void) clock_gettime(CLOCK_REALTIME, &ts);
        ts.tv_sec += (time_t) (usec / G_USEC_PER_SEC);
        (void) pthread_mutex_lock(&consoles->mutex);
        while (consoles->n_spoken < consoles->n_items)
                if (pthread_cond_timedwait(&consoles->changed, &consoles->mutex, &ts) != 0)
                        break;
        (void) pthread_mutex_unlock(&consoles->mutex);
}

uint64_t consoles_first(Consoles *consoles, unsigned item)
{
        uint64_t first;

        (void) pthread_mutex_lock(&consoles->mutex);
        first = consoles->items[item].first;
        (void) pthread_mutex_unlock(&consoles->mutex);
        return first;
}
