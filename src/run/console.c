/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The guest's console: from the FIFO, line by line, into the journal. */

#include "run/console.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "common/io.h"
#include "run/console-lines.h"
#include "run/token-bucket.h"

#define LOOK_SIZE          (64 * 1024) /* a pipe's own size */
#define PIPE_PAGE          4096

/* What is known about a guest before it runs, such as its checks, is read before what it prints. */
#define CONSOLE_PRIORITY (SD_EVENT_PRIORITY_NORMAL + 1)

#define JOURNAL_RETRY_USEC (100 * 1000)

/* QEMU writes byte by byte, and each write is an event. Up to 4 are handled at once, then one look per 10 ms
 * is enough. */
#define LOOKS_USEC  (10 * 1000)
#define LOOKS_BURST 4

struct Console {
        sd_event *event;
        int fd;
        size_t capacity;         /* of the pipe */
        size_t seen;             /* bytes in the pipe that the hook has already seen */
        Journal *journal;
        ConsoleHooks hooks;
        void *userdata;
        TokenBucket bucket;
        UserRate *user_rate;     /* or NULL */
        bool user_waits;         /* the rate makes it wait, and that was reported, once per run */
        sd_event_source *source; /* the FIFO; off while waiting for something else */
        sd_event_source *pause;  /* for a time, or for room in the journal's queue */
        sd_event_source *again;
};

/* A copy of what is in the pipe. Mapped rather than on the heap, so that its memory is given back. */
typedef struct ConsoleLook {
        char *data;
        size_t size;
        bool cut;  /* there is more than could be copied */
        bool full; /* the pipe holds no more */
} ConsoleLook;

static void console_look_clear(ConsoleLook *look)
{
        if (look->data)
                (void) munmap(look->data, LOOK_SIZE);
}

static size_t pipe_fill(int fd)
{
        int n = 0;

        return ioctl(fd, FIONREAD, &n) < 0 || n < 0 ? 0 : (size_t) n;
}

static bool pipe_hung_up(int fd)
{
        struct pollfd p = {.fd = fd, .events = POLLIN};

        return poll(&p, 1, 0) > 0 && (p.revents & POLLHUP);
}

