/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/source.h"

/* ELF as far as a boot loader needs it: the header, the program headers, the interpreter, the notes. */

#define ELF_SEGMENTS_MAX 128
/* bytes of one segment of notes; Solo5's largest manifest has 6,688 */
#define ELF_NOTES_SIZE_MAX (64 * 1024)

typedef struct ElfSegment {
        uint32_t type;
        uint32_t flags; /* PF_… */
        uint64_t offset;
        uint64_t address; /* physical */
        uint64_t virtual_address;
        uint64_t file_size;
        uint64_t memory_size;
        uint64_t align;
} ElfSegment;

typedef struct ElfFile {
        bool is64;
        bool little_endian; /* else only architecture is set: we host nothing that is big endian */
        uint8_t os_abi;
        uint16_t type;
        ImageArchitecture architecture;
        uint64_t entry;
        unsigned n_segments;
        ElfSegment segments[ELF_SEGMENTS_MAX];
        char interpreter[64]; /* PT_INTERP, cut and made printable; "" if none */
} ElfFile;

/* The end in memory of the last segment that is loaded; UINT64_MAX if the file claims more than there are
 * addresses. */
uint64_t elf_loaded_end(const ElfFile *elf);

/* One note. desc is only valid within the call. */
typedef struct ElfNote {
        uint64_t offset; /* of the note in the file */
        const char *name;
        uint32_t type;
        const uint8_t *desc;
        size_t desc_size;
} ElfNote;

/* Whether head, the first bytes of a file, begins an ELF file. */
bool elf_is(const uint8_t *head, size_t head_size);

/* Reads header and program headers, and checks that every segment lies within the file. */
bool elf_read(Source *source, ElfFile *ret, ImageInfo *info);

/* Calls on_note for every note in every PT_NOTE segment until it returns false; returns what it returned
 * last. Refuses a malformed note. */
typedef bool (*ElfNoteCallback)(const ElfNote *note, void *userdata, ImageInfo *info);
bool elf_for_each_note(Source *source, const ElfFile *elf, ElfNoteCallback on_note, void *userdata,
                ImageInfo *info);
