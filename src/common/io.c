/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Descriptors and files: closing by scope, whole reads and writes, files that are replaced atomically. */

#include "common/io.h"
#include "common/size.h"

#include <dirent.h>
#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>


#define HOLE_SIZE 4096 /* a block of most file systems */

int close_safe(int fd)
{
        if (fd >= 0) {
                int saved = errno;

                (void) close(fd);
                errno = saved;
        }

        return -EBADF;
}

void close_fd_pointer(int *fd)
{
        *fd = close_safe(*fd);
}

int write_all(int fd, const void *data, size_t size)
{
        const char *p = data;

        while (size > 0) {
                ssize_t n = write(fd, p, size);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                p += n;
                size -= (size_t) n;
        }

        return 0;
}

static bool is_zero(const char *data, size_t size)
{
        return data[0] == 0 && memcmp(data, data + 1, size - 1) == 0;
}

int write_sparse(int fd, const void *data, size_t size, off_t offset)
{
        const char *p = data;
        size_t done = 0;

        while (done < size) {
                size_t length = MIN(size - done, (size_t) HOLE_SIZE);
                ssize_t n;

                if (is_zero(p + done, length)) {
                        done += length;
                        continue;
                }
                while (done + length < size) {
                        size_t next = MIN(size - done - length, (size_t) HOLE_SIZE);

                        if (is_zero(p + done + length, next))
                                break;
                        length += next;
                }
                n = pwrite(fd, p + done, length, offset + (off_t) done);
                if (n < 0 && errno != EINTR)
                        return -errno;
                /* The rest of a short write is checked again, from where the write ended. */
                done += n < 0 ? 0 : (size_t) n;
        }

        return 0;
}

ssize_t pread_all(int fd, void *data, size_t size, off_t offset)
{
        char *p = data;
        size_t done = 0;

        while (done < size) {
                ssize_t n = pread(fd, p + done, size - done, offset + (off_t)done);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        break;
                done += (size_t) n;
        }

        return (ssize_t) done;
}

int fd_read_all(int fd, size_t max, char **ret_data, size_t *ret_size)
{
        g_autoptr(GString) data = g_string_new(NULL);

        for (;;) {
                char buffer[16 * 1024];
                ssize_t n = read(fd, buffer, sizeof buffer);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        break;
                if ((size_t) n > max - data->len)
                        return -E2BIG;
                g_string_append_len(data, buffer, n);
        }

        if (ret_size)
                *ret_size = data->len;
        *ret_data = g_string_free(g_steal_pointer(&data), FALSE);
        return 0;
}

int file_read_at(int dir_fd, const char *path, size_t max, char **ret_data, size_t *ret_size)
{
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        /* Non-blocking, so that a FIFO at that place cannot block us before it is refused. */
        fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        if (!S_ISREG(st.st_mode))
                return -EBADFD;

        return fd_read_all(fd, max, ret_data, ret_size);
}

int directory_sync(const char *dir)
{
        _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0 || fsync(fd) < 0)
                return -errno;

        return 0;
}

int directory_make(const char *dir, mode_t mode)
{
        g_autofree char *parent = g_path_get_dirname(dir);

        if (mkdir(dir, mode) < 0)
                return errno == EEXIST ? 0 : -errno;

        return directory_sync(parent);
}

/* A temporary file beside its final place, complete and on disk; removed again on failure. */
static int write_temporary(const char *dir, const char *name, const void *data, size_t size, mode_t mode,
                char **ret_path)
{
        g_autofree char *temporary = g_strdup_printf("%s/.%s.XXXXXX", dir, name);
        _cleanup_close_ int fd = -EBADF;
        int r;

        fd = g_mkstemp_full(temporary, O_RDWR | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;

        r = write_all(fd, data, size);
        if (r >= 0 && fchmod(fd, mode) < 0)
                r = -errno;
        if (r >= 0 && fsync(fd) < 0)
                r = -errno;
        if (r < 0) {
                (void) unlink(temporary);
                return r;
        }

        *ret_path = g_steal_pointer(&temporary);
        return 0;
}

static int put_file(const char *dir, const char *name, const void *data, size_t size, mode_t mode,
                bool replace)
{
        g_autofree char *path = g_strdup_printf("%s/%s", dir, name), *temporary = NULL;
        int r;

        r = write_temporary(dir, name, data, size, mode, &temporary);
        if (r < 0)
                return r;

        /* link() replaces nothing, even if another process creates the same file at that moment. */
        r = (replace ? rename : link)(temporary, path) < 0 ? -errno : 0;
        if (r < 0 || !replace)
                (void) unlink(temporary);

        return r < 0 ? r : directory_sync(dir);
}

int file_replace(const char *dir, const char *name, const void *data, size_t size, mode_t mode)
{
        return put_file(dir, name, data, size, mode, true);
}

int file_create(const char *dir, const char *name, const void *data, size_t size, mode_t mode)
{
        return put_file(dir, name, data, size, mode, false);
}

int file_remove(const char *dir, const char *name)
{
        g_autofree char *path = g_strdup_printf("%s/%s", dir, name);

        if (unlink(path) < 0)
                return -errno;

        return directory_sync(dir);
}

/* ".NAME.XXXXXX", as write_temporary() names them. */
static bool is_remains(const char *entry, const char *name)
{
        const char *random = strrchr(entry, '.');

        if (entry[0] != '.' || random == entry || strlen(random + 1) != strlen("XXXXXX"))
                return false;

        return !name || (strncmp(entry + 1, name, strlen(name)) == 0 && entry + 1 + strlen(name) == random);
}

void file_remove_remains(int dir_fd, const char *dir, const char *name)
{
        int fd = openat(dir_fd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);

        if (!d) {
                fd = close_safe(fd);
                return;
        }
        for (struct dirent *entry; (entry = readdir(d));)
                if (is_remains(entry->d_name, name))
                        (void) unlinkat(dirfd(d), entry->d_name, 0);
        (void) closedir(d);
}

int file_system_check_room(const char *path, uint64_t wanted, uint64_t free_min, const char *what,
                const char *way, Error *ret_error)
{
        g_autofree char *size = NULL, *left = NULL, *kept = NULL;
        struct statvfs st;
        uint64_t available;

        if (free_min == 0 || statvfs(path, &st) < 0)
                return 0;
        available = (uint64_t) st.f_bavail * st.f_frsize;
        if (wanted <= available && available - wanted >= free_min)
                return 0;

        size = size_format(wanted);
        left = size_format(available);
        kept = size_format(free_min);
        return error_set(ret_error, ERROR_FAILED,
                        "Not enough space for %s (%s): the file system of %s has %s free, and %s must stay "
                        "free (FreeSpaceMin= in shruthi.conf); %s",
                        what, size, path, left, kept, way);
}
