/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Called by network.c. The thread and the others share the queue, and numbers that are atomic. */

#include "switch/capture.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "config.h"
#include "link/packet-filter.h"
#include "switch/pcapng.h"

#define APPLICATION "shruthi-switch " SHRUTHI_VERSION
#define CHUNK       (64 * 1024)

struct Capture {
        int fd, stop_fd, done_fd;
        bool is_pipe;
        uint64_t max_bytes;
        uint32_t snaplen;
        PacketFilter *filter; /* NULL: all frames */
        bool by_link;
        GHashTable *members, *others; /* sets; NULL: all */
        GHashTable *interfaces;       /* key → number + 1 */
        GByteArray *chunk;
        uint64_t bytes, packets, dropped;
        GAsyncQueue *queue; /* GByteArray; an empty one is the end */
        GThread *thread;
        gint waiting; /* bytes in the queue */
        gint failed;  /* errno of a write */
        gint finished;
};

/* A file takes what it is given. A pipe takes PIPE_BUF bytes whenever poll() says that it takes any
 * (pipe(7)), so that nothing blocks. */
static int capture_write(Capture *capture, const uint8_t *data, size_t size)
{
        while (size > 0) {
                struct pollfd polls[] = {
                                {.fd = capture->stop_fd, .events = POLLIN},
                                {.fd = capture->fd, .events = POLLOUT},
                };
                size_t part = capture->is_pipe ? MIN(size, PIPE_BUF) : size;
                ssize_t n;

                if (capture->is_pipe && TEMP_FAILURE_RETRY(poll(polls, G_N_ELEMENTS(polls), -1)) < 0)
                        return -errno;
                if (capture->is_pipe && polls[0].revents)
                        return -ECANCELED;
                n = TEMP_FAILURE_RETRY(write(capture->fd, data, part));
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                data += n;
                size -= (size_t) n;
        }
        return 0;
}

static gpointer capture_run(gpointer data)
{
        Capture *capture = data;
        bool ended = false;

        while (!ended) {
                g_autoptr(GByteArray) chunk = g_async_queue_pop(capture->queue);

                ended = chunk->len == 0;
                if (!g_atomic_int_get(&capture->failed)) {
                        int r = capture_write(capture, chunk->data, chunk->len);

                        if (r < 0)
                                g_atomic_int_set(&capture->failed, -r);
                }
                (void) g_atomic_int_add(&capture->waiting, -(gint) chunk->len);
        }
        (void) close_safe(TAKE_FD(capture->fd));
        g_atomic_int_set(&capture->finished, 1);
        (void) eventfd_write(capture->done_fd, 1);
        return NULL;
}

static GHashTable *names_to_set(char *const *names)
{
        GHashTable *set;

        if (!names)
                return NULL;
        set = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (; *names; names++)
                g_hash_table_add(set, g_strdup(*names));
        return set;
}

int capture_new(const SwitchRequest *request, int *taken_fd, int done_fd, Capture **ret_capture,
                Error *ret_error)
{
        g_autoptr(PacketFilter) filter = NULL;
        Capture *capture;
        struct stat st;
        int stop_fd, r;

        if (*taken_fd < 0 || fstat(*taken_fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode)))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "a capture needs a descriptor of a file or a pipe to write to");
        r = request->filter ? packet_filter_parse(request->filter, &filter, ret_error) : 0;
        if (r < 0)
                return r;
        stop_fd = eventfd(0, EFD_CLOEXEC);
        if (stop_fd < 0)
                return error_set_errno(ret_error, errno, "The capture cannot begin");

        capture = g_new(Capture, 1);
        *capture = (Capture){
                        .fd = TAKE_FD(*taken_fd),
                        .stop_fd = stop_fd,
                        .done_fd = done_fd,
                        .is_pipe = S_ISFIFO(st.st_mode),
                        .max_bytes = request->max_bytes > 0 ? request->max_bytes : UINT64_MAX,
                        .snaplen = request->snaplen,
                        .filter = g_steal_pointer(&filter),
                        .by_link = request->by_link,
                        .members = names_to_set(request->members),
                        .others = names_to_set(request->others),
                        .interfaces = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                        .chunk = g_byte_array_new(),
                        .queue = g_async_queue_new_full((GDestroyNotify) g_byte_array_unref),
        };
        pcapng_append_section(capture->chunk, APPLICATION);
        capture->bytes = capture->chunk->len;
        capture->thread = g_thread_new("capture", capture_run, capture);
        *ret_capture = capture;
        return 0;
}

