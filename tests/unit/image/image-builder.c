/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes images for tests: ELF headers, notes, a Multiboot header and a few bytes to load. */

#include "image-builder.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "image/inspect.h"
#include "image/solo5-load.h"

#define LOAD_ADDRESS    0x100000u
#define CODE_SIZE       64
#define HEADERS_SIZE(n) (sizeof(Elf64_Ehdr) + (n) * sizeof(Elf64_Phdr))
#define SEGMENTS_MAX    16

void image_put(BuiltImage *image, size_t at, unsigned width, uint64_t value)
{
        if (image->bytes->len < at + width)
                g_byte_array_set_size(image->bytes, (guint) (at + width));
        for (unsigned i = 0; i < width; i++)
                image->bytes->data[at + i] = (uint8_t) (value >> (8 * i));
}

static size_t append_zeros(BuiltImage *image, size_t n)
{
        size_t at = image->bytes->len;

        g_byte_array_set_size(image->bytes, (guint) (at + n));
        if (n > 0) /* an empty array has no data to add to */
                memset(image->bytes->data + at, 0, n);
        return at;
}

static void align_to(BuiltImage *image, size_t align)
{
        append_zeros(image, (align - image->bytes->len % align) % align);
}

static void add_segment(BuiltImage *image, const ImageSpec *spec, uint32_t type, size_t offset, size_t size,
                uint64_t align)
{
        size_t at = image->segments_at +
                    image->n_segments++ * (spec->is32 ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr));
        uint64_t load_at = spec->load_at ?: LOAD_ADDRESS;

        g_assert_cmpuint(image->n_segments, <=, SEGMENTS_MAX);
        if (spec->is32) {
                image_put(image, at + offsetof(Elf32_Phdr, p_type), 4, type);
                image_put(image, at + offsetof(Elf32_Phdr, p_offset), 4, offset);
                image_put(image, at + offsetof(Elf32_Phdr, p_vaddr), 4, LOAD_ADDRESS + offset);
                image_put(image, at + offsetof(Elf32_Phdr, p_paddr), 4, LOAD_ADDRESS + offset);
                image_put(image, at + offsetof(Elf32_Phdr, p_filesz), 4, size);
                image_put(image, at + offsetof(Elf32_Phdr, p_memsz), 4, size);
                image_put(image, at + offsetof(Elf32_Phdr, p_align), 4, align);
        } else {
                image_put(image, at + offsetof(Elf64_Phdr, p_type), 4, type);
                image_put(image, at + offsetof(Elf64_Phdr, p_offset), 8, offset);
                image_put(image, at + offsetof(Elf64_Phdr, p_vaddr), 8, load_at + offset);
                image_put(image, at + offsetof(Elf64_Phdr, p_paddr), 8, load_at + offset);
                image_put(image, at + offsetof(Elf64_Phdr, p_filesz), 8, size);
                image_put(image, at + offsetof(Elf64_Phdr, p_memsz), 8, size);
                image_put(image, at + offsetof(Elf64_Phdr, p_align), 8, align);
        }
}

/* Appends a note in a segment of its own; returns where it stands. */
static size_t add_note(BuiltImage *image, const ImageSpec *spec, const char *name, uint32_t type,
                const void *desc, size_t desc_size)
{
        uint64_t align = spec->note_align ?: 4;
        size_t at;

        align_to(image, align);
        at = image->bytes->len;
        for (int i = 0; i < (spec->notes_twice ? 2 : 1); i++) {
                size_t note = append_zeros(image, 12);

                image_put(image, note, 4, strlen(name) + 1);
                image_put(image, note + 4, 4, desc_size);
                image_put(image, note + 8, 4, type);
                g_byte_array_append(image->bytes, (const uint8_t *) name, (guint) strlen(name) + 1);
                align_to(image, 4);
                g_byte_array_append(image->bytes, desc, (guint) desc_size);
                align_to(image, 4);
        }

        for (int i = 0; i < (spec->same_segment_twice ? 2 : 1); i++)
                add_segment(image, spec, PT_NOTE, at, image->bytes->len - at, align);
        return at;
}

