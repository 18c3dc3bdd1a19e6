/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/elf-file.h"

/* An image for Solo5's spt target as a tender loads it: where its segments go, and with what protection.
 * Read by shruthi-tender, and by inspect.c to see whether it will be. */

#define SPT_ABI_VERSION 2
#define SPT_IMAGE_MIN   UINT64_C(0x100000) /* nothing is loaded below (include/spt_abi.h) */
#define SPT_PAGE_SIZE   UINT64_C(4096)     /* what Solo5 links its images for */

typedef struct SptSegment {
        uint64_t address;
        uint64_t memory_size; /* never 0 */
        uint64_t offset;
        uint64_t file_size;
        bool readable, writable, executable; /* never writable and executable */
} SptSegment;

typedef struct SptImage {
        uint64_t entry;
        uint64_t end; /* of the last segment */
        unsigned n_segments;
        SptSegment segments[ELF_SEGMENTS_MAX]; /* ascending, no page in two of different protection */
} SptImage;

/* False: refused, and info->problem says why. info gets the target, its version and the devices besides.
 * machine is the processor that it shall run on. */
bool spt_read(Source *source, ImageArchitecture machine, SptImage *ret, ImageInfo *info);
