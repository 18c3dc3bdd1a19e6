/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every byte of the console reaches the journal, in order, whatever is slow or away; a line leaves the pipe
 * only when the journal has it; silence costs nothing. With a real FIFO, and a socket in the journal's
 * place. */

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/io.h"
#include "run/console-lines.h"
#include "run/console.h"

typedef struct Fixture {
        char *dir, *fifo, *socket;
        int writer, reader, journald;
        sd_event *event;
        Journal *journal;
        Console *console;
        GString *bytes;    /* what the hook was given */
        GPtrArray *lines;  /* what came to the journal: GBytes */
        GString *last;     /* the last datagram as it is */
        unsigned throttled, ended;
        bool thief; /* empties the FIFO while we look at it, once */
} Fixture;

static void journald_start(Fixture *f)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        (void) g_unlink(f->socket);
        strcpy(address.sun_path, f->socket);
        f->journald = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        g_assert_cmpint(bind(f->journald, (struct sockaddr *) &address, sizeof address), ==, 0);
}

static void journald_stop(Fixture *f)
{
        f->journald = close_safe(f->journald);
        g_assert_cmpint(g_unlink(f->socket), ==, 0);
}

static void journald_read(Fixture *f)
{
        static char datagram[256 * 1024];
        ssize_t n;

        while (f->journald >= 0 && (n = recv(f->journald, datagram, sizeof datagram, 0)) > 0) {
                const char *end = memchr(datagram, '\n', (size_t) n);

                g_assert_nonnull(end);
                g_assert_true(g_str_has_prefix(datagram, "MESSAGE="));
                g_ptr_array_add(f->lines, g_bytes_new(datagram + 8, (size_t) (end - datagram - 8)));
                g_string_assign(f->last, "");
                g_string_append_len(f->last, datagram, n);
        }
}

static void on_bytes(void *userdata, const char *data, size_t size)
{
        g_string_append_len(((Fixture *) userdata)->bytes, data, (gssize) size);
}

static void on_line(void *userdata, const char *text, size_t size)
{
        Fixture *f = userdata;
        char stolen[64];

        g_assert_nonnull(text);
        if (f->thief)
                g_assert_cmpint(read(f->writer, stolen, sizeof stolen), >, 0);
        f->thief = false;
}

static void on_throttled(void *userdata, const char *setting)
{
        ((Fixture *) userdata)->throttled++;
}

static void on_ended(void *userdata)
{
        ((Fixture *) userdata)->ended++;
}

static const ConsoleHooks hooks = {
        .bytes = on_bytes,
        .line = on_line,
        .throttled = on_throttled,
        .ended = on_ended,
};

static void line_free(gpointer data)
{
        g_bytes_unref(data);
}

