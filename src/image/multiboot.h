/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/elf-file.h"

/* Multiboot 1 as QEMU's -kernel takes it. */

#define MULTIBOOT_SEARCH_SIZE 8192

typedef enum MultibootState {
        MULTIBOOT_NONE,    /* no header */
        MULTIBOOT_FOUND,   /* one with a valid checksum */
        MULTIBOOT_BAD_SUM, /* only headers with a wrong checksum */
        MULTIBOOT_2,       /* only a Multiboot 2 header */
} MultibootState;

typedef struct MultibootHeader {
        uint32_t offset; /* in the file */
        uint32_t flags;
        uint32_t header_address, load_address, load_end_address, bss_end_address, entry_address;
} MultibootHeader;

/* Looks for the header in head, the file's first bytes (up to MULTIBOOT_SEARCH_SIZE). *ret is set if FOUND,
 * its offset also if BAD_SUM. */
MultibootState multiboot_find(const uint8_t *head, size_t head_size, MultibootHeader *ret);

/* Whether QEMU will load the image; elf is NULL if the file is no ELF file. */
bool multiboot_check(
                const Source *source, const ElfFile *elf, const MultibootHeader *header, ImageInfo *info);

/* Refuses a header that QEMU cannot use, and says what is wrong with it. True if there is no header at
 * all. */
bool multiboot_refuse(MultibootState state, const MultibootHeader *header, ImageInfo *info);
