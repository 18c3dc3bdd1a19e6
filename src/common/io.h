/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"

/* Descriptors and files: closing by scope, whole reads and writes, files that are replaced atomically. */

/* Closes fd if it is not negative, keeps errno, returns -EBADF. */
int close_safe(int fd);
void close_fd_pointer(int *fd);
#define _cleanup_close_ __attribute__((cleanup(close_fd_pointer)))
#define TAKE_FD(fd)                                                                                         \
        ({                                                                                                  \
                int *_taken = &(fd), _value = *_taken;                                                      \
                *_taken = -EBADF;                                                                           \
                _value;                                                                                     \
        })

/* Writes all of it, through EINTR and short writes. */
int write_all(int fd, const void *data, size_t size);

/* Writes those blocks of data that are not all zero, into a file that has a hole there. */
int write_sparse(int fd, const void *data, size_t size, off_t offset);

/* Reads up to size bytes at offset, through EINTR and short reads; fewer only at the end of the file.
 * Returns the number or a negative errno. */
ssize_t pread_all(int fd, void *data, size_t size, off_t offset);

/* Reads a whole file of at most max bytes (-E2BIG if larger), NUL-terminated for convenience. ret_size may
 * be NULL. Free with g_free(). The second form takes the path of a regular file, relative to dir_fd (or
 * AT_FDCWD). */
int fd_read_all(int fd, size_t max, char **ret_data, size_t *ret_size);
int file_read_at(int dir_fd, const char *path, size_t max, char **ret_data, size_t *ret_size);

/* Writes a file with that content and mode to dir/name: it is written beside it, fsynced, renamed over it,
 * and the directory is fsynced. A reader sees the old content or the new, also after a power failure. */
int file_replace(const char *dir, const char *name, const void *data, size_t size, mode_t mode);

/* The same for a file that must not exist yet: -EEXIST if it does, also when another process creates it at
 * the same moment. */
int file_create(const char *dir, const char *name, const void *data, size_t size, mode_t mode);

/* Removes dir/name and fsyncs the directory; -ENOENT if there is none. */
int file_remove(const char *dir, const char *name);

/* Flushes a directory's entries to disk. */
int directory_sync(const char *dir);

/* Makes a directory that survives a power failure, unless it exists already. */
int directory_make(const char *dir, mode_t mode);

/* Removes the temporary files that an interrupted file_replace() or file_create() (by a power failure, or
 * killed) has left of the file dir/name, or of every file in dir if name is NULL. dir is relative to dir_fd,
 * or AT_FDCWD. Call it only while nobody else writes there. data/tmpfiles removes the same files at each
 * boot: keep the two alike. */
void file_remove_remains(int dir_fd, const char *dir, const char *name);

/* Whether the file system of path has room for wanted bytes of what ("the image") and then still has
 * free_min bytes free. A file system that does not tell counts as having room. FAILED with a message that
 * ends with way, the way out. */
int file_system_check_room(const char *path, uint64_t wanted, uint64_t free_min, const char *what,
                const char *way, Error *ret_error);
