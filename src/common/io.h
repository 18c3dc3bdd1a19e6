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

/* Writes what of it is not zero into a file that has a hole there, block by block. */
int write_sparse(int fd, const void *data, size_t size, off_t offset);

/* Reads up to size bytes at offset, through EINTR and short reads; fewer only at the end of the file.
 * Returns the number or a negative errno. */
ssize_t pread_all(int fd, void *data, size_t size, off_t offset);

/* Reads a whole file of at most max bytes (-E2BIG beyond), NUL-terminated for convenience. ret_size may be
 * NULL. Free with g_free(). The second form takes a regular file's path, below dir_fd (or AT_FDCWD). */
int fd_read_all(int fd, size_t max, char **ret_data, size_t *ret_size);
int file_read_at(int dir_fd, const char *path, size_t max, char **ret_data, size_t *ret_size);

/* Puts a file of that content and mode at dir/name: written beside it, fsynced, renamed over, directory
 * fsynced. A reader sees the old content or the new, also after a power cut. */
int file_replace(const char *dir, const char *name, const void *data, size_t size, mode_t mode);

/* The same for a file that must not exist yet: -EEXIST, also when another creates it at the same moment. */
int file_create(const char *dir, const char *name, const void *data, size_t size, mode_t mode);

/* Removes dir/name and fsyncs the directory; -ENOENT when there is none. */
int file_remove(const char *dir, const char *name);

/* Flushes a directory's entries to disk. */
int directory_sync(const char *dir);

/* Makes a directory, if it is not there yet, that outlives a power cut. */
int directory_make(const char *dir, mode_t mode);

/* Removes what a file_replace() or file_create() that was cut short (by a power cut, or killed) has left of
 * the file dir/name, or of every file in dir where name is NULL. dir is below dir_fd, or AT_FDCWD. Only
 * where nobody else is writing there just now. data/tmpfiles clears the same away at each boot: keep them
 * alike. */
void file_remove_remains(int dir_fd, const char *dir, const char *name);

/* Whether the file system of path has room for wanted bytes of what ("the image") and keeps free_min of them
 * free; a file system that says nothing has. FAILED with a message that ends with way, the way out. */
int file_system_check_room(const char *path, uint64_t wanted, uint64_t free_min, const char *what,
                const char *way, Error *ret_error);
