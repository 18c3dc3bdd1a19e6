/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ELF files for QEMU's `virt`: nothing relocates them, so they must be linked to the address of its
 * memory. */

#include "image/arm-virt.h"

#include <elf.h>

bool arm_virt_check_elf(const ElfFile *elf, ImageInfo *info)
{
        bool loads = false;

        if (!elf->is64)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "a 32-bit ELF file for aarch64: build it for 64 bit");

        for (unsigned i = 0; i < elf->n_segments; i++) {
                const ElfSegment *segment = &elf->segments[i];

                if (segment->type != PT_LOAD || segment->memory_size == 0)
                        continue;
                loads = true;
                if (segment->address < ARM_VIRT_MEMORY)
                        return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                        "an ELF file that is loaded at 0x%" PRIx64 ", where QEMU's machine "
                                        "'virt' has no memory (it begins at 0x%" PRIx64 "): build it for "
                                        "that machine, or as a Linux boot image (Image)",
                                        segment->address, ARM_VIRT_MEMORY);
        }
        if (!loads || elf->entry == 0)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: an ELF file with nothing to load or to enter: link it again");

        info->loaded_end = elf_loaded_end(elf) - ARM_VIRT_MEMORY;
        return true;
}