void capture_free(Capture *capture)
{
        if (!capture)
                return;

        (void) g_thread_join(capture->thread);
        g_async_queue_unref(capture->queue);
        g_byte_array_unref(capture->chunk);
        g_hash_table_unref(capture->interfaces);
        g_clear_pointer(&capture->members, g_hash_table_unref);
        g_clear_pointer(&capture->others, g_hash_table_unref);
        packet_filter_free(capture->filter);
        (void) close_safe(capture->fd);
        (void) close_safe(capture->stop_fd);
        g_free(capture);
}

bool capture_is_by_link(const Capture *capture)
{
        return capture->by_link;
}

static bool set_has(GHashTable *set, const char *name)
{
        return !set || g_hash_table_contains(set, name);
}

static bool capture_matches(const Capture *capture, const uint8_t *frame, size_t size)
{
        return !capture->filter || packet_filter_matches(capture->filter, frame, size);
}

bool capture_wants(const Capture *capture, const char *member, const uint8_t *frame, size_t size)
{
        return !capture->by_link && set_has(capture->members, member) &&
               capture_matches(capture, frame, size);
}

bool capture_wants_link(
                const Capture *capture, const char *from, const char *to, const uint8_t *frame, size_t size)
{
        bool is_between = (set_has(capture->members, from) && set_has(capture->others, to)) ||
                          (set_has(capture->members, to) && set_has(capture->others, from));

        return capture->by_link && is_between && capture_matches(capture, frame, size);
}

static bool capture_has_room(const Capture *capture, size_t bytes)
{
        return !g_atomic_int_get(&capture->failed) && bytes <= capture->max_bytes &&
               capture->bytes <= capture->max_bytes - bytes &&
               (size_t) g_atomic_int_get(&capture->waiting) + capture->chunk->len + bytes <=
                               CAPTURE_WAITING_MAX;
}

void capture_add(Capture *capture, const char *key, const char *name, bool sent, uint64_t nsec,
                const uint8_t *frame, size_t size)
{
        guint number = GPOINTER_TO_UINT(g_hash_table_lookup(capture->interfaces, key)),
              n = g_hash_table_size(capture->interfaces);
        size_t captured = capture->snaplen > 0 ? MIN(size, capture->snaplen) : size;
        size_t bytes = pcapng_packet_size(captured) + (number == 0 ? pcapng_interface_size(name) : 0);

        if ((number == 0 && n == CAPTURE_INTERFACES_MAX) || !capture_has_room(capture, bytes)) {
                capture->dropped++;
                return;
        }
        if (number == 0) {
                number = n + 1;
                g_hash_table_insert(capture->interfaces, g_strdup(key), GUINT_TO_POINTER(number));
                pcapng_append_interface(capture->chunk, name, capture->snaplen);
        }
        pcapng_append_packet(capture->chunk, number - 1, sent, nsec, frame, captured, size);
        capture->bytes += bytes;
        capture->packets++;
        if (capture->chunk->len >= CHUNK)
                capture_flush(capture);
}

static void capture_push(Capture *capture, GByteArray *taken_chunk)
{
        (void) g_atomic_int_add(&capture->waiting, (gint) taken_chunk->len);
        g_async_queue_push(capture->queue, taken_chunk);
}

void capture_flush(Capture *capture)
{
        if (capture->chunk->len == 0)
                return;
        capture_push(capture, capture->chunk);
        capture->chunk = g_byte_array_new();
}

void capture_finish(Capture *capture)
{
        capture_flush(capture);
        capture_push(capture, g_byte_array_new());
}

bool capture_is_finished(const Capture *capture)
{
        return g_atomic_int_get(&capture->finished) != 0;
}

void capture_abandon(Capture *capture)
{
        (void) eventfd_write(capture->stop_fd, 1);
}

/* After a write that failed nobody knows what is in the file. */
char *capture_statistics(const Capture *capture)
{
        bool failed = g_atomic_int_get(&capture->failed) != 0;

        return g_strdup_printf("%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
                        failed ? 0 : capture->packets, failed ? 0 : capture->bytes,
                        capture->dropped + (failed ? capture->packets : 0));
}
