/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One attempt of a probe: a connection that is made, a line of HTTP that comes back, or an echo. Guests are
 * hostile: they may send nothing, without end, or one byte a second. Called by probe.c. */

#include "probe/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* After the headers of glibc, which define the same. */
#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/socket.h"
#include "probe/http.h"

#define UPLINKS "uplinks" /* below the runtime directory */

struct ProbeAttempt {
        const ProbeRequest *request;
        ProbeAttemptDone done;
        void *userdata;
        int fd;
        bool asking; /* shruthi-uplink, which has not answered */
        sd_event_source *io_source, *time_source;
        Ping *ping;
        PingEcho *echo;
        char *out; /* for HTTP: what is to be sent, and how much was */
        size_t sent;
        char *in; /* for HTTP: the beginning of the answer */
        size_t received;
        char *reason; /* why it failed at once */
};

static void attempt_describe(const ProbeAttempt *attempt, char ret[static ADDRESS_TEXT_MAX + 16])
{
        const ProbeRequest *request = attempt->request;
        char address[ADDRESS_TEXT_MAX];
        bool brackets = request->address.family == AF_INET6 && request->port > 0;

        address_format_ip(&request->address, address);
        if (request->port > 0)
                (void) g_snprintf(ret, ADDRESS_TEXT_MAX + 16, "%s%s%s:%u", brackets ? "[" : "", address,
                                brackets ? "]" : "", request->port);
        else
                (void) g_snprintf(ret, ADDRESS_TEXT_MAX + 16, "%s", address);
}

/* The kernel's error, for people. */
static char *attempt_error(const ProbeAttempt *attempt, int error)
{
        const char *interface = attempt->request->interface;
        char target[ADDRESS_TEXT_MAX + 16];

        attempt_describe(attempt, target);
        switch (error) {
        case ECONNREFUSED:
                return g_strdup_printf("connection refused by %s", target);
        case ECONNRESET:
        case EPIPE:
                return g_strdup_printf("connection reset by %s", target);
        case EHOSTUNREACH:
                return g_strdup_printf("nobody answers for %s", target);
        case ENETUNREACH:
        case EADDRNOTAVAIL:
                return g_strdup_printf("this host has no route to %s on %s: it needs an address there",
                                target, interface);
        case ENODEV:
                if (paths_are_of_user())
                        return g_strdup_printf("its network is not there (journalctl --user -u "
                                               "'shruthi-uplink@*')");
                return g_strdup_printf("there is no bridge '%s'", interface);
        case ENOTSUP:
                return g_strdup_printf("'%s' is no bridge", interface);
        default:
                return g_strdup_printf("%s: %s", target, g_strerror(error));
        }
}

static void attempt_finish(ProbeAttempt *attempt, const char *reason)
{
        attempt->io_source = sd_event_source_disable_unref(attempt->io_source);
        attempt->time_source = sd_event_source_disable_unref(attempt->time_source);
        attempt->done(attempt->userdata, reason);
}

static void attempt_fail(ProbeAttempt *attempt, int error)
{
        g_autofree char *reason = attempt_error(attempt, error);

        attempt_finish(attempt, reason);
}

/* A guest that is not there yet is asked again soon; one that is there gets its time. */
static unsigned attempt_limit_ms(const ProbeRequest *request, bool connecting)
{
        return connecting ? MIN(request->timeout_ms, 2 * request->interval_ms) : request->timeout_ms;
}

static int on_attempt_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        ProbeAttempt *attempt = userdata;
        g_autofree char *reason = g_steal_pointer(&attempt->reason);
        char target[ADDRESS_TEXT_MAX + 16];

        if (!reason) {
                attempt_describe(attempt, target);
                reason = g_strdup_printf("%s of %s within %u ms",
                                attempt->sent > 0 ? "no whole answer" : "no answer", target,
                                attempt_limit_ms(attempt->request, attempt->sent == 0));
        }
        attempt_finish(attempt, reason);
        return 0;
}

static void attempt_judge(ProbeAttempt *attempt, int status)
{
        char target[ADDRESS_TEXT_MAX + 16];
        g_autofree char *reason = NULL;

        attempt_describe(attempt, target);
        if (status < 0)
                reason = g_strdup_printf("%s does not speak HTTP", target);
        else if (status < 200 || status > 399)
                reason = g_strdup_printf("%s answers with status %d", target, status);
        attempt_finish(attempt, reason);
}

