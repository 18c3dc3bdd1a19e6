/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program that listens on a port is known before the port is published, by whose it is. */

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io.h"
#include "unikernel/listeners.h"

static void test_text(void)
{
        static const char *const wrong[] = {"", "tcp - 80", "tcp - 80 0 0", "sctp - 80 0", "tcp x 80 0",
                        "tcp - 65536 0", "tcp - 80 -1"};
        static const char *const right[] = {"tcp - 80 0", "udp 127.0.0.1 53 65534", "tcp ::1 631 7"};
        Listener listener;

        for (size_t i = 0; i < G_N_ELEMENTS(right); i++) {
                g_autofree char *text = NULL;

                g_assert_cmpint(listener_parse(right[i], &listener), ==, 0);
                text = listener_format(&listener);
                g_assert_cmpstr(text, ==, right[i]);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
                g_assert_cmpint(listener_parse(wrong[i], &listener), ==, -EINVAL);
}

static void test_check(void)
{
        static const struct {
                const char *listener, *port;
                bool taken;
        } cases[] = {
                        {"tcp - 80 0", "80:8080", true},
                        {"tcp - 80 0", "80:8080/udp", false},
                        {"tcp - 80 0", "8080:80", false},
                        {"tcp 127.0.0.1 80 0", "80:80", true},
                        {"tcp 127.0.0.1 80 0", "192.0.2.1:80:80", false},
                        {"tcp - 85 0", "192.0.2.1:80-90:80-90", true},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GArray) listeners = g_array_new(FALSE, FALSE, sizeof(Listener)),
                                  ports = published_ports_split(cases[i].port);
                _cleanup_error_ Error error = ERROR_INIT;
                Listener listener;

                g_assert_cmpint(listener_parse(cases[i].listener, &listener), ==, 0);
                g_array_append_val(listeners, listener);
                g_assert_cmpint(listeners_check(listeners, ports, &error) < 0, ==, cases[i].taken);
                if (!cases[i].taken)
                        continue;
                g_assert_cmpint(error.code, ==, ERROR_ADDRESS_IN_USE);
                g_assert_nonnull(strstr(error.message, "a program of user "));
        }
}

/* As the kernel writes it; a socket that is connected takes nobody else's datagrams. */
static void test_udp(void)
{
        static const char head[] = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   "
                                   "uid  timeout inode ref pointer drops\n",
                          tail[] = " 00000000:00000000 00:00000000 00000000 ";
        const uint32_t loopback = htonl(INADDR_LOOPBACK);
        g_autofree char *text = g_strdup_printf("%s 1: 00000000:0044 00000000:0000 07%s    0        0 1 2 3 0\n"
                                                " 2: %08X:0035 00000000:0000 07%s  101        0 1 2 3 0\n"
                                                " 3: 00000000:1388 0200000A:0035 01%s 7        0 1 2 3 0\n"
                                                "nonsense\n",
                                        head, tail, loopback, tail, tail),
                        *text6 = g_strdup_printf("%s 1: 00000000000000000000000000000000:0222 "
                                                 "00000000000000000000000000000000:0000 07%s    0        0 1 2 3 0\n",
                                        head, tail);
        g_autoptr(GArray) listeners = g_array_new(FALSE, FALSE, sizeof(Listener));
        static const char *const found[] = {"udp - 68 0", "udp 127.0.0.1 53 101", "udp - 546 0"};

        listeners_parse_udp(text, AF_INET, listeners);
        listeners_parse_udp(text6, AF_INET6, listeners);
        g_assert_cmpuint(listeners->len, ==, G_N_ELEMENTS(found));
        for (size_t i = 0; i < G_N_ELEMENTS(found); i++) {
                g_autofree char *line = listener_format(&g_array_index(listeners, Listener, i));

                g_assert_cmpstr(line, ==, found[i]);
        }
}

/* This very program. */
static void test_read(void)
{
        const struct sockaddr_in address = {
                        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        g_autoptr(GArray) listeners = g_array_new(FALSE, FALSE, sizeof(Listener));
        _cleanup_error_ Error error = ERROR_INIT;
        struct sockaddr_in bound = {};
        socklen_t size = sizeof bound;
        PublishedPort port = {};
        const Listener *found;
        int r;

        g_assert_cmpint(bind(fd, (const struct sockaddr *) &address, sizeof address), ==, 0);
        g_assert_cmpint(listen(fd, 1), ==, 0);
        g_assert_cmpint(getsockname(fd, (struct sockaddr *) &bound, &size), ==, 0);
        r = listeners_read(listeners, &error);
        if (r < 0) {
                g_test_skip(error_message(&error, r));
                return;
        }
        port.first = port.last = ntohs(bound.sin_port);
        found = listeners_find(listeners, &port);
        g_assert_nonnull(found);
        g_assert_cmpuint(found->uid, ==, getuid());
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/listeners/text", test_text);
        g_test_add_func("/listeners/refuse-a-port", test_check);
        g_test_add_func("/listeners/of-udp", test_udp);
        g_test_add_func("/listeners/are-read-from-the-kernel", test_read);
        return g_test_run();
}
