/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads ELF headers and notes out of untrusted bytes (System V gABI, "Object Files" and "Program
 * Loading"). */

#include "image/elf-file.h"

#include <elf.h>
#include <glib.h>

#define NOTE_HEADER_SIZE 12

bool elf_is(const uint8_t *head, size_t head_size)
{
        return head_size >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0;
}

static ImageArchitecture architecture_from_machine(uint16_t machine, bool is64)
{
        switch (machine) {
        case EM_386:
                return IMAGE_ARCHITECTURE_X86;
        case EM_X86_64:
                return IMAGE_ARCHITECTURE_X86_64;
        case EM_AARCH64:
                return IMAGE_ARCHITECTURE_AARCH64;
        case EM_PPC64:
                return IMAGE_ARCHITECTURE_PPC64;
        case EM_RISCV:
                return is64 ? IMAGE_ARCHITECTURE_RISCV64 : IMAGE_ARCHITECTURE_OTHER;
        default:
                return IMAGE_ARCHITECTURE_OTHER;
        }
}

static void attachment_parse(const uint8_t *p, bool is64, ElfSegment *ret)
{
        if (is64)
                *ret = (ElfSegment){
                                .type = get_le32(p + offsetof(Elf64_Phdr, p_type)),
                                .flags = get_le32(p + offsetof(Elf64_Phdr, p_flags)),
                                .offset = get_le64(p + offsetof(Elf64_Phdr, p_offset)),
                                .address = get_le64(p + offsetof(Elf64_Phdr, p_paddr)),
                                .virtual_address = get_le64(p + offsetof(Elf64_Phdr, p_vaddr)),
                                .file_size = get_le64(p + offsetof(Elf64_Phdr, p_filesz)),
                                .memory_size = get_le64(p + offsetof(Elf64_Phdr, p_memsz)),
                                .align = get_le64(p + offsetof(Elf64_Phdr, p_align)),
                };
        else
                *ret = (ElfSegment){
                                .type = get_le32(p + offsetof(Elf32_Phdr, p_type)),
                                .flags = get_le32(p + offsetof(Elf32_Phdr, p_flags)),
                                .offset = get_le32(p + offsetof(Elf32_Phdr, p_offset)),
                                .address = get_le32(p + offsetof(Elf32_Phdr, p_paddr)),
                                .virtual_address = get_le32(p + offsetof(Elf32_Phdr, p_vaddr)),
                                .file_size = get_le32(p + offsetof(Elf32_Phdr, p_filesz)),
                                .memory_size = get_le32(p + offsetof(Elf32_Phdr, p_memsz)),
                                .align = get_le32(p + offsetof(Elf32_Phdr, p_align)),
                };
}

static bool segments_read(Source *source, ElfFile *elf, uint64_t table, unsigned entry_size, unsigned n,
                ImageInfo *info)
{
        size_t expected_size = elf->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

        if (n > ELF_SEGMENTS_MAX)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: it claims %u program headers, a kernel has at most %d: build it "
                                "again", n,
                                ELF_SEGMENTS_MAX);
        if (n > 0 && entry_size != expected_size)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: its program headers claim %u bytes each, not %zu: build it again",
                                entry_size, expected_size);

        for (unsigned i = 0; i < n; i++) {
                uint8_t buffer[sizeof(Elf64_Phdr)];
                ElfSegment *segment = &elf->segments[i];

                if (table > UINT64_MAX - i * expected_size ||
                                !source_read(source, table + i * expected_size, buffer, expected_size))
                        return image_refuse_cut_off(info, source, "its table of program headers");

                attachment_parse(buffer, elf->is64, segment);
                if (!source_covers(source, segment->offset, segment->file_size) && segment->file_size > 0) {
                        g_autofree char *what = g_strdup_printf(
                                        "segment %u (%" PRIu64 " bytes at offset %" PRIu64 ")", i,
                                        segment->file_size, segment->offset);

                        return image_refuse_cut_off(info, source, what);
                }
        }

        elf->n_segments = n;
        return true;
}

/* The text is for messages: if it does not fit or cannot be printed, it is of no use. */
static void interpreter_read(Source *source, ElfFile *elf)
{
        for (unsigned i = 0; i < elf->n_segments; i++) {
                char *text = elf->interpreter;
                size_t n;

                if (elf->segments[i].type != PT_INTERP)
                        continue;

                n = source_read_some(source, elf->segments[i].offset, text,
                                MIN(elf->segments[i].file_size, sizeof elf->interpreter - 1));
                text[n] = '\0';
                for (; *text; text++)
                        if (!g_ascii_isgraph(*text))
                                *text = '?';
                return;
        }
}

