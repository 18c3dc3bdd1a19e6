/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Opens the descriptor that a volume is read from or written to, from a word on the command line. */

#include "ctl/input/volume-file.h"

#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/string-util.h"
#include "ctl/input/image-file.h"
#include "ctl/input/sparse.h"

static bool volume_file_is_stream(const char *name)
{
        return !name || g_str_equal(name, "-");
}

int volume_file_open(const char *name, int *ret_fd, Error *ret_error)
{
        g_autofree char *shown = NULL;
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        if (volume_file_is_stream(name))
                return stdin_open("volume's content", ret_fd, ret_error);

        /* O_NONBLOCK, because opening a FIFO without a writer would block. */
        shown = text_for_display(name, 1024);
        fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0)
                return error_set_errno(ret_error, errno, "Cannot open %s", shown);
        if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "%s is %s, not a file or block device: name the file itself, or '-' to read "
                                "it from standard input.",
                                shown, S_ISDIR(st.st_mode) ? "a directory" : "a device, pipe or socket");

        *ret_fd = TAKE_FD(fd);
        return 0;
}

void volume_file_clear(VolumeFile *file)
{
        if (file->temporary)
                (void) unlink(file->temporary);
        file->fd = close_safe(file->fd);
        g_clear_pointer(&file->temporary, g_free);
        g_clear_pointer(&file->path, g_free);
}

/* Without a name, so that nothing is left if we are interrupted; otherwise beside its final path. */
static int volume_file_open_beside(VolumeFile *file)
{
        g_autofree char *dir = g_path_get_dirname(file->path);
        int r;

        file->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (file->fd >= 0)
                return 0;

        file->temporary = g_strconcat(file->path, ".XXXXXX", NULL);
        file->fd = g_mkstemp_full(file->temporary, O_RDWR | O_CLOEXEC, 0600);
        if (file->fd >= 0)
                return 0;

        r = -errno;
        g_clear_pointer(&file->temporary, g_free);
        return r;
}

int volume_file_create(const char *name, VolumeFile *ret, Error *ret_error)
{
        _cleanup_volume_file_ VolumeFile file = VOLUME_FILE_INIT;
        g_autofree char *shown = NULL;
        struct stat st;
        int r = 0;

        if (volume_file_is_stream(name)) {
                if (isatty(STDOUT_FILENO))
                        return error_set(ret_error, ERROR_INVALID_ARGS,
                                        "The content of a volume is not written to a terminal: shruthictl … "
                                        "> FILE");
                file.fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
                shown = g_strdup("standard output");
        } else {
                shown = text_for_display(name, 1024);
                file.path = g_strdup(name);
                /* Anything but a regular file is written in place: a device, a pipe. */
                if (stat(name, &st) >= 0 && !S_ISREG(st.st_mode)) {
                        g_clear_pointer(&file.path, g_free);
                        file.fd = open(name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
                } else
                        r = volume_file_open_beside(&file);
        }
        if (file.fd < 0)
                return error_set_errno(ret_error, r < 0 ? r : errno, "Cannot write to %s", shown);

        *ret = file;
        file = VOLUME_FILE_INIT;
        return 0;
}

static int volume_file_refuse(const VolumeFile *file, int r, Error *ret_error)
{
        g_autofree char *shown = text_for_display(file->path ?: "the output", 1024);

        return error_set_errno(ret_error, r, "Cannot copy the volume to %s", shown);
}

int volume_file_fill(VolumeFile *file, int from, Error *ret_error)
{
        int r = sparse_copy(from, file->fd);

        return r < 0 ? volume_file_refuse(file, r, ret_error) : 0;
}

/* Links it to a name beside its final path, because link(2) does not replace a file. */
static int volume_file_give_name(VolumeFile *file)
{
        g_autofree char *self = g_strdup_printf("/proc/self/fd/%d", file->fd);

        for (unsigned i = 0; i < 100; i++) {
                g_autofree char *name = g_strdup_printf("%s.%06x", file->path, g_random_int() & 0xffffff);

                if (linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW) >= 0) {
                        file->temporary = g_steal_pointer(&name);
                        return 0;
                }
                if (errno != EEXIST)
                        break;
        }

        return -errno;
}

int volume_file_commit(VolumeFile *file, Error *ret_error)
{
        g_autofree char *dir = NULL;
        int r;

        if (!file->path)
                return 0;
        r = file->temporary ? 0 : volume_file_give_name(file);
        if (r < 0)
                return volume_file_refuse(file, r, ret_error);
        if (fsync(file->fd) < 0 || rename(file->temporary, file->path) < 0)
                return volume_file_refuse(file, -errno, ret_error);
        g_clear_pointer(&file->temporary, g_free);

        /* A directory that is writable but not readable cannot be synced. */
        dir = g_path_get_dirname(file->path);
        r = directory_sync(dir);
        return r < 0 && r != -EACCES ? volume_file_refuse(file, r, ret_error) : 0;
}
