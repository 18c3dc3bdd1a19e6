/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Readers of the console get what they can take, and none of them makes anyone wait. */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/io.h"
#include "run/console-server.h"

typedef struct Fixture {
        char *dir, *socket, *input;
        sd_event *event;
        ConsoleServer *server;
} Fixture;

static void set_up(Fixture *f, const void *data)
{
        f->dir = g_dir_make_tmp("shruthi-server-XXXXXX", NULL);
        f->socket = g_build_filename(f->dir, "console", NULL);
        f->input = g_build_filename(f->dir, "console.in", NULL);
        g_assert_cmpint(mkfifo(f->input, 0600), ==, 0);
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        g_assert_cmpint(console_server_new(f->event, f->socket, f->input, &f->server), ==, 0);
}

static void tear_down(Fixture *f, const void *data)
{
        console_server_free(f->server);
        sd_event_unref(f->event);
        g_assert_cmpint(g_unlink(f->input), ==, 0);
        /* The socket is gone with the server. */
        g_assert_cmpint(g_rmdir(f->dir), ==, 0);
        g_free(f->dir);
        g_free(f->socket);
        g_free(f->input);
}

static void turn(Fixture *f)
{
        while (sd_event_run(f->event, 20 * 1000) > 0)
                ;
}

static int client_new(Fixture *f)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        strcpy(address.sun_path, f->socket);
        g_assert_cmpint(connect(fd, (struct sockaddr *) &address, sizeof address), ==, 0);
        turn(f);
        return fd;
}

static char *client_read(int fd)
{
        GString *text = g_string_new(NULL);
        char buffer[4096];
        ssize_t n;

        while ((n = read(fd, buffer, sizeof buffer)) > 0)
                g_string_append_len(text, buffer, n);
        return g_string_free(text, FALSE);
}

