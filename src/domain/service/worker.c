/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One process of the pool. Called by serve.c after a fork. */

#include "domain/service/worker.h"

#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "domain/host/protocol.h"
#include "domain/host/virt.h"
#include "domain/lifecycle/lifecycle.h"
#include "domain/service/serve.h"
#include "domain/service/verbs.h"
#include "helper/request.h"
#include "unikernel/lease.h"

#define ASK_SEC 15 /* limit for a client that connects and sends nothing */

/* The outputs between requests. */
typedef struct Own {
        int null;
        int messages;
} Own;

/* From now on a hang-up of the client kills this process, even while libvirt blocks: the default action of
 * SIGIO. */
static int connection_bind_life(int connection)
{
        struct pollfd pollfd = {.fd = connection, .events = POLLIN | POLLRDHUP};
        int flags = fcntl(connection, F_GETFL);

        if (flags < 0 || fcntl(connection, F_SETOWN, getpid()) < 0 ||
                        fcntl(connection, F_SETFL, flags | O_ASYNC) < 0)
                return -errno;

        /* The client may have hung up before. */
        return poll(&pollfd, 1, 0) == 0 ? 0 : -ECONNRESET;
}

static void connection_unbind_life(int connection)
{
        int flags = fcntl(connection, F_GETFL);

        if (flags < 0 || fcntl(connection, F_SETFL, flags & ~O_ASYNC) < 0)
                _exit(EXIT_FAILURE);
}

/* Runs the request with the output and messages of a separate process. */
static int worker_run_request(const DomainRequest *request, int connection, const Own *own)
{
        char *argv[DOMAIN_WORDS_MAX + 2] = {(char *) "shruthi-domain"};
        int answer;

        if (dup2(request->output, STDOUT_FILENO) < 0 || dup2(request->messages, STDERR_FILENO) < 0)
                _exit(EXIT_FAILURE);
        log_open("shruthi-domain");
        memcpy(argv + 1, request->words, request->n_words * sizeof *argv);
        protocol_guard_answers(connection);

        answer = verbs_run((int) request->n_words + 1, argv, request->credentials);

        protocol_guard(0, NULL);
        protocol_guard_answers(-EBADF);
        /* Output that could not be written must not appear in the next request's. */
        if (fflush(stdout) == EOF || fflush(stderr) == EOF)
                _exit(EXIT_FAILURE);
        if (dup2(own->null, STDOUT_FILENO) < 0 || dup2(own->messages, STDERR_FILENO) < 0)
                _exit(EXIT_FAILURE);
        return answer;
}

static void worker_serve_connection(int connection, const Own *own)
{
        _cleanup_domain_request_ DomainRequest request = DOMAIN_REQUEST_INIT;
        const struct timeval timeout = {.tv_sec = ASK_SEC};
        int answer, r;

        if (setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0)
                return;
        r = domain_request_receive(connection, &request);
        if (r == -EBADMSG)
                log_warning("Cannot read a request");
        if (r < 0 || connection_bind_life(connection) < 0)
                return;

        domain_answer_send(connection, DOMAIN_BEGUN);
        answer = worker_run_request(&request, connection, own);
        connection_unbind_life(connection);
        domain_answer_send(connection, answer);
}

/* Returns the next task: SERVE_CONTROL_…, or 0 if there is none. */
static char worker_wait(int control, int *ret_connection)
{
        char what;
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } space;
        struct iovec part = {.iov_base = &what, .iov_len = sizeof what};
        struct msghdr message = {.msg_iov = &part,
                        .msg_iovlen = 1,
                        .msg_control = &space,
                        .msg_controllen = sizeof space};
        struct cmsghdr *header;
        ssize_t n;

        do
                n = TEMP_FAILURE_RETRY(recvmsg(control, &message, MSG_CMSG_CLOEXEC));
        while (n < 0 && errno == EINTR);
        if (n <= 0)
                return 0;

        header = CMSG_FIRSTHDR(&message);
        if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
                memcpy(ret_connection, CMSG_DATA(header), sizeof *ret_connection);
        return what;
}

void worker_run(int control)
{
        Own own = {.null = open("/dev/null", O_RDWR | O_CLOEXEC),
                        .messages = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)};
        char what;

        if (own.null < 0 || own.messages < 0 || dup2(own.null, STDOUT_FILENO) < 0)
                _exit(EXIT_FAILURE);
        virt_keep_connection();
        lease_cache_enable();

        for (;;) {
                _cleanup_close_ int connection = -EBADF;

                what = worker_wait(control, &connection);
                if (what == 0)
                        break;
                if (what == SERVE_CONTROL_SERVE && connection >= 0)
                        worker_serve_connection(connection, &own);
                else if (what == SERVE_CONTROL_CONNECT)
                        (void) lifecycle_connect(NULL);
                connection = close_safe(connection);
                if (TEMP_FAILURE_RETRY(send(control, &what, sizeof what, MSG_NOSIGNAL)) < 0)
                        break;
        }

        virt_forget_connection();
}
