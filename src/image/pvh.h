/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/elf-file.h"

/* PVH: an ELF kernel that is entered in 32-bit mode at the address in one of Xen's notes
 * (xen/include/public/elfnote.h). */

typedef struct PvhNote {
        bool found;
        uint64_t entry;
} PvhNote;

/* Stores the note if it is XEN_ELFNOTE_PHYS32_ENTRY. False if it is refused. */
bool pvh_note_take(PvhNote *pvh, const ElfNote *note, ImageInfo *info);

/* Whether QEMU will load the kernel. */
bool pvh_check(const PvhNote *pvh, const ElfFile *elf, ImageInfo *info);
