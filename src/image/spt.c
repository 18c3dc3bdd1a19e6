/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Images for Solo5's spt target, out of untrusted bytes: what include/elf_abi.h and include/spt_abi.h of
 * Solo5 ask of them, and no memory that is both written and executed. */

#include "image/spt.h"

#include <elf.h>
#include <glib.h>

#include "image/solo5.h"

#define REBUILD "rebuild for Solo5's spt target (MirageOS: `mirage configure -t spt`)"

/* More than any guest can be given, and so far from the last number that sums with it cannot wrap. */
#define SEGMENT_END_MAX (UINT64_C(1) << 47)

static bool spt_on_note(const ElfNote *note, void *userdata, ImageInfo *info)
{
        return solo5_note_take(userdata, note, info);
}

static bool spt_check_elf(const ElfFile *elf, ImageArchitecture machine, ImageInfo *info)
{
        if (!elf->little_endian || elf->architecture != machine)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "for %s%s, this host is %s: rebuild it for this one",
                                elf->little_endian ? "" : "big-endian ",
                                image_architecture_to_string(elf->architecture),
                                image_architecture_to_string(machine));
        if (!elf->is64)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: a Solo5 spt image is a 64-bit ELF file, this one is a 32-bit "
                                "file: " REBUILD);
        if (elf->type != ET_EXEC)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "no executable with fixed addresses (its ELF type is %u, not %d), which "
                                "Solo5 links: " REBUILD " and without -pie",
                                elf->type, ET_EXEC);

        return true;
}

static bool spt_check_notes(const Solo5Notes *notes, ImageInfo *info)
{
        if (!notes->has_abi)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "no Solo5 image, or one that lost the note that names its target (a `strip` "
                                "that removes notes breaks it): " REBUILD);
        if (info->target == SOLO5_TARGET_NONE)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "built for the unknown Solo5 target %u: " REBUILD, notes->target);
        if (info->target != SOLO5_TARGET_SPT)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE, "built for %s, not for spt: " REBUILD,
                                solo5_target_to_string(info->target));
        if (info->abi_version != SPT_ABI_VERSION)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "built for version %u of Solo5's spt target, only version %d is "
                                "supported: " REBUILD " with a Solo5 of that version, such as 0.12",
                                info->abi_version, SPT_ABI_VERSION);
        if (!notes->has_manifest)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "a Solo5 image without its manifest, so its devices are unknown: use the "
                                "file as it was built (a `strip` that removes notes breaks it), "
                                "or " REBUILD);

        return true;
}

static uint64_t page_of(uint64_t address)
{
        return address & ~(SPT_PAGE_SIZE - 1);
}

static bool segment_is_like(const SptSegment *a, const SptSegment *b)
{
        return a->readable == b->readable && a->writable == b->writable && a->executable == b->executable;
}

/* image->end is that of the segment before. */
static bool segment_check(const SptImage *image, const SptSegment *segment, unsigned i, ImageInfo *info)
{
        const SptSegment *before = image->n_segments > 0 ? segment - 1 : NULL;

        if (segment->file_size > segment->memory_size)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: segment %u has %" PRIu64 " bytes in the file and %" PRIu64
                                " in memory: " REBUILD,
                                i, segment->file_size, segment->memory_size);
        if (segment->address > SEGMENT_END_MAX || segment->memory_size > SEGMENT_END_MAX - segment->address)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: segment %u (%" PRIu64 " bytes at 0x%" PRIx64
                                ") claims more than there are addresses: " REBUILD,
                                i, segment->memory_size, segment->address);
        if (segment->address < SPT_IMAGE_MIN)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "linked at 0x%" PRIx64 " (segment %u), below 0x%" PRIx64
                                ", where Solo5 keeps its own data: " REBUILD " by its linker script",
                                segment->address, i, SPT_IMAGE_MIN);
        if (segment->writable && segment->executable)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "segment %u (at 0x%" PRIx64 ") is writable and executable, which is not "
                                "supported: " REBUILD " by its linker script, with code apart from data",
                                i, segment->address);
        if (before && (segment->address < image->end ||
                                      (page_of(segment->address) <= page_of(image->end - 1) &&
                                                      !segment_is_like(before, segment))))
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "segment %u (at 0x%" PRIx64 ") begins before or in the last page of the one "
                                "before it: " REBUILD " by its linker script",
                                i, segment->address);

        return true;
}

static bool segments_take(const ElfFile *elf, SptImage *image, ImageInfo *info)
{
        for (unsigned i = 0; i < elf->n_segments; i++) {
                const ElfSegment *header = &elf->segments[i];
                SptSegment *segment = &image->segments[image->n_segments];

                if (header->type != PT_LOAD || header->memory_size == 0)
                        continue;

                *segment = (SptSegment){
                                .address = header->virtual_address,
                                .memory_size = header->memory_size,
                                .offset = header->offset,
                                .file_size = header->file_size,
                                .readable = header->flags & PF_R,
                                .writable = header->flags & PF_W,
                                .executable = header->flags & PF_X,
                };
                if (!segment_check(image, segment, i, info))
                        return false;
                image->end = segment->address + segment->memory_size;
                image->n_segments++;
        }

        for (unsigned i = 0; i < image->n_segments; i++) {
                const SptSegment *segment = &image->segments[i];

                if (segment->executable && image->entry >= segment->address &&
                                image->entry - segment->address < segment->memory_size)
                        return true;
        }

        return image_refuse(info, ERROR_INVALID_IMAGE,
                        "damaged: its entry 0x%" PRIx64 " is in none of its %u segments that can be "
                        "executed: " REBUILD,
                        image->entry, image->n_segments);
}

bool spt_read(Source *source, ImageArchitecture machine, SptImage *ret, ImageInfo *info)
{
        g_autofree ElfFile *elf = g_new0(ElfFile, 1);
        uint8_t head[4];
        Solo5Notes notes = {};

        *ret = (SptImage){};
        if (!source_read(source, 0, head, sizeof head) || !elf_is(head, sizeof head))
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "no ELF file, which images for Solo5's spt target are: " REBUILD);
        if (!elf_read(source, elf, info))
                return false;

        info->architecture = elf->architecture;
        ret->entry = elf->entry;
        if (!elf->little_endian)
                return spt_check_elf(elf, machine, info);
        if (!elf_for_each_note(source, elf, spt_on_note, &notes, info) || !spt_check_notes(&notes, info) ||
                        !spt_check_elf(elf, machine, info) || !segments_take(elf, ret, info))
                return false;

        info->loaded_end = ret->end;
        return true;
}
