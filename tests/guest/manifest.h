/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The two ELF notes of a Solo5 image, as Solo5's include/elf_abi.h and include/mft_abi.h define them. The
 * build gives manifest.c GUEST_ABI and GUEST_DEVICES; test-images.c reads the result with the same types.
 */

#include <stdint.h>

#define NOTE_NAME "Solo5"

enum {
        NOTE_TYPE_ABI = 0x31494241,      /* "ABI1" */
        NOTE_TYPE_MANIFEST = 0x3154464d, /* "MFT1" */

        ABI_HVT = 1,
        ABI_SPT = 2,
        ABI_VIRTIO = 3,
        ABI_MUEN = 4,

        DEVICE_BLOCK = 1,
        DEVICE_NETWORK = 2,
        DEVICE_RESERVED_FIRST = 1 << 30,

        MANIFEST_VERSION = 1,
        MANIFEST_ENTRIES_MAX = 64,
};

typedef struct NoteHeader {
        uint32_t name_size;
        uint32_t content_size;
        uint32_t type;
        char name[8];
} NoteHeader;

typedef struct AbiNote {
        NoteHeader header;
        uint32_t target;
        uint32_t version;
        uint32_t reserved[2];
} AbiNote;

/* The second half is what Solo5's bindings keep about an attached device; it is zero in the file. */
typedef struct ManifestEntry {
        char name[68];
        uint32_t type;
        uint8_t runtime[32];
} ManifestEntry;

typedef struct ManifestHeader {
        NoteHeader header;
        uint32_t padding; /* so that what follows is aligned to 8 */
        uint32_t version;
        uint32_t n_entries;
} ManifestHeader;

_Static_assert(sizeof(AbiNote) == 36, "as in elf_abi.h");
_Static_assert(sizeof(ManifestEntry) == 104, "as in mft_abi.h");
_Static_assert(sizeof(ManifestHeader) == 32, "as in mft_abi.h");

/* The guest's own view. Without a manifest (plain Multiboot) it takes any devices that are there. */
extern const ManifestEntry *const manifest_entries; /* the reserved first one left out */
extern const unsigned manifest_n_entries;
