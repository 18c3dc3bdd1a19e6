/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The client of shruthi-uplink. Called by lifecycle/process.c. */

#include "domain/host/uplink-client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io.h"
#include "common/socket.h"

#define ANSWER_SEC      20 /* its service has to be started, and a former one ended */
#define ANSWER_SIZE_MAX 1024

static int uplink_read_answer(int socket, Error *ret_error)
{
        char answer[ANSWER_SIZE_MAX + 1];
        ssize_t n = TEMP_FAILURE_RETRY(recv(socket, answer, ANSWER_SIZE_MAX, 0));

        if (n < 0)
                return error_set_errno(ret_error, -errno, "shruthi-uplink does not answer");
        answer[n] = 0;
        if (n == 0)
                return error_set(ret_error, ERROR_FAILED,
                                "shruthi-uplink exited without an answer (journalctl --user -u "
                                "'shruthi-uplink@*')");
        return g_str_equal(answer, UPLINK_DONE) ? 0
                                                : error_set(ret_error, ERROR_NOT_SUPPORTED, "%s", answer);
}

int uplink_make(const UplinkRequest *request, int *ret_fd, Error *ret_error)
{
        g_autofree char *text = uplink_request_format(request);
        _cleanup_close_ int guest = -EBADF, its = -EBADF, connection = -EBADF;
        int ends[2], r;

        /* Datagrams: a guest that waits for frames does not spin when the other end has gone. */
        if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) < 0)
                return error_set_errno(
                                ret_error, -errno, "Network '%s': cannot make a socket", request->device);
        guest = ends[0];
        its = ends[1];

        r = socket_connect(UPLINK_SOCKET, SOCK_SEQPACKET, ANSWER_SEC, &connection);
        if (r >= 0)
                r = socket_send_with_fd(connection, text, its, 0);
        if (r < 0)
                return error_set_errno(ret_error, r,
                                "Network '%s': cannot ask shruthi-uplink (systemctl --user status "
                                "shruthi-uplink.socket)",
                                request->device);
        its = close_safe(its);
        r = uplink_read_answer(connection, ret_error);
        if (r < 0)
                return r;

        *ret_fd = TAKE_FD(guest);
        return 0;
}
