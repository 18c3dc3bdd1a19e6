/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* The content of volumes in files of this host. */

/* Opens a file or block device for reading; NULL or "-" is standard input. */
int volume_file_open(const char *name, int *ret_fd, Error *ret_error);

/* The destination of a volume's content. An existing file is not changed until the new content is
 * complete. */
typedef struct VolumeFile {
        char *path;      /* NULL if written in place */
        char *temporary; /* NULL if it has no name yet (O_TMPFILE) */
        int fd;          /* owned */
} VolumeFile;

#define VOLUME_FILE_INIT ((VolumeFile){.fd = -EBADF})

void volume_file_clear(VolumeFile *file);
#define _cleanup_volume_file_ __attribute__((cleanup(volume_file_clear)))

/* NULL or "-" is standard output, which must not be a terminal. */
int volume_file_create(const char *name, VolumeFile *ret, Error *ret_error);

/* Copies the content, and moves the file to its place. */
int volume_file_fill(VolumeFile *file, int from, Error *ret_error);
int volume_file_commit(VolumeFile *file, Error *ret_error);