static void set_up(Fixture *f, const void *data)
{
        const LogObject object = {.unikernel = "a", .owner = "1000"};

        f->dir = g_dir_make_tmp("shruthi-console-XXXXXX", NULL);
        f->fifo = g_build_filename(f->dir, "fifo", NULL);
        f->socket = g_build_filename(f->dir, "journal", NULL);
        f->bytes = g_string_new(NULL);
        f->last = g_string_new(NULL);
        f->lines = g_ptr_array_new_with_free_func(line_free);
        journald_start(f);

        g_assert_cmpint(mkfifo(f->fifo, 0600), ==, 0);
        f->reader = open(f->fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        f->writer = -EBADF;
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        g_assert_cmpint(journal_new(f->socket, &object, &f->journal), ==, 0);
        g_assert_cmpint(console_new(f->event, f->reader, f->journal, &hooks, f, &f->console), ==, 0);
}

static void tear_down(Fixture *f, const void *data)
{
        console_free(f->console);
        journal_free(f->journal);
        sd_event_unref(f->event);
        (void) close_safe(f->reader);
        (void) close_safe(f->writer);
        if (f->journald >= 0)
                journald_stop(f);
        g_assert_cmpint(g_unlink(f->fifo), ==, 0);
        g_assert_cmpint(g_rmdir(f->dir), ==, 0);
        g_string_free(f->bytes, TRUE);
        g_string_free(f->last, TRUE);
        g_ptr_array_unref(f->lines);
        g_free(f->dir);
        g_free(f->fifo);
        g_free(f->socket);
}

static void guest_opens(Fixture *f)
{
        /* As QEMU does it. */
        f->writer = open(f->fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        g_assert_cmpint(f->writer, >=, 0);
}

static void guest_writes(Fixture *f, const char *text)
{
        g_assert_cmpint(write_all(f->writer, text, strlen(text)), ==, 0);
}

/* Goes on until nothing happens any more, however slow the machine is: every time that is waited for is shorter
 * than msec and so wakes us first, once to look again and once more to be seen. Returns how often something
 * happened; what never comes to rest fails. */
static unsigned turn(Fixture *f, unsigned msec)
{
        unsigned events = 0;

        for (unsigned idle = 0; idle < 3; idle++) {
                int r = sd_event_run(f->event, msec * 1000);

                g_assert_cmpint(r, >=, 0);
                journald_read(f);
                if (r > 0) {
                        g_assert_cmpuint(++events, <, 1000);
                        idle = 0;
                }
        }
        return events;
}

static size_t in_pipe(Fixture *f)
{
        int n = 0;

        g_assert_cmpint(ioctl(f->reader, FIONREAD, &n), ==, 0);
        return (size_t) n;
}

static void assert_lines(Fixture *f, const char *expected)
{
        g_autoptr(GString) all = g_string_new(NULL);

        for (unsigned i = 0; i < f->lines->len; i++) {
                size_t size;
                const char *line = g_bytes_get_data(f->lines->pdata[i], &size);

                g_string_append_len(all, line, (gssize) size);
                g_string_append_c(all, '|');
        }
        g_assert_cmpstr(all->str, ==, expected);
}

static void test_lines_come_in_order(Fixture *f, const void *data)
{
        guest_opens(f);
        guest_writes(f, "one\r\ntwo\n\nthr");
        turn(f, 50);
        assert_lines(f, "one|two||");
        g_assert_cmpuint(in_pipe(f), ==, 3);

        guest_writes(f, "ee\r\n");
        turn(f, 50);
        assert_lines(f, "one|two||three|");
        g_assert_cmpuint(in_pipe(f), ==, 0);
        g_assert_cmpstr(f->bytes->str, ==, "one\r\ntwo\n\nthree\r\n");
        g_assert_cmpstr(f->last->str, ==,
                        "MESSAGE=three\nSYSLOG_IDENTIFIER=a\nPRIORITY=6\nSHRUTHI_UNIKERNEL=a\nSHRUTHI_OWNER="
                        "1000\n");
        g_assert_cmpuint(f->ended, ==, 0);
}

static void test_the_last_words_count_without_newline(Fixture *f, const void *data)
{
        g_assert_false(console_has_ended(f->console)); /* nobody was there yet */
        guest_opens(f);
        guest_writes(f, "last\nwords");
        f->writer = close_safe(f->writer);
        turn(f, 50);
        assert_lines(f, "last|words|");
        g_assert_cmpuint(f->ended, >=, 1);
        g_assert_true(console_has_ended(f->console));
}

static void test_binary_passes(Fixture *f, const void *data)
{
        static const char bytes[] = "a\0b\xff\x1b[0m\n";
        size_t size;
        const char *line;

        guest_opens(f);
        g_assert_cmpint(write_all(f->writer, bytes, sizeof bytes - 1), ==, 0);
        turn(f, 50);
        g_assert_cmpuint(f->lines->len, ==, 1);
        line = g_bytes_get_data(f->lines->pdata[0], &size);
        g_assert_cmpmem(line, size, bytes, sizeof bytes - 2);
}

/* What the journal has not taken stays where a runner that comes after us finds it. */
static void test_lines_wait_for_a_journal_that_is_away(Fixture *f, const void *data)
{
        guest_opens(f);
        journald_stop(f);
        guest_writes(f, "one\ntwo\n");
        /* It tries again and again, so there is no rest. */
        for (unsigned i = 0; i < 5; i++)
                g_assert_cmpint(sd_event_run(f->event, 300 * 1000), >=, 0);
        g_assert_cmpuint(in_pipe(f), ==, 8);

        journald_start(f);
        turn(f, 300);
        assert_lines(f, "one|two|");
        g_assert_cmpuint(in_pipe(f), ==, 0);
        g_assert_cmpstr(f->bytes->str, ==, "one\ntwo\n");
}

static void test_lines_wait_for_a_slow_journal(Fixture *f, const void *data)
{
        unsigned written = 0;

        guest_opens(f);
        /* Nobody reads the journal's socket: its queue fills, then the pipe. */
        for (unsigned i = 0; i < 400; i++) {
                char text[32];
                int n = snprintf(text, sizeof text, "%u\n", written);

                if (write(f->writer, text, (size_t) n) == n)
                        written++;
                if (i % 10 == 0)
                        g_assert_cmpint(sd_event_run(f->event, 0), >=, 0);
        }
        g_assert_cmpuint(in_pipe(f), >, 0);

        turn(f, 50);
        g_assert_cmpuint(in_pipe(f), ==, 0);
        g_assert_cmpuint(f->lines->len, ==, written);
        for (unsigned i = 0; i < written; i++) {
                g_autofree char *expected = g_strdup_printf("%u", i);
                size_t size;
                const char *line = g_bytes_get_data(f->lines->pdata[i], &size);

                g_assert_cmpmem(line, size, expected, strlen(expected));
        }
}

static void test_a_flood_comes_through_whole(Fixture *f, const void *data)
{
        const unsigned total = 20000;
        unsigned written = 0;

        guest_opens(f);
        while (f->lines->len < total) {
                char text[64];
                int n = snprintf(text, sizeof text, "line %u of a guest that does not stop\r\n", written);

                while (written < total && write(f->writer, text, (size_t) n) == n) {
                        written++;
                        n = snprintf(text, sizeof text, "line %u of a guest that does not stop\r\n",
                                        written);
                }
                g_assert_cmpint(sd_event_run(f->event, 5000), >=, 0);
                journald_read(f);
        }
        for (unsigned i = 0; i < total; i++) {
                g_autofree char *expected = g_strdup_printf("line %u of a guest that does not stop", i);
                size_t size;
                const char *line = g_bytes_get_data(f->lines->pdata[i], &size);

                g_assert_cmpmem(line, size, expected, strlen(expected));
        }
}

static void test_byte_by_byte_is_the_same(Fixture *f, const void *data)
{
        static const char text[] = "The quick brown fox\r\njumps\r\n";

        guest_opens(f);
        for (const char *p = text; *p; p++) {
                g_assert_cmpint(write(f->writer, p, 1), ==, 1);
                g_assert_cmpint(sd_event_run(f->event, 0), >=, 0);
        }
        turn(f, 50);
        assert_lines(f, "The quick brown fox|jumps|");
        g_assert_cmpstr(f->bytes->str, ==, text);
}

static void test_long_lines_are_split(Fixture *f, const void *data)
{
        size_t size, total = 0;

        guest_opens(f);
        for (unsigned i = 0; i < 100 * 1024; i++) {
                while (write(f->writer, "x", 1) != 1)
                        turn(f, 50);
        }
        guest_writes(f, "\n");
        turn(f, 50);

        g_assert_cmpuint(f->lines->len, ==, 3);
        for (unsigned i = 0; i < 3; i++) {
                (void) g_bytes_get_data(f->lines->pdata[i], &size);
                g_assert_cmpuint(size, ==, i < 2 ? CONSOLE_LINE_MAX : 4 * 1024);
                total += size;
        }
        g_assert_cmpuint(total, ==, 100 * 1024);
}

/* Beyond pipe-user-pages-soft the kernel gives out small pipes: a line that does not fit must not stop the
 * guest. */
static void test_a_small_pipe_is_no_deadlock(Fixture *f, const void *data)
{
        size_t total = 0;

        console_free(f->console);
        g_assert_cmpint(fcntl(f->reader, F_SETPIPE_SZ, 4096), ==, 4096);
        g_assert_cmpint(console_new(f->event, f->reader, f->journal, &hooks, f, &f->console), ==, 0);

        guest_opens(f);
        for (unsigned i = 0; i < 10000; i++) {
                if (write(f->writer, "x", 1) == 1)
                        continue;
                turn(f, 50);
                g_assert_cmpint(write(f->writer, "x", 1), ==, 1);
        }
        f->writer = close_safe(f->writer);
        turn(f, 50);
        for (unsigned i = 0; i < f->lines->len; i++)
                total += g_bytes_get_size(f->lines->pdata[i]);
        g_assert_cmpuint(total, ==, 10000);
}

/* At no time more has come than the time that has passed allows. */
static void test_a_fast_writer_waits(Fixture *f, const void *data)
{
        const unsigned rate = 20, burst = 2, total = 12, cost = CONSOLE_LINE_COST + sizeof "x\n" - 1;
        gint64 begin = g_get_monotonic_time(), passed;

        guest_opens(f);
        console_set_rate(f->console, rate * cost, burst * cost, NULL);
        for (unsigned i = 0; i < total; i++)
                guest_writes(f, "x\n");
        while (f->lines->len < total) {
                g_assert_cmpint(sd_event_run(f->event, UINT64_MAX), >=, 0);
                journald_read(f);
                passed = g_get_monotonic_time() - begin;
                g_assert_cmpint(f->lines->len, <=, burst + passed * rate / G_USEC_PER_SEC + 1);
        }
        g_assert_cmpuint(f->throttled, >=, 1);
}

static void test_the_throttle_can_be_lifted(Fixture *f, const void *data)
{
        guest_opens(f);
        console_set_rate(f->console, 1, 1, NULL);
        guest_writes(f, "one\ntwo\n");
        turn(f, 50);
        guest_writes(f, "three\n");
        turn(f, 50);
        assert_lines(f, "one|");
        g_assert_cmpuint(f->throttled, ==, 1);
        console_set_rate(f->console, UINT64_MAX, UINT64_MAX, NULL);
        turn(f, 50);
        assert_lines(f, "one|two|three|");
}

static void test_silence_costs_no_wake_up(Fixture *f, const void *data)
{
        guest_opens(f);
        guest_writes(f, "line\nand a piece");
        turn(f, 50);
        g_assert_cmpuint(turn(f, 300), ==, 0);
}

/* An administrator's "cat", say. */
static void test_another_reader_is_no_end(Fixture *f, const void *data)
{
        guest_opens(f);
        f->thief = true;
        guest_writes(f, "one\ntwo\n");
        turn(f, 50);
        guest_writes(f, "three\n");
        turn(f, 50);
        assert_lines(f, "one|three|");
        g_assert_cmpstr(f->bytes->str, ==, "one\ntwo\nthree\n");
        f->writer = close_safe(f->writer);
        turn(f, 50);
        g_assert_cmpuint(f->ended, >, 0);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
#define ADD(path, function) g_test_add("/run/console/" path, Fixture, NULL, set_up, function, tear_down)
        ADD("lines-come-in-order", test_lines_come_in_order);
        ADD("the-last-words-count-without-newline", test_the_last_words_count_without_newline);
        ADD("binary-passes", test_binary_passes);
        ADD("lines-wait-for-a-journal-that-is-away", test_lines_wait_for_a_journal_that_is_away);
        ADD("lines-wait-for-a-slow-journal", test_lines_wait_for_a_slow_journal);
        ADD("a-flood-comes-through-whole", test_a_flood_comes_through_whole);
        ADD("byte-by-byte-is-the-same", test_byte_by_byte_is_the_same);
        ADD("long-lines-are-split", test_long_lines_are_split);
        ADD("a-small-pipe-is-no-deadlock", test_a_small_pipe_is_no_deadlock);
        ADD("a-fast-writer-waits", test_a_fast_writer_waits);
        ADD("the-throttle-can-be-lifted", test_the_throttle_can_be_lifted);
        ADD("another-reader-is-no-end", test_another_reader_is_no_end);
        ADD("silence-costs-no-wake-up", test_silence_costs_no_wake_up);
        return g_test_run();
}
