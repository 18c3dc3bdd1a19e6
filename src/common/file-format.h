/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Formats in which files are passed around but which no guest reads: disk images that are not raw, and
 * compressed files. */

typedef struct FileFormat {
        size_t offset, size;
        const char *magic;
        const char *name;   /* "qcow2", "gzip" */
        const char *qemu;   /* as qemu-img calls it; NULL if it is no disk image */
        const char *unpack; /* the command that unpacks it; NULL if it is not compressed */
} FileFormat;

#define FILE_FORMAT_HEAD_SIZE 128 /* bytes, enough to recognise every format */

/* The format of a file that begins with head, or NULL. The second form reads the beginning of an open file;
 * NULL if it cannot. */
const FileFormat *file_format_of(const uint8_t *head, size_t head_size);
const FileFormat *file_format_of_fd(int fd);
