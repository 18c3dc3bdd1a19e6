/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Connections to our own services. Called by their clients: seal-client.c and neighbours-client.c. */

#include "common/socket.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"

#define FDS_MAX 253 /* SCM_MAX_FD of the kernel: no message has more */

/* With a timeout on its socket, a blocking call also fails with EINTR when the process was frozen or stopped
 * and continues, even without a signal handler (signal(7)): that happens when a suspended host resumes. */
int socket_connect(const char *name, int type, unsigned timeout_sec, int *ret_fd)
{
        const struct timeval timeout = {.tv_sec = timeout_sec};
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        g_autofree char *path = g_build_filename(paths_runtime_dir(), name, NULL);
        _cleanup_close_ int fd = -EBADF;

        if (g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path)
                return -ENAMETOOLONG;
        fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0 ||
                        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) < 0 ||
                        TEMP_FAILURE_RETRY(connect(fd, (struct sockaddr *) &address, sizeof address)) < 0)
                return -errno;

        *ret_fd = TAKE_FD(fd);
        return 0;
}

int socket_send_with_fd(int socket, const char *text, int fd, int flags)
{
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control = {};
        struct iovec part = {.iov_base = (char *) text, .iov_len = strlen(text)};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

        if (fd >= 0) {
                message.msg_control = &control;
                message.msg_controllen = sizeof control;
                control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
                                .cmsg_level = SOL_SOCKET,
                                .cmsg_type = SCM_RIGHTS};
                memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
        }
        return TEMP_FAILURE_RETRY(sendmsg(socket, &message, MSG_NOSIGNAL | flags)) < 0 ? -errno : 0;
}

/* The only one; if there are more, all of them are closed. */
static int message_take_fd(struct msghdr *message)
{
        int fds[FDS_MAX], taken = -EBADF;
        size_t n_taken = 0;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
                size_t n = MIN((c->cmsg_len - CMSG_LEN(0)) / sizeof(int), FDS_MAX);

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                memcpy(fds, CMSG_DATA(c), n * sizeof(int));
                for (size_t i = 0; i < n; i++)
                        if (n_taken++ == 0)
                                taken = fds[i];
                        else
                                close_safe(fds[i]);
        }

        return n_taken > 1 ? close_safe(taken) : taken;
}

ssize_t socket_receive_with_fd(int socket, void *data, size_t size, int *ret_fd)
{
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
        } control;
        struct iovec part = {.iov_base = data, .iov_len = size};
        struct msghdr message = {.msg_iov = &part,
                        .msg_iovlen = 1,
                        .msg_control = &control,
                        .msg_controllen = sizeof control};
        ssize_t n = TEMP_FAILURE_RETRY(recvmsg(socket, &message, MSG_CMSG_CLOEXEC));

        if (n < 0)
                return -errno;

        *ret_fd = message_take_fd(&message);
        return n;
}
