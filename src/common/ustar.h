/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* ustar archives (POSIX.1-1988, pax(1) "ustar Interchange Format") of small files in one folder: key
 * material reaches a guest in such an archive on a block device, where MirageOS reads it as a key-value
 * store. The same entries always give the same bytes: sorted by name, owner 0, mode 0400, time 0, and padded
 * to whole sectors of 512 bytes. */

#define USTAR_BLOCK 512

/* For the whole archive. systemd gives a unit 1 MiB of credentials, including their names. */
#define USTAR_SIZE_MAX (1024 * 1024 - USTAR_BLOCK)

#define USTAR_NAME_MAX 99

/* Room for all keys that can be set (seal/archive.h) and all sources that a definition can name. */
#define USTAR_ENTRIES_MAX 1255

typedef struct UstarEntry {
        const char *name;
        const void *data;
        size_t size;
} UstarEntry;

/* Whether systemd accepts name as a credential's, and readers of the archive as one path component: 1 to 99
 * printable ASCII characters without space, '/' and ':', not beginning with '.'. */
bool ustar_name_is_valid(const char *name);

/* The size of the archive in bytes, even if it exceeds the limit. */
uint64_t ustar_size(const UstarEntry *entries, size_t n);

/* Writes the archive to fd from its current position. INVALID_ARGS for a bad or duplicate name,
 * LIMIT_EXCEEDED with the limit. No copy of the data stays in this process. */
int ustar_write(int fd, const UstarEntry *entries, size_t n, Error *ret_error);

/* The same into a new memfd that is sealed against all changes, at position 0. */
int ustar_write_memfd(const UstarEntry *entries, size_t n, int *ret_fd, Error *ret_error);

/* Parses an archive that ustar_write() made; -EBADMSG for anything else. The entries (UstarEntry, sorted by
 * name) point into data, except for their names, which the array owns. */
int ustar_parse(const void *data, size_t size, GArray **ret_entries, Error *ret_error);
