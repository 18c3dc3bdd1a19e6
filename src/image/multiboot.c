/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The Multiboot 1 header, judged as QEMU does (hw/i386/multiboot.c, load_multiboot()), so that an image that
 * QEMU would refuse with a line in libvirt's log is refused here with a message. */

#include "image/multiboot.h"

#include <elf.h>
#include <glib.h>

#define MULTIBOOT_MAGIC         0x1BADB002u
#define MULTIBOOT2_MAGIC        0xE85250D6u
#define MULTIBOOT_HEADER_SIZE   48      /* QEMU needs twelve words, whether they are used or not */
#define MULTIBOOT_AOUT_KLUDGE   0x10000u

static bool multiboot2_is_there(const uint8_t *head, size_t head_size)
{
        for (size_t i = 0; i + 16 <= head_size; i += 8)
                if (get_le32(head + i) == MULTIBOOT2_MAGIC &&
                                get_le32(head + i) + get_le32(head + i + 4) + get_le32(head + i + 8) +
                                                get_le32(head + i + 12) == 0)
                        return true;

        return false;
}

MultibootState multiboot_find(const uint8_t *head, size_t head_size, MultibootHeader *ret)
{
        MultibootState state = MULTIBOOT_NONE;

        head_size = MIN(head_size, (size_t) MULTIBOOT_SEARCH_SIZE);
        for (size_t i = 0; i + MULTIBOOT_HEADER_SIZE < head_size; i += 4) {
                const uint8_t *p = head + i;

                if (get_le32(p) != MULTIBOOT_MAGIC)
                        continue;
                if (get_le32(p) + get_le32(p + 4) + get_le32(p + 8) != 0) {
                        if (state == MULTIBOOT_NONE)
                                *ret = (MultibootHeader){.offset = (uint32_t) i};
                        state = MULTIBOOT_BAD_SUM;
                        continue;
                }

                *ret = (MultibootHeader){
                        .offset = (uint32_t) i,
                        .flags = get_le32(p + 4),
                        .header_address = get_le32(p + 12),
                        .load_address = get_le32(p + 16),
                        .load_end_address = get_le32(p + 20),
                        .bss_end_address = get_le32(p + 24),
                        .entry_address = get_le32(p + 28),
                };
                return MULTIBOOT_FOUND;
        }

        if (state == MULTIBOOT_NONE && multiboot2_is_there(head, head_size))
                return MULTIBOOT_2;
        return state;
}

/* Without AOUT_KLUDGE the loader uses the ELF headers, which QEMU does for 32-bit files only. */
static bool check_by_elf(const ElfFile *elf, ImageInfo *info)
{
        if (!elf)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "not an ELF file, and its Multiboot header has no load addresses "
                                "(AOUT_KLUDGE, flag 0x10000): link it with them");
        if (elf->architecture == IMAGE_ARCHITECTURE_X86_64)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "a 64-bit Multiboot kernel without load addresses in its header, which QEMU "
                                "does not load: link it with AOUT_KLUDGE (flag 0x10000), or boot it through "
                                "its 32-bit loader with this file as Initrd=");
        if (elf->n_segments == 0 || elf->entry == 0)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: an ELF file with a Multiboot header but nothing to load: link it "
                                "again");

        info->loaded_end = elf_loaded_end(elf);
        return true;
}

/* The header's numbers have 32 bits, so that no sum of them can overflow 64 bits; the file's size is the
 * file's claim and is only compared. */
static bool check_by_addresses(const Source *source, const MultibootHeader *header, ImageInfo *info)
{
        uint64_t before = (uint64_t) header->header_address - header->load_address, offset, size;

        if (header->header_address < header->load_address || before > header->offset)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: its Multiboot header claims address 0x%x but the load address "
                                "0x%x, which would begin before the file: link it again",
                                header->header_address, header->load_address);
        offset = header->offset - before;

        if (header->load_end_address == 0)
                size = source->size - MIN(offset, source->size);
        else if (header->load_end_address <= header->load_address)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: its Multiboot header ends loading at 0x%x, at or before its "
                                "beginning at 0x%x: link it again",
                                header->load_end_address, header->load_address);
        else
                size = header->load_end_address - header->load_address;

        if (!source_covers(source, offset, size))
                return image_refuse_cut_off(info, source, "part of what its Multiboot header loads");
        if (size > UINT32_MAX - header->load_address)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: its %" PRIu64 " bytes do not fit below 4 GiB when loaded at 0x%x: "
                                "link it again", size, header->load_address);
        if (header->bss_end_address != 0 && header->bss_end_address < header->load_address + size)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: its Multiboot header ends at 0x%x, before what it loads up to "
                                "0x%" PRIx64 ": link it again",
                                header->bss_end_address, header->load_address + size);
        if (header->entry_address < header->load_address ||
                        header->entry_address >= header->load_address + size)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: the entry point in its Multiboot header is 0x%x, outside of what "
                                "it loads (0x%x to 0x%" PRIx64 "): link it again",
                                header->entry_address, header->load_address, header->load_address + size);

        info->loaded_end = MAX(header->load_address + size, (uint64_t) header->bss_end_address);
        return true;
}

bool multiboot_check(
                const Source *source, const ElfFile *elf, const MultibootHeader *header, ImageInfo *info)
{
        return header->flags & MULTIBOOT_AOUT_KLUDGE ? check_by_addresses(source, header, info)
                                                     : check_by_elf(elf, info);
}

bool multiboot_refuse(MultibootState state, const MultibootHeader *header, ImageInfo *info)
{
        if (state == MULTIBOOT_BAD_SUM)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: the checksum of its Multiboot header (at offset %u) is wrong: "
                                "build it again", header->offset);
        if (state == MULTIBOOT_2)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "a Multiboot 2 kernel, which QEMU does not load: build it with a Multiboot "
                                "1 header or a PVH note");

        return true;
}
