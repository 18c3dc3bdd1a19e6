/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The PVH entry note, as QEMU's load_elfboot() (hw/i386/x86.c) takes it. */

#include "image/pvh.h"

#include <elf.h>
#include <inttypes.h>

#define XEN_ELFNOTE_PHYS32_ENTRY 18

bool pvh_note_take(PvhNote *pvh, const ElfNote *note, ImageInfo *info)
{
        if (note->type != XEN_ELFNOTE_PHYS32_ENTRY || strcmp(note->name, "Xen") != 0)
                return true;

        if (note->desc_size != 4 && note->desc_size != 8)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: its PVH entry note has %zu bytes, neither 4 nor 8: link it again",
                                note->desc_size);

        pvh->found = true;
        pvh->entry = note->desc_size == 4 ? get_le32(note->desc) : get_le64(note->desc);
        return true;
}

bool pvh_check(const PvhNote *pvh, const ElfFile *elf, ImageInfo *info)
{
        bool loads = false;

        for (unsigned i = 0; i < elf->n_segments; i++)
                loads |= elf->segments[i].type == PT_LOAD && elf->segments[i].memory_size > 0;

        if (!loads)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: it has a PVH entry but nothing to load: link it again");
        if (pvh->entry == 0 || pvh->entry > UINT32_MAX)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: its PVH entry is at 0x%" PRIx64 ", which no 32-bit entry can be: "
                                "link it again", pvh->entry);

        info->loaded_end = elf_loaded_end(elf);
        return true;
}
