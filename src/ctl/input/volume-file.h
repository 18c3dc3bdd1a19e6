/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* The content of volumes in files of this host. */

/* Opens a file or block device for reading; NULL or "-": standard input. */
int volume_file_open(const char *name, int *ret_fd, Error *ret_error);

/* Where the content of a volume goes. A file that is there already stays as it is until the new content is
 * complete. */
typedef struct VolumeFile {
        char *path;      /* NULL: it is written where it is */
        char *temporary; /* NULL: it has no name yet, where the file system can do that */
        int fd;          /* of our own */
} VolumeFile;

#define VOLUME_FILE_INIT ((VolumeFile){.fd = -EBADF})

void volume_file_clear(VolumeFile *file);
#define _cleanup_volume_file_ __attribute__((cleanup(volume_file_clear)))

/* NULL or "-": standard output, which must be no terminal. */
int volume_file_create(const char *name, VolumeFile *ret, Error *ret_error);

/* Copies the content there, and puts the file in its place. */
int volume_file_fill(VolumeFile *file, int from, Error *ret_error);
int volume_file_commit(VolumeFile *file, Error *ret_error);
