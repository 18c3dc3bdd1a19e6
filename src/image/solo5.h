/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/elf-file.h"

/* Solo5's ELF notes: ABI1 (which tender the image is for) and MFT1 (the manifest: which devices it has). */

#define SOLO5_INTERPRETER "/nonexistent/solo5/"

typedef struct Solo5Notes {
        bool has_abi;
        bool has_manifest;
        uint64_t abi_offset;
        uint64_t manifest_offset;
        uint32_t target; /* the number as in the note */
} Solo5Notes;

/* Reads a note if it is one of Solo5's: sets target, ABI version and devices in info. False if it is
 * refused. */
bool solo5_note_take(Solo5Notes *notes, const ElfNote *note, ImageInfo *info);

/* Whether the notes, if there are any, are those of an image for virtio. */
bool solo5_check(const Solo5Notes *notes, const ElfFile *elf, ImageInfo *info);