static GByteArray *manifest_build(const char *devices)
{
        g_auto(GStrv) words = g_strsplit(devices, " ", -1);
        guint n = *devices == '\0' ? 0 : g_strv_length(words);
        BuiltImage manifest = {.bytes = g_byte_array_new()};

        append_zeros(&manifest, 12 + (n + 1) * MANIFEST_ENTRY_SIZE);
        image_put(&manifest, 4, 4, 1);
        image_put(&manifest, 8, 4, n + 1);
        image_put(&manifest, 12 + 68, 4, 1u << 30);
        for (guint i = 0; i < n; i++) {
                size_t entry = 12 + (i + 1) * MANIFEST_ENTRY_SIZE;
                const char *colon = strchr(words[i], ':');

                memcpy(manifest.bytes->data + entry, colon + 1, MIN(strlen(colon + 1), (size_t) 68));
                image_put(&manifest, entry + 68, 4, g_str_has_prefix(words[i], "network") ? 2 : 1);
        }

        return manifest.bytes;
}

static void add_notes(BuiltImage *image, const ImageSpec *spec)
{
        static const uint8_t zeros[16];

        if (spec->property) {
                /* "GNU\0" ends at a multiple of 8, and so does the descriptor. */
                ImageSpec aligned = *spec;

                aligned.note_align = 8;
                aligned.notes_twice = true;
                add_note(image, &aligned, "GNU", 5, zeros, sizeof zeros);
        }
        if (spec->gnu)
                add_note(image, spec, "GNU", 1, zeros, sizeof zeros);
        if (spec->devices) {
                g_autoptr(GByteArray) manifest = manifest_build(spec->devices);

                image->manifest_at =
                                add_note(image, spec, "Solo5", 0x3154464d, manifest->data, manifest->len);
        }
        if (spec->abi_target != 0) {
                image->abi_at = add_note(image, spec, "Solo5", 0x31494241, zeros, 16);
                image_put(image, image->abi_at + SOLO5_DESC_AT, 4, spec->abi_target);
                image_put(image, image->abi_at + SOLO5_DESC_AT + 4, 4, 1);
        }
        if (spec->pvh_desc_size != 0) {
                image->pvh_at = add_note(image, spec, "Xen", 18, zeros, spec->pvh_desc_size);
                image_put(image, image->pvh_at + 16, 4, LOAD_ADDRESS + 0x20);
        }
}

static void add_multiboot(BuiltImage *image, const ImageSpec *spec)
{
        bool addresses = spec->multiboot == MULTIBOOT_KIND_ADDRESSES;
        uint32_t magic = spec->multiboot == MULTIBOOT_KIND_2 ? 0xE85250D6u : 0x1BADB002u;
        uint32_t flags = addresses ? 0x10003 : spec->multiboot == MULTIBOOT_KIND_2 ? 0 : 3;
        size_t at;

        append_zeros(image, spec->padding);
        align_to(image, 8);
        at = image->multiboot_at = append_zeros(image, 48 + CODE_SIZE);
        image_put(image, at, 4, magic);
        image_put(image, at + 4, 4, flags);
        if (spec->multiboot == MULTIBOOT_KIND_2) {
                image_put(image, at + 8, 4, 48);
                image_put(image, at + 12, 4, 0u - magic - flags - 48);
                return;
        }

        image_put(image, at + 8, 4, 0u - magic - flags);
        if (addresses) {
                image_put(image, at + 12, 4, LOAD_ADDRESS + at);
                image_put(image, at + 16, 4, LOAD_ADDRESS);
                image_put(image, at + 20, 4, LOAD_ADDRESS + image->bytes->len);
                image_put(image, at + 24, 4, LOAD_ADDRESS + image->bytes->len + 0x10000);
                image_put(image, at + 28, 4, LOAD_ADDRESS + at + 48);
        }
}

static void put_header(BuiltImage *image, const ImageSpec *spec)
{
        uint16_t machine = spec->machine ?: spec->is32 ? EM_386 : EM_X86_64;

        memcpy(image->bytes->data, ELFMAG, SELFMAG);
        image_put(image, EI_CLASS, 1, spec->is32 ? ELFCLASS32 : ELFCLASS64);
        image_put(image, EI_DATA, 1, ELFDATA2LSB);
        image_put(image, EI_VERSION, 1, EV_CURRENT);
        image_put(image, EI_OSABI, 1, spec->os_abi);
        image_put(image, offsetof(Elf64_Ehdr, e_type), 2, spec->type ?: ET_EXEC);
        image_put(image, offsetof(Elf64_Ehdr, e_machine), 2, machine);
        image_put(image, offsetof(Elf64_Ehdr, e_version), 4, EV_CURRENT);
        if (spec->is32) {
                image_put(image, offsetof(Elf32_Ehdr, e_entry), 4, LOAD_ADDRESS);
                image_put(image, offsetof(Elf32_Ehdr, e_phoff), 4, image->segments_at);
                image_put(image, offsetof(Elf32_Ehdr, e_phentsize), 2, sizeof(Elf32_Phdr));
                image_put(image, offsetof(Elf32_Ehdr, e_phnum), 2, image->n_segments);
        } else {
                image_put(image, offsetof(Elf64_Ehdr, e_entry), 8, LOAD_ADDRESS);
                image_put(image, offsetof(Elf64_Ehdr, e_phoff), 8, image->segments_at);
                image_put(image, offsetof(Elf64_Ehdr, e_phentsize), 2, sizeof(Elf64_Phdr));
                image_put(image, offsetof(Elf64_Ehdr, e_phnum), 2, image->n_segments);
        }
}