static int console_look(Console *console, ConsoleLook *look)
{
        int ends[2] = {-EBADF, -EBADF};
        _cleanup_close_ int from = -EBADF, to = -EBADF;
        size_t fill = pipe_fill(console->fd);
        ssize_t n;

        if (fill == 0)
                return 0;

        look->data = mmap(NULL, LOOK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (look->data == MAP_FAILED) {
                look->data = NULL;
                return -ENOMEM;
        }

        /* Made for this look only: the pages of all pipes of a user are counted (pipe-user-pages-soft), and
         * with a thousand guests this one has to be small, or gone. */
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        from = ends[0];
        to = ends[1];

        if (tee(console->fd, to, LOOK_SIZE, SPLICE_F_NONBLOCK) < 0)
                return errno == EAGAIN ? 0 : -errno;
        while (look->size < LOOK_SIZE &&
                        (n = read(from, look->data + look->size, LOOK_SIZE - look->size)) > 0)
                look->size += (size_t) n;

        look->cut = look->size < fill;
        look->full = fill + PIPE_PAGE > console->capacity;
        return 0;
}

static int pipe_consume(int fd, char *scratch, size_t size)
{
        while (size > 0) {
                ssize_t n = read(fd, scratch, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                size -= (size_t) n;
        }

        return 0;
}

static uint64_t console_now_usec(void)
{
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * G_USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

static int console_resume(Console *console)
{
        console->pause = sd_event_source_disable_unref(console->pause);
        (void) sd_event_source_set_enabled(console->again, SD_EVENT_ONESHOT);

        /* What was written meanwhile causes an event as soon as the FIFO is watched again. */
        return sd_event_source_set_enabled(console->source, SD_EVENT_ON);
}

static int on_console_pause_over(sd_event_source *source, uint64_t usec, void *userdata)
{
        return console_resume(userdata);
}

static int on_console_journal_space(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        return console_resume(userdata);
}

static void console_pause(Console *console, uint64_t usec)
{
        if (sd_event_add_time_relative(console->event, &console->pause, CLOCK_MONOTONIC, usec, 0,
                            on_console_pause_over, console) >= 0)
                (void) sd_event_source_set_enabled(console->source, SD_EVENT_OFF);
}

static void console_pause_for_journal(Console *console, int r)
{
        int fd = journal_fd(console->journal);

        if (r != -EAGAIN || fd < 0 ||
                        sd_event_add_io(console->event, &console->pause, fd, EPOLLOUT,
                                        on_console_journal_space, console) < 0)
                console_pause(console, JOURNAL_RETRY_USEC);
        else
                (void) sd_event_source_set_enabled(console->source, SD_EVENT_OFF);
}

/* How many µs to wait before a line may be taken; 0 if it is paid for. */
static uint64_t console_pay(Console *console, uint64_t size)
{
        uint64_t now = console_now_usec(),
                 usec = console->user_rate ? user_rate_wait(console->user_rate, now) : 0;
        bool episode = false;

        if (usec > 0) {
                if (!console->user_waits)
                        console->hooks.throttled(console->userdata, "ConsoleRatePerUser");
                console->user_waits = true;
                return usec;
        }

        usec = token_bucket_take(&console->bucket, size, now, &episode);
        if (episode)
                console->hooks.throttled(console->userdata, "ConsoleRate");
        if (usec == 0 && console->user_rate)
                user_rate_take(console->user_rate, size, now);
        return usec;
}

/* Returns false if the line has to stay in the pipe for now. */
static bool console_take_line(Console *console, const ConsoleLine *line, bool hurry)
{
        uint64_t usec = hurry ? 0 : console_pay(console, line->consumed + CONSOLE_LINE_COST);
        int r;

        if (usec > 0) {
                console_pause(console, usec);
                return false;
        }

        console->hooks.line(console->userdata, line->text, line->size);
        r = journal_send_line(console->journal, line->text, line->size);
        if (r < 0) {
                console_pause_for_journal(console, r);
                return false;
        }

        return true;
}

/* Whether the rest of a look after done bytes is a line even without a newline: nothing will follow, or
 * nothing can, since the pipe is smaller than a line (beyond pipe-user-pages-soft the kernel grants two
 * pages only). */
static bool console_look_is_complete(const ConsoleLook *look, size_t done, bool hung_up)
{
        return (hung_up && !look->cut) || (done == 0 && (look->cut || look->full));
}

static int console_work(Console *console)
{
        __attribute__((cleanup(console_look_clear))) ConsoleLook look = {};
        /* Checked before looking: what was written before the end is in the pipe by now. */
        bool hung_up = pipe_hung_up(console->fd);
        ConsoleLine line;
        size_t done = 0;
        int r;

        if (console->pause)
                return 0;

        r = console_look(console, &look);
        if (r < 0) {
                console_pause(console, JOURNAL_RETRY_USEC);
                return 0;
        }
        console->seen = MIN(console->seen, look.size);
        if (look.size > console->seen) {
                console->hooks.bytes(
                                console->userdata, look.data + console->seen, look.size - console->seen);
                console->seen = look.size;
        }

        while (console_line_next(look.data + done, look.size - done,
                        console_look_is_complete(&look, done, hung_up), &line)) {
                if (!console_take_line(console, &line, hung_up))
                        return 0;
                /* The text is no longer needed, and its memory is used for the same bytes. */
                r = pipe_consume(console->fd, look.data + done, line.consumed);
                if (r < 0) {
                        /* Somebody else has read from the FIFO. What they took is lost, but what follows
                         * need not be. */
                        console->seen = 0;
                        return sd_event_source_set_enabled(console->again, SD_EVENT_ONESHOT);
                }
                done += line.consumed;
                console->seen -= line.consumed;
        }

        if (done > 0 && pipe_fill(console->fd) > look.size - done)
                (void) sd_event_source_set_enabled(console->again, SD_EVENT_ONESHOT);
        else if (console_has_ended(console))
                console->hooks.ended(console->userdata);

        return 0;
}

static int on_console_again(sd_event_source *source, void *userdata)
{
        return console_work(userdata);
}

static int on_console_fifo(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        return console_work(userdata);
}

int console_new(sd_event *event, int fd, Journal *journal, const ConsoleHooks *hooks, void *userdata,
                Console **ret_console)
{
        int capacity = fcntl(fd, F_GETPIPE_SZ);
        Console *console;
        int r;

        if (capacity < 0)
                return -errno;

        console = g_new(Console, 1);
        *console = (Console){
                .event = event,
                .fd = fd,
                .capacity = (size_t) capacity,
                .journal = journal,
                .hooks = *hooks,
                .userdata = userdata,
        };
        token_bucket_init(&console->bucket, UINT64_MAX, UINT64_MAX, 0);

        /* Edge-triggered: an incomplete line stays in the pipe, and is no event until more comes. Since
         * Linux 5.14 every write is an event, not only one into an empty pipe. */
        r = sd_event_add_io(event, &console->source, fd, EPOLLIN | EPOLLET, on_console_fifo, console);
        if (r >= 0)
                r = sd_event_source_set_ratelimit(console->source, LOOKS_USEC, LOOKS_BURST);
        if (r >= 0)
                r = sd_event_source_set_priority(console->source, CONSOLE_PRIORITY);
        if (r >= 0)
                r = sd_event_add_defer(event, &console->again, on_console_again, console);
        if (r >= 0)
                r = sd_event_source_set_priority(console->again, CONSOLE_PRIORITY);
        if (r < 0) {
                console_free(console);
                return r;
        }

        *ret_console = console;
        return 0;
}

void console_free(Console *console)
{
        if (!console)
                return;

        sd_event_source_disable_unref(console->source);
        sd_event_source_disable_unref(console->pause);
        sd_event_source_disable_unref(console->again);
        user_rate_free(console->user_rate);
        g_free(console);
}

void console_set_rate(Console *console, uint64_t rate, uint64_t burst, UserRate *user)
{
        user_rate_free(console->user_rate);
        console->user_rate = user;
        token_bucket_init(&console->bucket, rate, burst, console_now_usec());
        if (console->pause)
                (void) console_resume(console);
}

bool console_has_ended(const Console *console)
{
        return pipe_hung_up(console->fd) && pipe_fill(console->fd) == 0;
}
