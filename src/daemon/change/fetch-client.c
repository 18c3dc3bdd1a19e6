/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks shruthi-fetch: sends one packet, and receives one with a descriptor, without a thread, since a server
 * may take its time. */

#include "daemon/change/fetch-client.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"

#include "common/io.h"
#include "common/paths.h"
#include "common/socket.h"
#include "fetch/protocol.h"

#define CONNECT_SEC 2
/* Longer than shruthi-fetch's own time. */
#define ANSWER_USEC ((FETCH_SEC + 60) * UINT64_C(1000000))
#define FDS_MAX     4
/* At a time, fewer than MaxConnections= of shruthi-fetch.socket, which does not say that it is full. */
#define FETCHES_MAX 12

typedef struct FetchCall {
        FetchDone done;
        void *userdata;
        int socket;
        sd_event_source *answer_source, *time_source, *failed_source;
        int r;
        Error error; /* before it was sent */
} FetchCall;

static unsigned fetches; /* that are connected */

/* Calls back, and frees. */
static void fetch_end(FetchCall *fetch, int r, Error *error, int fd)
{
        FetchDone done = fetch->done;
        void *userdata = fetch->userdata;

        sd_event_source_disable_unref(fetch->answer_source);
        sd_event_source_disable_unref(fetch->time_source);
        sd_event_source_disable_unref(fetch->failed_source);
        if (fetch->socket >= 0)
                fetches--;
        close_safe(fetch->socket);
        done(r, error, fd, userdata);
        error_clear(&fetch->error);
        g_free(fetch);
}

/* The first descriptor of the message; the others are closed. */
static int fetch_take_fd(struct msghdr *message)
{
        int fds[FDS_MAX], first = -EBADF;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
                size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                memcpy(fds, CMSG_DATA(c), MIN(n, FDS_MAX) * sizeof(int));
                for (size_t i = 0; i < MIN(n, FDS_MAX); i++)
                        if (first < 0)
                                first = fds[i];
                        else
                                close_safe(fds[i]);
        }

        return first;
}

static int fetch_read(int client, int *ret_fd, Error *ret_error)
{
        char data[FETCH_ANSWER_MAX];
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
        } control;
        struct iovec part = {.iov_base = data, .iov_len = sizeof data};
        struct msghdr message = {.msg_iov = &part,
                        .msg_iovlen = 1,
                        .msg_control = &control,
                        .msg_controllen = sizeof control};
        struct stat st;
        _cleanup_close_ int fd = -EBADF;
        ssize_t n = TEMP_FAILURE_RETRY(recvmsg(client, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT));
        int r;

        if (n < 0 && errno != ECONNRESET)
                return error_set_errno(ret_error, errno, "Cannot read the answer of shruthi-fetch");
        if (n <= 0)
                return error_set(ret_error, ERROR_FAILED,
                                "shruthi-fetch exited without an answer; see journalctl -u "
                                "'shruthi-fetch@*', and try again");
        fd = fetch_take_fd(&message);
        r = fetch_answer_parse(data, (size_t) n, ret_error);
        if (r < 0)
                return r;
        /* It is not trusted, and to read a pipe or a device could block. */
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return error_set(ret_error, ERROR_FAILED, "Malformed answer from shruthi-fetch");

        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int on_fetch_answer(sd_event_source *source, int socket, uint32_t events, void *userdata)
{
        _cleanup_error_ Error error = ERROR_INIT;
        FetchCall *fetch = userdata;
        int fd = -EBADF, r = fetch_read(socket, &fd, &error);

        fetch_end(fetch, r, &error, fd);
        return 0;
}

static int on_fetch_late(sd_event_source *source, uint64_t usec, void *userdata)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r = error_set(&error, ERROR_TIMED_OUT, "shruthi-fetch did not answer in time");

        fetch_end(userdata, r, &error, -EBADF);
        return 0;
}

static int on_fetch_failed(sd_event_source *source, void *userdata)
{
        FetchCall *fetch = userdata;
        _cleanup_error_ Error error = ERROR_INIT;

        error_move(&error, &fetch->error);
        fetch_end(fetch, fetch->r, &error, -EBADF);
        return 0;
}

static int fetch_send(FetchCall *fetch, const char *url, uint64_t size_max, Error *ret_error)
{
        const FetchRequest request = {.size_max = size_max, .url = (char *) url};
        g_autofree char *packet = fetch_request_format(&request);
        int r;

        if (paths_are_of_user())
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "images are fetched by a service of the system's, which a user's own "
                                "unikernels do "
                                "not have: fetch the file yourself, and name it");
        if (!HAVE_FETCH)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "this SHRUTHI was built without shruthi-fetch, so only files can be read");
        if (fetches >= FETCHES_MAX)
                return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                                "%u files are being fetched already, which is the most at a time; try again "
                                "when one of them is there",
                                fetches);
        r = socket_connect(FETCH_SOCKET, SOCK_SEQPACKET | SOCK_NONBLOCK, CONNECT_SEC, &fetch->socket);
        if (r >= 0)
                fetches++;
        if (r >= 0 && send(fetch->socket, packet, strlen(packet), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                r = -errno;
        if (r < 0)
                return error_set(ret_error, ERROR_FAILED,
                                "Cannot connect to shruthi-fetch (%s): see 'systemctl status "
                                "shruthi-fetch.socket'",
                                g_strerror(-r));
        return 0;
}

void fetch_start(sd_event *event, const char *url, uint64_t size_max, FetchDone done, void *userdata)
{
        FetchCall *fetch = g_new(FetchCall, 1);

        *fetch = (FetchCall){.done = done, .userdata = userdata, .socket = -EBADF, .error = ERROR_INIT};
        fetch->r = fetch_send(fetch, url, size_max, &fetch->error);
        if (fetch->r >= 0) {
                fetch->r = sd_event_add_io(event, &fetch->answer_source, fetch->socket, EPOLLIN,
                                on_fetch_answer, fetch);
                if (fetch->r >= 0)
                        fetch->r = sd_event_add_time_relative(event, &fetch->time_source, CLOCK_MONOTONIC,
                                        ANSWER_USEC, UINT64_C(1000000), on_fetch_late, fetch);
        }
        if (fetch->r < 0)
                (void) sd_event_add_defer(event, &fetch->failed_source, on_fetch_failed, fetch);
}