BuiltImage *image_build(const ImageSpec *spec)
{
        BuiltImage *image = g_new0(BuiltImage, 1);
        size_t headers = spec->flat ? 0 : HEADERS_SIZE(SEGMENTS_MAX);

        image->bytes = g_byte_array_new();
        image->segments_at = spec->is32 ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr);
        append_zeros(image, headers);

        if (!spec->flat) {
                if (spec->interpreter) {
                        size_t at = image->bytes->len;

                        g_byte_array_append(image->bytes, (const uint8_t *) spec->interpreter,
                                        (guint) strlen(spec->interpreter) + 1);
                        add_segment(image, spec, PT_INTERP, at, image->bytes->len - at, 1);
                }
                add_notes(image, spec);
        }
        if (spec->multiboot != MULTIBOOT_KIND_NONE)
                add_multiboot(image, spec);
        append_zeros(image, CODE_SIZE);

        if (!spec->flat) {
                add_segment(image, spec, PT_LOAD, 0, image->bytes->len, 0x1000);
                put_header(image, spec);
        }

        return image;
}

BuiltImage *tender_image_build(const ImageSpec *spec)
{
        BuiltImage *image = image_build(spec);
        size_t last = image->segments_at + (image->n_segments - 1) * sizeof(Elf64_Phdr);

        if (spec->abi_target != 0)
                image_put(image, image->abi_at + SOLO5_DESC_AT + 4, 4, SOLO5_ABI_VERSION);
        image_put(image, last + offsetof(Elf64_Phdr, p_flags), 4, PF_R | PF_X);
        return image;
}

void built_image_free(BuiltImage *image)
{
        g_byte_array_unref(image->bytes);
        g_free(image);
}

GByteArray *bzimage_build(unsigned version, bool is64)
{
        enum { SETUP_SECTS = 2, KERNEL_SIZE = 64 };
        BuiltImage image = {.bytes = g_byte_array_new()};

        append_zeros(&image, 512 * (1 + SETUP_SECTS) + KERNEL_SIZE);
        image_put(&image, 0, 2, 0x5a4d); /* "MZ": kernels with an EFI stub are PE files too */
        image_put(&image, 0x1f1, 1, SETUP_SECTS);
        image_put(&image, 0x1f4, 4, KERNEL_SIZE / 16);
        image_put(&image, 0x1fe, 2, 0xaa55);
        image_put(&image, 0x202, 4, 0x53726448);
        image_put(&image, 0x206, 2, version);
        image_put(&image, 0x211, 1, 1);
        image_put(&image, 0x236, 2, is64 ? 1 : 0);
        return image.bytes;
}

GByteArray *arm64_image_build(uint64_t text_offset, uint64_t size)
{
        BuiltImage image = {.bytes = g_byte_array_new()};

        append_zeros(&image, 4096);
        image_put(&image, 0, 4, 0x14000010);
        image_put(&image, 8, 8, text_offset);
        image_put(&image, 16, 8, size);
        image_put(&image, 24, 8, 0xa);
        image_put(&image, 56, 4, 0x644d5241);
        return image.bytes;
}

ImageInfo *inspect_as(const uint8_t *data, size_t size, const char *machine, ImageArchitecture asked)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree uint8_t *copy = NULL;
        ImageInfo *info = NULL;

        /* A block of its own, so that sanitizers see a read beyond its end. */
        copy = g_memdup2(data, size);
        g_assert_cmpint(image_inspect_bytes(copy, size, machine, asked, &info, &error), ==, 0);
        g_assert_nonnull(info);
        g_assert_true(info->problem || info->boot != IMAGE_BOOT_NONE);
        return info;
}

ImageInfo *inspect_on(const uint8_t *data, size_t size, const char *machine)
{
        return inspect_as(data, size, machine, IMAGE_ARCHITECTURE_UNKNOWN);
}

ImageInfo *inspect_spec(const ImageSpec *spec)
{
        g_autoptr(BuiltImage) image = image_build(spec);

        return inspect_on(image->bytes->data, image->bytes->len, HOST);
}
