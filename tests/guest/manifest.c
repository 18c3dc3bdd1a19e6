/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The notes of one image. GUEST_ABI: the target that ABI1 names, absent for an image without notes.
 * GUEST_DEVICES: the entries, as `NETWORK("service") BLOCK("storage")`, empty for none.
 */

#include <stddef.h>

#include "manifest.h"

#ifdef GUEST_ABI

/* clang-format off */
#define NETWORK(n) {.name = n, .type = DEVICE_NETWORK},
#define BLOCK(n)   {.name = n, .type = DEVICE_BLOCK},
#define ENTRIES    {{.type = DEVICE_RESERVED_FIRST}, GUEST_DEVICES}
#define N_ENTRIES  (sizeof((ManifestEntry[]) ENTRIES) / sizeof(ManifestEntry))
#define HEADER(note, t) {sizeof(NOTE_NAME), sizeof(note) - sizeof(NoteHeader), t, NOTE_NAME}

_Static_assert(N_ENTRIES <= MANIFEST_ENTRIES_MAX, "too many devices for a manifest");

/* Keeps a host's kernel from starting the image as a program. */
__attribute__((section(".interp"), used))
static const char interpreter[] = "/nonexistent/solo5/";

__attribute__((section(".note.solo5.abi"), aligned(4), used))
static const AbiNote abi_note = {
        .header = HEADER(abi_note, NOTE_TYPE_ABI),
        .target = GUEST_ABI,
        .version = GUEST_ABI == ABI_SPT || GUEST_ABI == ABI_HVT ? 2 : 1,
};

__attribute__((section(".note.solo5.manifest"), aligned(4), used))
static const struct {
        ManifestHeader head;
        ManifestEntry entries[N_ENTRIES];
} manifest = {
        .head = {
                .header = HEADER(manifest, NOTE_TYPE_MANIFEST),
                .version = MANIFEST_VERSION,
                .n_entries = N_ENTRIES,
        },
        .entries = ENTRIES,
};
/* clang-format on */

const ManifestEntry *const manifest_entries = manifest.entries + 1;
const unsigned manifest_n_entries = N_ENTRIES - 1;

#else

const ManifestEntry *const manifest_entries = NULL;
const unsigned manifest_n_entries = 0;

#endif
