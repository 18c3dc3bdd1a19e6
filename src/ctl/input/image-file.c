/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Opens the descriptor that is passed to shruthid from a word on the command line. shruthid requires a
 * regular file, so input from a pipe is copied to one first. */

#include "ctl/input/image-file.h"

#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/string-util.h"
#include "ctl/input/sparse.h"

const char *image_host_path(const char *name)
{
        return g_str_has_prefix(name, HOST_PATH_PREFIX) ? name + strlen(HOST_PATH_PREFIX) : NULL;
}

static int image_open_unnamed(void)
{
        int fd = open(g_getenv("TMPDIR") ?: "/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

        return fd >= 0 ? fd : memfd_create("image", MFD_CLOEXEC);
}

/* Passed read-only, so that shruthid knows that nobody writes to it. */
static int image_reopen_read_only(int fd)
{
        g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);

        return open(path, O_RDONLY | O_CLOEXEC);
}

int stdin_open(const char *what, int *ret_fd, Error *ret_error)
{
        _cleanup_close_ int fd = -EBADF, reader = -EBADF;
        struct stat st;
        int r;

        if (isatty(STDIN_FILENO))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "The %s is read from standard input, which is a terminal: shruthictl … - < "
                                "FILE",
                                what);
        if (fstat(STDIN_FILENO, &st) >= 0 && S_ISREG(st.st_mode) && lseek(STDIN_FILENO, 0, SEEK_CUR) == 0)
                reader = image_reopen_read_only(STDIN_FILENO);

        if (reader < 0) {
                fd = image_open_unnamed();
                if (fd < 0)
                        return error_set_errno(ret_error, errno,
                                        "Cannot create a buffer for the %s from standard input", what);
                r = sparse_copy(STDIN_FILENO, fd);
                if (r < 0)
                        return error_set_errno(ret_error, r, "Cannot copy the %s from standard input", what);
                reader = image_reopen_read_only(fd);
                if (reader < 0)
                        return error_set_errno(
                                        ret_error, errno, "Cannot reopen the %s from standard input", what);
        }

        *ret_fd = TAKE_FD(reader);
        return 0;
}

int image_open(const char *name, int *ret_fd, Error *ret_error)
{
        const char *path = image_host_path(name) ?: name;
        g_autofree char *shown = text_for_display(path, 1024);
        struct stat st;
        int fd, r;

        if (g_str_equal(name, "-"))
                return stdin_open("image", ret_fd, ret_error);

        /* O_NONBLOCK, because opening a FIFO without a writer would block. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return error_set_errno(ret_error, errno, "Cannot open %s", shown);
        if (fstat(fd, &st) < 0)
                r = error_set_errno(ret_error, errno, "Cannot examine %s", shown);
        else if (!S_ISREG(st.st_mode))
                r = error_set(ret_error, ERROR_INVALID_IMAGE,
                                "%s is %s, not a regular file: name the file itself, or '-' to read it from "
                                "standard input.",
                                shown, S_ISDIR(st.st_mode) ? "a directory" : "a device, pipe or socket");
        else
                r = 0;
        if (r < 0) {
                close_safe(fd);
                return r;
        }

        *ret_fd = fd;
        return 0;
}
