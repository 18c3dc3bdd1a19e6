/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/elf-file.h"

/* An image for Solo5's targets spt and hvt as a tender loads it: where its segments go, and with what
 * protection. Read by shruthi-tender, and by inspect.c to see whether it will be. */

#define SOLO5_ABI_VERSION 2                  /* of both targets */
#define SOLO5_IMAGE_MIN   UINT64_C(0x100000) /* nothing is loaded below (include/spt_abi.h, hvt_abi.h) */
#define SOLO5_PAGE_SIZE   UINT64_C(4096)     /* what Solo5 links its images for */
#define HVT_MEMORY_MAX                                                                                      \
        (UINT64_C(1) << 32) /* its pointers have 32 bits, and the guest is given its tables                 \
                             */

typedef struct Solo5Segment {
        uint64_t address;
        uint64_t memory_size; /* never 0 */
        uint64_t offset;
        uint64_t file_size;
        bool readable, writable, executable; /* never writable and executable */
} Solo5Segment;

typedef struct Solo5Image {
        uint64_t entry;
        uint64_t end; /* of the last segment */
        unsigned n_segments;
        Solo5Segment segments[ELF_SEGMENTS_MAX]; /* ascending, no page in two of different protection */
} Solo5Image;

/* Whether a tender runs images for that target. */
bool solo5_target_is_loaded(Solo5Target target);

/* False: refused, and info->problem says why. info gets the target, its version and the devices besides.
 * machine is the processor that it shall run on. */
bool solo5_load_read(Source *source, ImageArchitecture machine, Solo5Image *ret, ImageInfo *info);
