/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi-neighbours: tells the services, whose sandbox has no network, which addresses are in use on a
 * bridge of the host, which networks it has routes to, how full its bridges and tables are, which ports
 * programs listen on, and what has passed guests' interfaces. Started by shruthi-neighbours.socket, on which
 * only our own user and root can ask. One request and one answer for each connection, one after the other:
 * each takes a millisecond. A request is one line, a bridge's name, or "/routes", "/host", "/listeners" or
 * "/counters INTERFACE…", which are none, and tell of no other interfaces than guests'; it is answered as
 * domain/host/neighbours-client.h says. It needs no rights, keeps nothing, and ends when no request has come
 * for a while. */

#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/io.h"
#include "unikernel/host-network.h"
#include "unikernel/interface-counters.h"
#include "unikernel/listeners.h"
#include "unikernel/neighbours.h"
#include "unikernel/routes.h"

#define LISTEN_FD    3  /* sd_listen_fds(3) */
#define REQUEST_MAX  (32 * 1024) /* more than NEIGHBOURS_COUNTERS_MAX names */
#define COUNTERS     "/counters "
#define ASK_SEC      5  /* a client that connects and sends nothing delays the others */
#define WORK_SEC     30 /* a kernel that does not answer: SIGALRM ends us */
#define IDLE_MSEC    (30 * 1000)

static int client_read_request(int client, char ret[static REQUEST_MAX])
{
        size_t length = 0;

        while (length < REQUEST_MAX - 1) {
                ssize_t n = TEMP_FAILURE_RETRY(read(client, ret + length, REQUEST_MAX - 1 - length));
                char *newline;

                if (n <= 0)
                        return n < 0 ? -errno : -EBADMSG;
                length += (size_t) n;
                newline = memchr(ret, '\n', length);
                if (newline) {
                        *newline = 0;
                        return 0;
                }
        }

        return -EMSGSIZE;
}

static char *answer_format_seen(const GArray *seen)
{
        GString *answer = g_string_new(NULL);

        for (guint i = 0; i < seen->len; i++) {
                const SeenAddress *entry = &g_array_index(seen, SeenAddress, i);
                char ip[ADDRESS_TEXT_MAX];

                address_format_ip(&entry->address, ip);
                g_string_append_printf(answer, "%s %s %s\n", ip, entry->mac[0] ? entry->mac : "-",
                                entry->by == SEEN_BY_HOST    ? "host"
                                : entry->by == SEEN_BY_ROUTE ? "route"
                                                             : "neighbour");
        }
        g_string_append(answer, "end\n");

        return g_string_free(answer, FALSE);
}

static char *answer_routes(void)
{
        g_autoptr(GArray) routes = g_array_new(FALSE, TRUE, sizeof(Address));
        _cleanup_error_ Error error = ERROR_INIT;
        GString *answer = g_string_new(NULL);
        int r;

        r = routes_read(routes, &error);
        if (r < 0)
                g_string_append_printf(answer, "error %s\n", error_message(&error, r));
        for (guint i = 0; i < routes->len; i++) {
                char network[ADDRESS_TEXT_MAX];

                address_format(&g_array_index(routes, Address, i), network);
                g_string_append_printf(answer, "%s\n", network);
        }
        g_string_append(answer, "end\n");

        return g_string_free(answer, FALSE);
}

static char *answer_host(void)
{
        g_autoptr(HostNetwork) network = host_network_read("");

        return host_network_format(network);
}

static char *answer_listeners(void)
{
        g_autoptr(GArray) listeners = g_array_new(FALSE, TRUE, sizeof(Listener));
        _cleanup_error_ Error error = ERROR_INIT;
        GString *answer = g_string_new(NULL);
        int r;

        r = listeners_read(listeners, &error);
        if (r < 0)
                g_string_append_printf(answer, "error %s\n", error_message(&error, r));
        for (guint i = 0; i < listeners->len; i++) {
                g_autofree char *line = listener_format(&g_array_index(listeners, Listener, i));

                g_string_append_printf(answer, "%s\n", line);
        }
        g_string_append(answer, "end\n");

        return g_string_free(answer, FALSE);
}

static char *answer_counters(const char *names)
{
        g_autoptr(GArray) counters = g_array_new(FALSE, FALSE, sizeof(InterfaceCounters));
        g_auto(GStrv) interfaces = g_strsplit(names, " ", -1);
        _cleanup_error_ Error error = ERROR_INIT;
        GString *answer = g_string_new(NULL);
        int r = 0;

        for (char **interface = interfaces; r >= 0 && *interface; interface++)
                if (!interface_name_is_guests(*interface))
                        r = error_set(&error, ERROR_INVALID_ARGS, "That is no interface of a guest");
        if (r >= 0)
                r = interface_counters_read((const char *const *) interfaces, counters, &error);
        if (r < 0)
                g_string_append_printf(answer, "error %s\n", error_message(&error, r));
        for (guint i = 0; i < counters->len; i++) {
                g_autofree char *line =
                                interface_counters_format(&g_array_index(counters, InterfaceCounters, i));

                g_string_append_printf(answer, "%s\n", line);
        }
        g_string_append(answer, "end\n");

        return g_string_free(answer, FALSE);
}

static char *answer_bridge(const char *bridge)
{
        g_autoptr(GArray) seen = g_array_new(FALSE, TRUE, sizeof(SeenAddress));
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = neighbours_read(bridge, seen, &error);
        return r < 0 ? g_strdup_printf("error %s\n", error_message(&error, r)) : answer_format_seen(seen);
}

static void client_serve(int client)
{
        const struct timeval timeout = {.tv_sec = ASK_SEC};
        g_autofree char *answer = NULL;
        char request[REQUEST_MAX];

        if (setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0 ||
                        setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) < 0 ||
                        client_read_request(client, request) < 0)
                return;

        (void) alarm(WORK_SEC);
        if (g_str_equal(request, "/routes"))
                answer = answer_routes();
        else if (g_str_equal(request, "/host"))
                answer = answer_host();
        else if (g_str_equal(request, "/listeners"))
                answer = answer_listeners();
        else if (g_str_has_prefix(request, COUNTERS))
                answer = answer_counters(request + strlen(COUNTERS));
        else
                answer = answer_bridge(request);
        (void) alarm(0);
        /* A client that has disconnected gets nothing. */
        (void) write_all(client, answer, strlen(answer));
}

int main(void)
{
        (void) signal(SIGPIPE, SIG_IGN);

        /* A request that comes as this process ends starts it again: the socket is systemd's. */
        for (;;) {
                _cleanup_close_ int client = -EBADF;
                int r = poll(&(struct pollfd){.fd = LISTEN_FD, .events = POLLIN}, 1, IDLE_MSEC);

                if (r == 0)
                        return EXIT_SUCCESS;
                if (r < 0 && errno != EINTR)
                        return EXIT_FAILURE;
                if (r > 0)
                        client = accept4(LISTEN_FD, NULL, NULL, SOCK_CLOEXEC);
                if (client >= 0)
                        client_serve(client);
        }
}
