/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/elf-file.h"

/* PVH: an ELF kernel entered in 32 bit at the address in a note of Xen's (xen/include/public/elfnote.h). */

typedef struct PvhNote {
        bool found;
        uint64_t entry;
} PvhNote;

/* Takes the note if it is XEN_ELFNOTE_PHYS32_ENTRY. False: refused. */
bool pvh_note_take(PvhNote *pvh, const ElfNote *note, ImageInfo *info);

/* Whether QEMU will load it. */
bool pvh_check(const PvhNote *pvh, const ElfFile *elf, ImageInfo *info);
