/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "image/image.h"

/* Makes images for tests, good ones by default, with the places where a test may spoil them. */

typedef enum MultibootKind {
        MULTIBOOT_KIND_NONE,
        MULTIBOOT_KIND_ADDRESSES, /* with AOUT_KLUDGE, as Solo5 has it */
        MULTIBOOT_KIND_ELF,       /* without: the loader goes by the ELF headers */
        MULTIBOOT_KIND_2,         /* a Multiboot 2 header */
} MultibootKind;

typedef struct ImageSpec {
        bool flat;               /* no ELF file: only what follows the headers */
        bool is32;
        uint16_t machine;        /* 0: EM_X86_64, EM_386 when is32 */
        uint64_t load_at;        /* 0: at 1 MiB */
        uint16_t type;           /* 0: ET_EXEC */
        uint8_t os_abi;
        const char *interpreter; /* NULL: no PT_INTERP */
        unsigned abi_target;     /* 0: no ABI1 note */
        const char *devices;     /* NULL: no MFT1 note; else "network:service block:storage" */
        unsigned pvh_desc_size;  /* 0: no PVH note */
        bool gnu;                /* the ABI tag of Linux */
        bool property;           /* before all others: a note with 8-byte alignment, as .note.gnu.property */
        bool same_segment_twice; /* every segment of notes is listed twice */
        bool notes_twice;        /* every note stands there twice */
        uint64_t note_align;     /* 0: 4 */
        MultibootKind multiboot;
        size_t padding;          /* bytes before the Multiboot header */
} ImageSpec;

typedef struct BuiltImage {
        GByteArray *bytes;
        size_t segments_at, n_segments;
        /* of the notes; the descriptor of Solo5's begins 20 bytes later */
        size_t abi_at, manifest_at, pvh_at;
        size_t multiboot_at;
} BuiltImage;

/* Members of an ImageSpec: a Solo5 image for a target (3: virtio), and the usual one. */
#define SOLO5     "/nonexistent/solo5/"
#define DEVICES   "network:service block:storage"
#define ADDRESSES MULTIBOOT_KIND_ADDRESSES
#define SOLO5_IMAGE(target, manifest, multiboot_kind)                                                       \
        .interpreter = SOLO5, .abi_target = (target), .devices = (manifest), .multiboot = (multiboot_kind)
#define VIRTIO SOLO5_IMAGE(3, DEVICES, ADDRESSES)

/* The same for tender_image_build(). */
#define SPT .interpreter = SOLO5, .abi_target = 2, .devices = DEVICES
#define HVT .interpreter = SOLO5, .abi_target = 1, .devices = DEVICES

#define SOLO5_DESC_AT 20
#define MANIFEST_ENTRIES_AT (SOLO5_DESC_AT + 12)
#define MANIFEST_ENTRY_SIZE 104

BuiltImage *image_build(const ImageSpec *spec);
void image_put(BuiltImage *image, size_t at, unsigned width, uint64_t value);
void built_image_free(BuiltImage *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BuiltImage, built_image_free)

/* The same for Solo5's targets spt and hvt: of the version that there is now (if it is of any), with code that can be
 * executed. */
BuiltImage *tender_image_build(const ImageSpec *spec);

/* A bzImage of boot protocol version, 64 bit or 32. */
GByteArray *bzimage_build(unsigned version, bool is64);

/* An Image of arm64's Linux, which asks for text_offset and says that it takes size. */
GByteArray *arm64_image_build(uint64_t text_offset, uint64_t size);

/* What the reader says about the bytes on an x86_64 host, or another; with Architecture=, or without. */
#define HOST "x86_64"
ImageInfo *inspect_on(const uint8_t *data, size_t size, const char *machine);
ImageInfo *inspect_as(const uint8_t *data, size_t size, const char *machine, ImageArchitecture asked);
ImageInfo *inspect_spec(const ImageSpec *spec);
