/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/elf-file.h"

/* Multiboot 1 as QEMU's -kernel takes it. */

#define MULTIBOOT_SEARCH_SIZE 8192

typedef enum MultibootState {
        MULTIBOOT_NONE,    /* no header */
        MULTIBOOT_FOUND,   /* one with a valid checksum */
        MULTIBOOT_BAD_SUM, /* only ones whose checksum is wrong */
        MULTIBOOT_2,       /* only a Multiboot 2 header */
} MultibootState;

typedef struct MultibootHeader {
        uint32_t offset; /* in the file */
        uint32_t flags;
        uint32_t header_address, load_address, load_end_address, bss_end_address, entry_address;
} MultibootHeader;

/* Looks for the header in head, the file's first bytes (up to MULTIBOOT_SEARCH_SIZE). *ret is set when
 * FOUND, and its offset when BAD_SUM. */
MultibootState multiboot_find(const uint8_t *head, size_t head_size, MultibootHeader *ret);

/* Whether QEMU will load it; elf is NULL when the file is no ELF. */
bool multiboot_check(
                const Source *source, const ElfFile *elf, const MultibootHeader *header, ImageInfo *info);

/* Says what is wrong with the header that there is instead of a good one. True: there is none at all. */
bool multiboot_refuse(MultibootState state, const MultibootHeader *header, ImageInfo *info);
