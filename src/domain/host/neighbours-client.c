/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The client of shruthi-neighbours, which answers one request per connection. Called by attachment.c,
 * networks.c and check-networks.c. */

#include "domain/host/neighbours-client.h"

#include <string.h>
#include <sys/socket.h>

#include "common/io.h"
#include "common/socket.h"

#define ANSWER_SEC      15 /* its service has to be started */
#define ANSWER_SIZE_MAX (4 * 1024 * 1024)

/* Makes an item of a line. Negative if the line is none. */
typedef int (*LineParser)(const char *line, void *item);

/* "error MESSAGE", or a line for each item and then "end". */
static int answer_parse(const char *text, LineParser parse, GArray *items, Error *ret_error)
{
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        size_t size = g_array_get_element_size(items);
        g_autofree void *item = g_malloc(size);

        if (g_str_has_prefix(text, "error "))
                return error_set(ret_error, ERROR_FAILED, "%s", lines[0] + strlen("error "));

        for (char **line = lines; *line; line++) {
                if (g_str_equal(*line, "end"))
                        return 0;
                memset(item, 0, size);
                if (parse(*line, item) < 0)
                        break;
                g_array_append_vals(items, item, 1);
        }

        (void) error_set(ret_error, ERROR_FAILED, "Incomplete answer from shruthi-neighbours");
        return -EBADMSG;
}

static int seen_parse(const char *line, void *item)
{
        g_auto(GStrv) words = g_strsplit(line, " ", -1);
        SeenAddress *entry = item;

        if (g_strv_length(words) != 3 || address_parse_ip(words[0], &entry->address) < 0 ||
                        strlen(words[1]) >= sizeof entry->mac)
                return -EINVAL;
        entry->by = g_str_equal(words[2], "host")    ? SEEN_BY_HOST
                    : g_str_equal(words[2], "route") ? SEEN_BY_ROUTE
                                                     : SEEN_BY_NEIGHBOUR;
        if (!g_str_equal(words[1], "-"))
                g_strlcpy(entry->mac, words[1], sizeof entry->mac);
        return 0;
}

static int route_parse(const char *line, void *item)
{
        return address_parse(line, item, NULL);
}

static int listening_parse(const char *line, void *item)
{
        return listener_parse(line, item);
}

static int counters_parse(const char *line, void *item)
{
        return interface_counters_parse(line, item);
}

int neighbours_parse_answer(const char *text, GArray *seen, Error *ret_error)
{
        return answer_parse(text, seen_parse, seen, ret_error);
}

int neighbours_parse_routes(const char *text, GArray *routes, Error *ret_error)
{
        return answer_parse(text, route_parse, routes, ret_error);
}

int neighbours_parse_listeners(const char *text, GArray *listeners, Error *ret_error)
{
        return answer_parse(text, listening_parse, listeners, ret_error);
}

int neighbours_parse_counters(const char *text, GArray *counters, Error *ret_error)
{
        return answer_parse(text, counters_parse, counters, ret_error);
}

/* A bridge's name, or "/routes", "/host", "/listeners" or "/counters INTERFACE…". */
static int neighbours_request(const char *about, char **ret_text)
{
        g_autofree char *request = g_strconcat(about, "\n", NULL);
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = socket_connect("neighbours", SOCK_STREAM, ANSWER_SEC, &fd);
        if (r < 0)
                return r;

        r = write_all(fd, request, strlen(request));
        return r < 0 ? r : fd_read_all(fd, ANSWER_SIZE_MAX, ret_text, NULL);
}

int neighbours_ask(const char *bridge, GArray *seen, Error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *text = NULL;
        guint before = seen->len;
        int r;

        r = neighbours_request(bridge, &text);
        if (r < 0)
                return error_set(ret_error, ERROR_FAILED,
                                "Cannot query the addresses in use on '%s' (%s): see 'systemctl status "
                                "shruthi-neighbours.socket'",
                                bridge, r == -EAGAIN ? "no answer" : g_strerror(-r));

        r = neighbours_parse_answer(text, seen, &error);
        if (r >= 0)
                return 0;

        g_array_set_size(seen, before);
        return error_set(ret_error, ERROR_FAILED, "Cannot query the addresses in use on '%s': %s", bridge,
                        error_message(&error, r));
}

int neighbours_ask_routes(GArray *routes, Error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *text = NULL;
        guint before = routes->len;
        int r;

        r = neighbours_request("/routes", &text);
        if (r < 0)
                return error_set(ret_error, ERROR_FAILED,
                                "Cannot query the networks of this host (%s): see 'systemctl status "
                                "shruthi-neighbours.socket'",
                                r == -EAGAIN ? "no answer" : g_strerror(-r));

        r = neighbours_parse_routes(text, routes, &error);
        if (r >= 0)
                return 0;

        g_array_set_size(routes, before);
        return error_set(ret_error, ERROR_FAILED, "Cannot query the networks of this host: %s",
                        error_message(&error, r));
}

int neighbours_ask_listeners(GArray *listeners, Error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *text = NULL;
        guint before = listeners->len;
        int r;

        r = neighbours_request("/listeners", &text);
        if (r < 0)
                return error_set(ret_error, ERROR_FAILED,
                                "Cannot query which ports of this host are in use (%s): see 'systemctl "
                                "status "
                                "shruthi-neighbours.socket'",
                                r == -EAGAIN ? "no answer" : g_strerror(-r));

        r = neighbours_parse_listeners(text, listeners, &error);
        if (r >= 0)
                return 0;

        g_array_set_size(listeners, before);
        return error_set(ret_error, ERROR_FAILED, "Cannot query which ports of this host are in use: %s",
                        error_message(&error, r));
}

/* Those of the first NEIGHBOURS_COUNTERS_MAX. */
static int neighbours_ask_some_counters(const char *const *interfaces, GArray *counters, Error *ret_error)
{
        g_autoptr(GString) request = g_string_new("/counters");
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *text = NULL;
        int r;

        for (guint i = 0; i < NEIGHBOURS_COUNTERS_MAX && interfaces[i]; i++)
                g_string_append_printf(request, " %s", interfaces[i]);
        r = neighbours_request(request->str, &text);
        if (r < 0)
                return error_set(ret_error, ERROR_FAILED,
                                "Cannot query the counters of interfaces (%s): see 'systemctl status "
                                "shruthi-neighbours.socket'",
                                r == -EAGAIN ? "no answer" : g_strerror(-r));

        r = neighbours_parse_counters(text, counters, &error);
        return r >= 0 ? 0
                      : error_set(ret_error, ERROR_FAILED, "Cannot query the counters of interfaces: %s",
                                        error_message(&error, r));
}

int neighbours_ask_counters(const char *const *interfaces, GArray *counters, Error *ret_error)
{
        guint n = g_strv_length((char **) interfaces), before = counters->len;
        int r = 0;

        for (guint i = 0; r >= 0 && i < n; i += NEIGHBOURS_COUNTERS_MAX)
                r = neighbours_ask_some_counters(interfaces + i, counters, ret_error);
        if (r < 0)
                g_array_set_size(counters, before);
        return r;
}

int neighbours_ask_host(HostNetwork **ret_network, Error *ret_error)
{
        g_autofree char *text = NULL;
        int r;

        r = neighbours_request("/host", &text);
        if (r >= 0)
                r = host_network_parse(text, ret_network);
        return r >= 0 ? 0
                      : error_set(ret_error, ERROR_FAILED,
                                        "Cannot query this host's network (%s): see 'systemctl status "
                                        "shruthi-neighbours.socket'",
                                        r == -EAGAIN ? "no answer" : g_strerror(-r));
}
