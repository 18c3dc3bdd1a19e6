/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Formats in which files travel and no guest reads them: disk images that are not raw, and what is
 * compressed. */

typedef struct FileFormat {
        size_t offset, size;
        const char *magic;
        const char *name;   /* "qcow2", "gzip" */
        const char *qemu;   /* as qemu-img calls it; NULL: no disk image */
        const char *unpack; /* the command that unpacks it; NULL: it is not compressed */
} FileFormat;

#define FILE_FORMAT_HEAD_SIZE 128 /* bytes that tell all of them */

/* What a file that begins so is, or NULL. The second form reads that of an open file; NULL where it
 * cannot. */
const FileFormat *file_format_of(const uint8_t *head, size_t head_size);
const FileFormat *file_format_of_fd(int fd);