bool elf_read(Source *source, ElfFile *ret, ImageInfo *info)
{
        uint8_t header[sizeof(Elf64_Ehdr)];
        size_t n = source_read_some(source, 0, header, sizeof header);

        *ret = (ElfFile){.architecture = IMAGE_ARCHITECTURE_UNKNOWN};
        if (n < sizeof(Elf32_Ehdr) || (header[EI_CLASS] == ELFCLASS64 && n < sizeof(Elf64_Ehdr)))
                return image_refuse_cut_off(info, source, "its ELF header");
        if (header[EI_CLASS] != ELFCLASS32 && header[EI_CLASS] != ELFCLASS64)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: ELF class %u, neither 32 nor 64 bit: build it again",
                                header[EI_CLASS]);

        ret->is64 = header[EI_CLASS] == ELFCLASS64;
        ret->os_abi = header[EI_OSABI];
        ret->little_endian = header[EI_DATA] == ELFDATA2LSB;
        if (!ret->little_endian) {
                uint16_t machine = (uint16_t) (header[offsetof(Elf64_Ehdr, e_machine)] << 8 |
                                header[offsetof(Elf64_Ehdr, e_machine) + 1]);

                ret->architecture = architecture_from_machine(machine, ret->is64);
                return true;
        }

        ret->type = get_le16(header + offsetof(Elf64_Ehdr, e_type));
        ret->architecture = architecture_from_machine(
                        get_le16(header + offsetof(Elf64_Ehdr, e_machine)), ret->is64);
        if (ret->is64) {
                ret->entry = get_le64(header + offsetof(Elf64_Ehdr, e_entry));
                if (!segments_read(source, ret, get_le64(header + offsetof(Elf64_Ehdr, e_phoff)),
                                get_le16(header + offsetof(Elf64_Ehdr, e_phentsize)),
                                get_le16(header + offsetof(Elf64_Ehdr, e_phnum)), info))
                        return false;
        } else {
                ret->entry = get_le32(header + offsetof(Elf32_Ehdr, e_entry));
                if (!segments_read(source, ret, get_le32(header + offsetof(Elf32_Ehdr, e_phoff)),
                                get_le16(header + offsetof(Elf32_Ehdr, e_phentsize)),
                                get_le16(header + offsetof(Elf32_Ehdr, e_phnum)), info))
                        return false;
        }

        interpreter_read(source, ret);
        return true;
}

uint64_t elf_loaded_end(const ElfFile *elf)
{
        uint64_t end = 0;

        for (unsigned i = 0; i < elf->n_segments; i++) {
                const ElfSegment *segment = &elf->segments[i];

                if (segment->type == PT_LOAD)
                        end = MAX(end, segment->address + MIN(segment->memory_size,
                                                                     UINT64_MAX - segment->address));
        }

        return end;
}

static size_t round_up(size_t value, size_t align)
{
        return (value + align - 1) & ~(align - 1);
}

/* Walks the notes of one segment in memory. Offsets cannot overflow: sizes are 32 bit at most, and checked
 * before they are added up. */
static bool notes_walk(const uint8_t *data, size_t size, const ElfSegment *segment, ElfNoteCallback on_note,
                void *userdata, ImageInfo *info)
{
        size_t position = 0;

        while (size - position >= NOTE_HEADER_SIZE) {
                uint32_t name_size = get_le32(data + position), desc_size = get_le32(data + position + 4);
                uint32_t type = get_le32(data + position + 8);
                const char *name = (const char *) data + position + NOTE_HEADER_SIZE;
                size_t rest = size - position - NOTE_HEADER_SIZE, desc_at, align;

                if (name_size > rest)
                        goto malformed;

                /* Segments of alignment 8 (GNU properties) pad to 8. Solo5's notes have the layout of a C
                 * structure, whatever the segment says (its include/mft_abi.h). */
                align = segment->align == 8 && !(name_size == 6 && memcmp(name, "Solo5", 6) == 0) ? 8 : 4;
                desc_at = round_up(NOTE_HEADER_SIZE + name_size, align) - NOTE_HEADER_SIZE;
                if (desc_at > rest || desc_size > rest - desc_at)
                        goto malformed;

                if (name_size > 0 && name[name_size - 1] == '\0' &&
                                !on_note(&(ElfNote){.offset = segment->offset + position,
                                                    .name = name,
                                                    .type = type,
                                                    .desc = data + position + NOTE_HEADER_SIZE + desc_at,
                                                    .desc_size = desc_size},
                                                userdata, info))
                        return false;

                position = MIN(size, position + round_up(NOTE_HEADER_SIZE + desc_at + desc_size, align));
        }

        return true;

malformed:
        return image_refuse(info, ERROR_INVALID_IMAGE,
                        "damaged: the ELF note at offset %" PRIu64 " reaches beyond its segment: build it "
                        "again",
                        segment->offset + position);
}

bool elf_for_each_note(
                Source *source, const ElfFile *elf, ElfNoteCallback on_note, void *userdata, ImageInfo *info)
{
        for (unsigned i = 0; i < elf->n_segments; i++) {
                const ElfSegment *segment = &elf->segments[i];
                g_autofree uint8_t *data = NULL;

                if (segment->type != PT_NOTE || segment->file_size == 0)
                        continue;
                if (segment->file_size > ELF_NOTES_SIZE_MAX)
                        return image_refuse(info, ERROR_INVALID_IMAGE,
                                        "damaged: it claims %" PRIu64 " bytes of ELF notes in one segment, "
                                        "more than %d: build it again",
                                        segment->file_size, ELF_NOTES_SIZE_MAX);

                data = g_malloc(segment->file_size);
                if (!source_read(source, segment->offset, data, segment->file_size))
                        return image_refuse_cut_off(info, source, "a segment of ELF notes");
                if (!notes_walk(data, segment->file_size, segment, on_note, userdata, info))
                        return false;
        }

        return true;
}
