/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A ustar archive on a block device (POSIX.1-2017, pax, "ustar Interchange Format"), entry by entry. It is
 * untrusted: nothing in it leads beyond the device or into a loop. Stands alone, for a test on the host.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        ARCHIVE_SECTOR = 512,
        ARCHIVE_NAME_MAX = 256, /* prefix, '/', name */
};

typedef struct Archive {
        uint64_t n_sectors;
        bool (*read)(void *device, uint64_t sector, uint8_t ret[ARCHIVE_SECTOR]);
        void *device;
        uint64_t sector;     /* where the next header is */
        const char *problem; /* of the header at sector, after a -1 */
} Archive;

typedef struct ArchiveEntry {
        char name[ARCHIVE_NAME_MAX + 1]; /* as it is there, any byte but NUL */
        char type;                       /* '0': a file */
        uint64_t size;
        uint64_t sector; /* where its content begins; it is within the device */
} ArchiveEntry;

/* 1: an entry; 0: the end, as two sectors of zeroes say; -1: it is broken there, or cannot be read. */
int archive_next(Archive *a, ArchiveEntry *ret);
