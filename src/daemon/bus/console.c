/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A running unikernel's console, for who may see it: the runner's socket, connected by us because only our
 * user may. */

#include "daemon/bus/console.h"

#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/io.h"
#include "common/paths.h"

int console_connect(const char *name, int *ret_fd, Error *ret_error)
{
        g_autofree char *dir = paths_unikernel_runtime(name), *path = g_build_filename(dir, "console", NULL);
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_close_ int fd = -EBADF;

        if (strlen(path) >= sizeof address.sun_path)
                return error_set(ret_error, ERROR_FAILED, "The path of the console is too long: %s", path);
        strncpy(address.sun_path, path, sizeof address.sun_path - 1);

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return error_set_errno(ret_error, errno, "Cannot make a socket");
        if (connect(fd, (const struct sockaddr *) &address, sizeof address) < 0) {
                if (errno == EAGAIN)
                        return error_set(ret_error, ERROR_BUSY,
                                        "The console of '%s' takes no more readers now", name);
                if (errno == ENOENT || errno == ECONNREFUSED)
                        return error_set(ret_error, ERROR_NOT_RUNNING, "Unikernel '%s' has no console now",
                                        name);
                return error_set_errno(ret_error, errno, "Cannot connect to the console of '%s'", name);
        }
        /* The flag goes with the descriptor to the caller, who expects an ordinary one. */
        if (fcntl(fd, F_SETFL, 0) < 0)
                return error_set_errno(ret_error, errno, "Cannot hand the console over");

        *ret_fd = TAKE_FD(fd);
        return 0;
}