static void test_only_its_owner_may_connect(Fixture *f, const void *data)
{
        struct stat st;

        g_assert_cmpint(stat(f->socket, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 07777, ==, 0600);
}

static void test_every_client_gets_a_copy_from_when_it_connected(Fixture *f, const void *data)
{
        _cleanup_close_ int first = client_new(f), second = -EBADF;
        g_autofree char *a = NULL, *b = NULL;

        console_server_copy(f->server, "one ", 4);
        second = client_new(f);
        console_server_copy(f->server, "two", 3);
        a = client_read(first);
        b = client_read(second);
        g_assert_cmpstr(a, ==, "one two");
        g_assert_cmpstr(b, ==, "two");
}

static void test_a_slow_reader_loses_and_is_told(Fixture *f, const void *data)
{
        _cleanup_close_ int slow = client_new(f), quick = client_new(f);
        g_autofree char *chunk = g_strnfill(64 * 1024, 'x');
        g_autofree char *before = NULL, *after = NULL;
        size_t got = 0;

        for (unsigned i = 0; i < 50; i++) {
                g_autofree char *text = NULL;

                console_server_copy(f->server, chunk, 64 * 1024);
                text = client_read(quick);
                got += strlen(text);
        }
        g_assert_cmpuint(got, ==, 50 * 64 * 1024);

        before = client_read(slow);
        g_assert_cmpuint(strlen(before), <, 50 * 64 * 1024);
        turn(f);
        console_server_copy(f->server, "fresh", 5);
        after = client_read(slow);
        g_assert_true(g_str_has_prefix(after, "\r\n["));
        g_assert_true(g_str_has_suffix(after, " bytes lost: read too slowly]\r\nfresh"));
        g_assert_cmpuint(strlen(before) + g_ascii_strtoull(after + 3, NULL, 10), ==, 50 * 64 * 1024);
}

static void test_what_readers_say_goes_to_the_guest(Fixture *f, const void *data)
{
        _cleanup_close_ int guest = open(f->input, O_RDWR | O_NONBLOCK | O_CLOEXEC), client = client_new(f);
        char buffer[16] = "";

        g_assert_cmpint(write(client, "hello\n", 6), ==, 6);
        turn(f);
        g_assert_cmpint(read(guest, buffer, sizeof buffer), ==, 6);
        g_assert_cmpstr(buffer, ==, "hello\n");
}

/* Nobody reads the FIFO: what does not fit is dropped, and the server goes on. */
static void test_a_guest_that_does_not_read_stops_nobody(Fixture *f, const void *data)
{
        _cleanup_close_ int guest = open(f->input, O_RDWR | O_NONBLOCK | O_CLOEXEC), client = client_new(f);
        g_autofree char *chunk = g_strnfill(4096, 'x'), *text = NULL;

        for (unsigned i = 0; i < 100; i++) {
                g_assert_cmpint(write(client, chunk, 4096), ==, 4096);
                turn(f);
        }
        console_server_copy(f->server, "alive", 5);
        text = client_read(client);
        g_assert_cmpstr(text, ==, "alive");
}

static void test_input_without_a_guest_is_dropped(Fixture *f, const void *data)
{
        _cleanup_close_ int client = client_new(f);
        g_autofree char *text = NULL;

        g_assert_cmpint(write(client, "x", 1), ==, 1);
        turn(f);
        console_server_copy(f->server, "alive", 5);
        text = client_read(client);
        g_assert_cmpstr(text, ==, "alive");
}

/* socat and the like close their sending side when their input is at its end, and still listen. */
static void test_half_closed_clients_still_listen_and_cost_nothing(Fixture *f, const void *data)
{
        _cleanup_close_ int client = client_new(f);
        g_autofree char *text = NULL;

        g_assert_cmpint(shutdown(client, SHUT_WR), ==, 0);
        turn(f);
        g_assert_cmpint(sd_event_run(f->event, 100 * 1000), ==, 0);
        console_server_copy(f->server, "still", 5);
        text = client_read(client);
        g_assert_cmpstr(text, ==, "still");
}

static void test_there_are_no_more_than_the_limit(Fixture *f, const void *data)
{
        int clients[CONSOLE_CLIENTS_MAX + 1];
        g_autofree char *text = NULL;
        char c;

        for (unsigned i = 0; i <= CONSOLE_CLIENTS_MAX; i++)
                clients[i] = client_new(f);
        text = client_read(clients[CONSOLE_CLIENTS_MAX]);
        g_assert_cmpstr(text, ==, "[too many readers]\r\n");
        g_assert_cmpint(read(clients[CONSOLE_CLIENTS_MAX], &c, 1), ==, 0);

        /* One who goes makes room. */
        close(clients[0]);
        turn(f);
        clients[0] = client_new(f);
        console_server_copy(f->server, "x", 1);
        for (unsigned i = 0; i < CONSOLE_CLIENTS_MAX; i++)
                g_assert_cmpint(read(clients[i], &c, 1), ==, 1);
        for (unsigned i = 0; i <= CONSOLE_CLIENTS_MAX; i++)
                close(clients[i]);
        turn(f);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
#define ADD(path, function)                                                                                 \
        g_test_add("/run/console-server/" path, Fixture, NULL, set_up, function, tear_down)
        ADD("only-its-owner-may-connect", test_only_its_owner_may_connect);
        ADD("every-client-gets-a-copy-from-when-it-connected", test_every_client_gets_a_copy_from_when_it_connected);
        ADD("a-slow-reader-loses-and-is-told", test_a_slow_reader_loses_and_is_told);
        ADD("what-readers-say-goes-to-the-guest", test_what_readers_say_goes_to_the_guest);
        ADD("a-guest-that-does-not-read-stops-nobody", test_a_guest_that_does_not_read_stops_nobody);
        ADD("input-without-a-guest-is-dropped", test_input_without_a_guest_is_dropped);
        ADD("half-closed-clients-still-listen-and-cost-nothing",
                        test_half_closed_clients_still_listen_and_cost_nothing);
        ADD("there-are-no-more-than-the-limit", test_there_are_no_more_than_the_limit);
        return g_test_run();
}
