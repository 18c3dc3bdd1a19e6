/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Connections to our own services. Called by their clients: seal-client.c and neighbours-client.c. */

#include "common/socket.h"

#include <errno.h>
#include <glib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"

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
