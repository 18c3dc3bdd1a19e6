/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Images for Solo5's targets spt and hvt, out of untrusted bytes: what include/elf_abi.h, spt_abi.h and
 * hvt_abi.h of Solo5 ask of them, and no memory that is both written and executed. */

#include "image/solo5-load.h"

#include <elf.h>
#include <glib.h>

#include "image/solo5.h"

#define REBUILD_SPT "rebuild for Solo5's spt target (MirageOS: `mirage configure -t spt`)"
#define REBUILD_HVT "rebuild for Solo5's hvt target (MirageOS: `mirage configure -t hvt`)"

/* More than any guest can be given, and so far from the last number that sums with it cannot wrap. */
#define SPT_SEGMENT_END_MAX (UINT64_C(1) << 47)

bool solo5_target_is_loaded(Solo5Target target)
{
        return target == SOLO5_TARGET_SPT || target == SOLO5_TARGET_HVT;
}

/* An image stays with its target, unless that is none of ours. */
static const char *rebuild(const ImageInfo *info)
{
        return info->target == SOLO5_TARGET_HVT ? REBUILD_HVT : REBUILD_SPT;
}

static bool load_on_note(const ElfNote *note, void *userdata, ImageInfo *info)
{
        return solo5_note_take(userdata, note, info);
}

static bool load_check_elf(const ElfFile *elf, ImageArchitecture machine, ImageInfo *info)
{
        if (!elf->little_endian || elf->architecture != machine)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "for %s%s, this host is %s: rebuild it for this one",
                                elf->little_endian ? "" : "big-endian ",
                                image_architecture_to_string(elf->architecture),
                                image_architecture_to_string(machine));
        if (!elf->is64)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: a Solo5 %s image is a 64-bit ELF file, this one is a 32-bit "
                                "file: %s",
                                solo5_target_to_string(info->target), rebuild(info));
        if (elf->type != ET_EXEC)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "no executable with fixed addresses (its ELF type is %u, not %d), which "
                                "Solo5 links: %s and without -pie",
                                elf->type, ET_EXEC, rebuild(info));

        return true;
}

static bool load_check_notes(const Solo5Notes *notes, ImageInfo *info)
{
        const char *target = solo5_target_to_string(info->target);

        if (!notes->has_abi)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "no Solo5 image, or one that lost the note that names its target (a `strip` "
                                "that removes notes breaks it): %s",
                                rebuild(info));
        if (info->target == SOLO5_TARGET_NONE)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "built for the unknown Solo5 target %u: %s", notes->target, rebuild(info));
        if (!solo5_target_is_loaded(info->target))
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE, "built for %s, not for spt or hvt: %s",
                                target, rebuild(info));
        if (info->abi_version != SOLO5_ABI_VERSION)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "built for version %u of Solo5's %s target, only version %d is "
                                "supported: %s with a Solo5 of that version, such as 0.12",
                                info->abi_version, target, SOLO5_ABI_VERSION, rebuild(info));
        if (!notes->has_manifest)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "a Solo5 image without its manifest, so its devices are unknown: use the "
                                "file as it was built (a `strip` that removes notes breaks it), or %s",
                                rebuild(info));

        return true;
}

static uint64_t page_of(uint64_t address)
{
        return address & ~(SOLO5_PAGE_SIZE - 1);
}

static bool segment_is_like(const Solo5Segment *a, const Solo5Segment *b)
{
        return a->readable == b->readable && a->writable == b->writable && a->executable == b->executable;
}

/* image->end is that of the segment before. */
static bool segment_check(const Solo5Image *image, const Solo5Segment *segment, unsigned i, ImageInfo *info)
{
        const Solo5Segment *before = image->n_segments > 0 ? segment - 1 : NULL;
        uint64_t end_max = info->target == SOLO5_TARGET_HVT ? HVT_MEMORY_MAX : SPT_SEGMENT_END_MAX;

        if (segment->file_size > segment->memory_size)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: segment %u has %" PRIu64 " bytes in the file and %" PRIu64
                                " in memory: %s",
                                i, segment->file_size, segment->memory_size, rebuild(info));
        if (segment->address > end_max || segment->memory_size > end_max - segment->address)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: segment %u (%" PRIu64 " bytes at 0x%" PRIx64
                                ") claims more than there are addresses: %s",
                                i, segment->memory_size, segment->address, rebuild(info));
        if (segment->address < SOLO5_IMAGE_MIN)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "linked at 0x%" PRIx64 " (segment %u), below 0x%" PRIx64
                                ", where Solo5 keeps its own data: %s by its linker script",
                                segment->address, i, SOLO5_IMAGE_MIN, rebuild(info));
        if (segment->writable && segment->executable)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "segment %u (at 0x%" PRIx64 ") is writable and executable, which is not "
                                "supported: %s by its linker script, with code apart from data",
                                i, segment->address, rebuild(info));
        if (before && (segment->address < image->end ||
                                      (page_of(segment->address) <= page_of(image->end - 1) &&
                                                      !segment_is_like(before, segment))))
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "segment %u (at 0x%" PRIx64 ") begins before or in the last page of the one "
                                "before it: %s by its linker script",
                                i, segment->address, rebuild(info));

        return true;
}

static bool segments_take(const ElfFile *elf, Solo5Image *image, ImageInfo *info)
{
        for (unsigned i = 0; i < elf->n_segments; i++) {
                const ElfSegment *header = &elf->segments[i];
                Solo5Segment *segment = &image->segments[image->n_segments];

                if (header->type != PT_LOAD || header->memory_size == 0)
                        continue;

                *segment = (Solo5Segment){
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
                const Solo5Segment *segment = &image->segments[i];

                if (segment->executable && image->entry >= segment->address &&
                                image->entry - segment->address < segment->memory_size)
                        return true;
        }

        return image_refuse(info, ERROR_INVALID_IMAGE,
                        "damaged: its entry 0x%" PRIx64 " is in none of its %u segments that can be "
                        "executed: %s",
                        image->entry, image->n_segments, rebuild(info));
}

bool solo5_load_read(Source *source, ImageArchitecture machine, Solo5Image *ret, ImageInfo *info)
{
        g_autofree ElfFile *elf = g_new0(ElfFile, 1);
        uint8_t head[4];
        Solo5Notes notes = {};

        *ret = (Solo5Image){};
        if (!source_read(source, 0, head, sizeof head) || !elf_is(head, sizeof head))
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "no ELF file, which images for Solo5's targets spt and hvt "
                                "are: " REBUILD_SPT);
        if (!elf_read(source, elf, info))
                return false;

        info->architecture = elf->architecture;
        ret->entry = elf->entry;
        if (!elf->little_endian)
                return load_check_elf(elf, machine, info);
        if (!elf_for_each_note(source, elf, load_on_note, &notes, info) || !load_check_notes(&notes, info) ||
                        !load_check_elf(elf, machine, info) || !segments_take(elf, ret, info))
                return false;

        info->loaded_end = ret->end;
        return true;
}