/* Reads until the status line is complete; what follows does not matter. */
static void attempt_receive(ProbeAttempt *attempt)
{
        ssize_t n = TEMP_FAILURE_RETRY(recv(attempt->fd, attempt->in + attempt->received,
                        HTTP_ANSWER_MAX - attempt->received, MSG_DONTWAIT));
        int status;

        if (n < 0) {
                if (errno != EAGAIN)
                        attempt_fail(attempt, errno);
                return;
        }

        attempt->received += (size_t) n;
        status = http_status_parse(attempt->in, attempt->received);
        if (status != 0 || n == 0)
                attempt_judge(attempt, status == 0 ? -EBADMSG : status);
}

static void attempt_send(ProbeAttempt *attempt)
{
        size_t left = strlen(attempt->out) - attempt->sent;
        ssize_t n = TEMP_FAILURE_RETRY(
                        send(attempt->fd, attempt->out + attempt->sent, left, MSG_NOSIGNAL | MSG_DONTWAIT));

        if (n < 0) {
                if (errno != EAGAIN)
                        attempt_fail(attempt, errno);
                return;
        }

        attempt->sent += (size_t) n;
        if ((size_t) n == left)
                (void) sd_event_source_set_io_events(attempt->io_source, EPOLLIN);
}

/* It is connected, and its time limit starts now. */
static void attempt_speak(ProbeAttempt *attempt)
{
        if (attempt->sent == 0)
                (void) sd_event_source_set_time_relative(
                                attempt->time_source, (uint64_t) attempt->request->timeout_ms * 1000);
        attempt_send(attempt);
}

/* What has come of the call: one byte, an errno. */
static void attempt_hear(ProbeAttempt *attempt)
{
        uint8_t error;
        ssize_t n = TEMP_FAILURE_RETRY(recv(attempt->fd, &error, sizeof error, MSG_DONTWAIT));

        if (n < 0 && errno == EAGAIN)
                return;
        attempt->asking = false;
        if (n <= 0 || error != 0)
                attempt_fail(attempt, n <= 0 ? ENODEV : error);
        else if (attempt->request->kind != PROBE_HTTP)
                attempt_finish(attempt, NULL);
        else
                (void) sd_event_source_set_io_events(attempt->io_source, EPOLLOUT);
}

static int on_attempt_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        ProbeAttempt *attempt = userdata;
        socklen_t size = sizeof(int);
        int error = 0;

        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
                error = errno;
        if (error != 0)
                attempt_fail(attempt, error);
        else if (attempt->asking)
                attempt_hear(attempt);
        else if (attempt->request->kind == PROBE_TCP)
                attempt_finish(attempt, NULL);
        else if (attempt->sent < strlen(attempt->out))
                attempt_speak(attempt);
        else
                attempt_receive(attempt);
        return 0;
}

static socklen_t attempt_address(const ProbeRequest *request, struct sockaddr_storage *ret)
{
        *ret = (struct sockaddr_storage){.ss_family = (sa_family_t) request->address.family};
        if (request->address.family == AF_INET) {
                struct sockaddr_in *in = (struct sockaddr_in *) ret;

                in->sin_port = htons(request->port);
                memcpy(&in->sin_addr, request->address.bytes, sizeof in->sin_addr);
                return sizeof *in;
        }

        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) ret;

        in6->sin6_port = htons(request->port);
        memcpy(&in6->sin6_addr, request->address.bytes, sizeof in6->sin6_addr);
        return sizeof *in6;
}

static void attempt_prepare_http(ProbeAttempt *attempt)
{
        const ProbeRequest *request = attempt->request;

        if (request->kind != PROBE_HTTP)
                return;
        attempt->out = http_request_format(&request->address, request->port, request->path);
        attempt->in = g_malloc(HTTP_ANSWER_MAX);
}

