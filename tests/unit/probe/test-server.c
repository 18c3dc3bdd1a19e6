/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Connections of runners: one that makes sense is answered, one that does not is closed, and no other
 * notices. What guests do is tested with real ones, in tests/system/ready.sh. */

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/io.h"
#include "fixture/files.h"
#include "probe/protocol.h"
#include "probe/server.h"

typedef struct Fixture {
        char *dir;
        struct sockaddr_un address;
        int listen_fd;
        sd_event *event;
        ProbeServer *server;
} Fixture;

static void set_up(Fixture *f, const void *data)
{
        f->dir = g_dir_make_tmp("shruthi-probe-XXXXXX", NULL);
        f->address.sun_family = AF_UNIX;
        g_snprintf(f->address.sun_path, sizeof f->address.sun_path, "%s/probes", f->dir);
        f->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        g_assert_cmpint(bind(f->listen_fd, (struct sockaddr *) &f->address, sizeof f->address), ==, 0);
        g_assert_cmpint(listen(f->listen_fd, 16), ==, 0);
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        g_assert_cmpint(server_new(f->event, NULL, f->listen_fd, getuid(), &f->server), >=, 0);
}

static void tear_down(Fixture *f, const void *data)
{
        server_free(f->server);
        sd_event_unref(f->event);
        (void) close_safe(f->listen_fd);
        (void) g_unlink(f->address.sun_path);
        (void) g_rmdir(f->dir);
        g_free(f->dir);
}

static int connect_to(Fixture *f)
{
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        g_assert_cmpint(connect(fd, (struct sockaddr *) &f->address, sizeof f->address), ==, 0);
        return fd;
}

static void say(int fd, const char *packet)
{
        g_assert_cmpint(send(fd, packet, strlen(packet), MSG_NOSIGNAL), ==, (ssize_t) strlen(packet));
}

/* "" where it was closed, NULL where nothing comes. */
static char *hear(Fixture *f, int fd)
{
        gint64 end = g_get_monotonic_time() + 5 * G_USEC_PER_SEC;
        char packet[PROBE_PACKET_MAX + 1];

        while (g_get_monotonic_time() < end) {
                ssize_t n = recv(fd, packet, sizeof packet, MSG_DONTWAIT);

                if (n >= 0)
                        return g_strndup(packet, (size_t) n);
                g_assert_cmpint(sd_event_run(f->event, 10 * 1000), >=, 0);
        }
        return NULL;
}

static void test_answers(Fixture *f, const void *data)
{
        _cleanup_close_ int a = connect_to(f), b = connect_to(f);
        g_autofree char *first = NULL, *second = NULL, *other = NULL;

        say(a, "watch 3 tcp lo 10.255.255.1 80 60000 1000");
        first = hear(f, a);
        g_assert_cmpstr(first, ==, "bad 3 'lo' is no bridge");
        say(a, "forget 3");
        say(a, "watch 4 http shruthi-none 10.255.255.1 80 60000 1000 /");
        second = hear(f, a);
        /* QEMU does not translate the call that asks for its driver. */
        g_assert_cmpstr(second, ==,
                        fixture_is_emulated() ? "bad 4 'shruthi-none' is no bridge"
                                              : "bad 4 there is no bridge 'shruthi-none'");
        say(b, "watch 3 tcp lo 10.255.255.1 80 60000 1000");
        other = hear(f, b);
        g_assert_cmpstr(other, ==, "bad 3 'lo' is no bridge");
}

static void test_closes(Fixture *f, const void *data)
{
        _cleanup_close_ int good = connect_to(f), bad = connect_to(f), greedy = connect_to(f);
        g_autofree char *closed = NULL, *answer = NULL;
        bool ended = false;

        say(bad, "GET / HTTP/1.1");
        closed = hear(f, bad);
        g_assert_cmpstr(closed, ==, "");

        for (unsigned i = 0; i <= PROBES_MAX; i++) {
                g_autofree char *packet = g_strdup_printf("watch %u tcp lo 10.255.255.1 80 60000 1000", i);

                say(greedy, packet);
        }
        for (unsigned i = 0; i <= PROBES_MAX && !ended; i++) {
                g_autofree char *text = hear(f, greedy);

                ended = text && !*text;
        }
        g_assert_true(ended);

        say(good, "watch 0 tcp lo 10.255.255.1 80 60000 1000");
        answer = hear(f, good);
        g_assert_nonnull(strstr(answer, "bad 0"));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add("/probe/server/answers-each-connection", Fixture, NULL, set_up, test_answers, tear_down);
        g_test_add("/probe/server/closes-what-makes-no-sense", Fixture, NULL, set_up, test_closes,
                        tear_down);
        return g_test_run();
}