/* Since Linux 5.7 anybody may bind a socket that is bound to no interface yet (socket(7)). */
static int attempt_connect(ProbeAttempt *attempt, sd_event *event)
{
        const ProbeRequest *request = attempt->request;
        struct sockaddr_storage address;
        socklen_t size = attempt_address(request, &address);

        attempt->fd = socket(request->address.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (attempt->fd < 0)
                return -errno;
        if (setsockopt(attempt->fd, SOL_SOCKET, SO_BINDTODEVICE, request->interface,
                            (socklen_t) strlen(request->interface)) < 0)
                return -errno;
        if (TEMP_FAILURE_RETRY(connect(attempt->fd, (struct sockaddr *) &address, size)) < 0 &&
                        errno != EINPROGRESS)
                return -errno;

        attempt_prepare_http(attempt);
        return sd_event_add_io(event, &attempt->io_source, attempt->fd, EPOLLOUT, on_attempt_io, attempt);
}

/* A user's own guest is on no network of the host's: shruthi-uplink calls it (uplink/station.h). */
static int attempt_ask_uplink(ProbeAttempt *attempt, sd_event *event)
{
        const ProbeRequest *request = attempt->request;
        g_autofree char *name = g_build_filename(UPLINKS, request->interface, NULL),
                        *words = request->port > 0 ? g_strdup_printf("tcp %u\n", request->port)
                                                   : g_strdup("ping\n");

        if (socket_connect(name, SOCK_STREAM | SOCK_NONBLOCK, 1, &attempt->fd) < 0 ||
                        socket_send_with_fd(attempt->fd, words, -EBADF, MSG_DONTWAIT) < 0)
                return -ENODEV;

        attempt->asking = true;
        attempt_prepare_http(attempt);
        return sd_event_add_io(event, &attempt->io_source, attempt->fd, EPOLLIN, on_attempt_io, attempt);
}

/* Guests are on bridges, and nothing else may be probed: -ENODEV, -ENOTSUP. Uses ethtool(8)'s call, which
 * needs neither rights nor files. */
static int interface_check(const char *interface)
{
        struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
        struct ifreq request = {.ifr_data = (void *) &driver};
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -errno;
        if (g_strlcpy(request.ifr_name, interface, sizeof request.ifr_name) >= sizeof request.ifr_name)
                return -ENODEV;
        if (ioctl(fd, SIOCETHTOOL, &request) < 0)
                return errno == ENODEV ? -ENODEV : -ENOTSUP;

        return g_str_equal(driver.driver, "bridge") ? 0 : -ENOTSUP;
}

static void on_attempt_echo(void *userdata)
{
        attempt_finish(userdata, NULL);
}

static int attempt_begin(ProbeAttempt *attempt, sd_event *event)
{
        const ProbeRequest *request = attempt->request;
        int r;

        if (paths_are_of_user())
                return attempt_ask_uplink(attempt, event);
        r = interface_check(request->interface);
        if (r < 0)
                return r;

        return request->kind == PROBE_PING ? ping_send(attempt->ping, &request->address, request->interface,
                                                             on_attempt_echo, attempt, &attempt->echo)
                                           : attempt_connect(attempt, event);
}

int attempt_new(sd_event *event, Ping *ping, const ProbeRequest *request, ProbeAttemptDone done,
                void *userdata, ProbeAttempt **ret_attempt)
{
        ProbeAttempt *attempt = g_new(ProbeAttempt, 1);
        uint64_t limit = (uint64_t) attempt_limit_ms(request, true) * 1000;
        int r;

        *attempt = (ProbeAttempt){
                        .request = request, .done = done, .userdata = userdata, .fd = -EBADF, .ping = ping};
        r = attempt_begin(attempt, event);
        /* Reported from the event loop, not from within this function. */
        if (r < 0) {
                attempt->reason = attempt_error(attempt, -r);
                limit = 0;
        }
        r = sd_event_add_time_relative(event, &attempt->time_source, CLOCK_MONOTONIC, limit,
                        limit > 0 ? limit / 10 : 1, on_attempt_time, attempt);
        if (r < 0) {
                attempt_free(attempt);
                return r;
        }

        *ret_attempt = attempt;
        return 0;
}

void attempt_free(ProbeAttempt *attempt)
{
        if (!attempt)
                return;

        sd_event_source_disable_unref(attempt->io_source);
        sd_event_source_disable_unref(attempt->time_source);
        ping_forget(attempt->ping, attempt->echo);
        (void) close_safe(attempt->fd);
        g_free(attempt->out);
        g_free(attempt->in);
        g_free(attempt->reason);
        g_free(attempt);
}
