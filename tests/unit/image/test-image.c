/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every image is either told how it boots or refused with a phrase that says what is wrong and what to do; nothing in
 * a file can make the reader read outside of it. */

#include <elf.h>
#include <fcntl.h>
#include <glib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "image-builder.h"
#include "image/image.h"
#include "image/judge.h"

#define HOST "x86_64"
#define SOLO5 "/nonexistent/solo5/"

#define DEVICES "network:service block:storage"
#define ADDRESSES MULTIBOOT_KIND_ADDRESSES
#define SOLO5_IMAGE(target, manifest, multiboot_kind)                                                          \
        .interpreter = SOLO5, .abi_target = (target), .devices = (manifest), .multiboot = (multiboot_kind)
#define VIRTIO SOLO5_IMAGE(3, DEVICES, ADDRESSES)

static ImageInfo *inspect_on(const uint8_t *data, size_t size, const char *machine)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree uint8_t *copy = NULL;
        ImageInfo *info = NULL;

        /* A block of its own, so that sanitizers see a read beyond its end. */
        copy = g_memdup2(data, size);
        g_assert_cmpint(image_inspect_bytes(copy, size, machine, &info, &error), ==, 0);
        g_assert_nonnull(info);
        g_assert_true((info->problem == NULL) == (info->boot != IMAGE_BOOT_NONE));
        return info;
}

static ImageInfo *inspect_spec(const ImageSpec *spec)
{
        g_autoptr(BuiltImage) image = image_build(spec);

        return inspect_on(image->bytes->data, image->bytes->len, HOST);
}

static void assert_hosted(const ImageInfo *info, ImageBoot boot, ImageArchitecture architecture)
{
        g_assert_cmpstr(info->problem, ==, NULL);
        g_assert_cmpstr(image_boot_to_string(info->boot), ==, image_boot_to_string(boot));
        g_assert_cmpstr(image_architecture_to_string(info->architecture), ==,
                        image_architecture_to_string(architecture));
}

static void test_solo5_virtio(void)
{
        _cleanup_image_info_ ImageInfo *info = inspect_spec(&(ImageSpec){VIRTIO});

        assert_hosted(info, IMAGE_BOOT_MULTIBOOT, IMAGE_ARCHITECTURE_X86_64);
        g_assert_cmpstr(solo5_target_to_string(info->target), ==, "virtio");
        g_assert_cmpuint(info->abi_version, ==, 1);
        g_assert_true(info->has_manifest);
        g_assert_cmpuint(info->n_devices, ==, 2);
        g_assert_cmpstr(info->devices[0].name, ==, "service");
        g_assert_cmpstr(device_kind_to_string(info->devices[0].kind), ==, "network");
        g_assert_cmpstr(info->devices[1].name, ==, "storage");
        g_assert_cmpstr(device_kind_to_string(info->devices[1].kind), ==, "block");
}

static void test_solo5_without_devices(void)
{
        _cleanup_image_info_ ImageInfo *info = inspect_spec(&(ImageSpec){SOLO5_IMAGE(3, "", ADDRESSES)});

        assert_hosted(info, IMAGE_BOOT_MULTIBOOT, IMAGE_ARCHITECTURE_X86_64);
        g_assert_true(info->has_manifest);
        g_assert_cmpuint(info->n_devices, ==, 0);
}

static char *devices_make(unsigned n)
{
        GString *devices = g_string_new(NULL);

        for (unsigned i = 0; i < n; i++)
                g_string_append_printf(devices, "%sblock:storage%u", i > 0 ? " " : "", i);
        return g_string_free(devices, FALSE);
}

/* What fits into the slots of the bus is taken; what a manifest may hold beyond that is read all the same. */
static void test_solo5_with_many_devices(void)
{
        for (unsigned n = IMAGE_DEVICES_MAX; n <= MANIFEST_DEVICES_MAX; n += MANIFEST_DEVICES_MAX - IMAGE_DEVICES_MAX) {
                g_autofree char *devices = devices_make(n);
                _cleanup_image_info_ ImageInfo *info = inspect_spec(&(ImageSpec){SOLO5_IMAGE(3, devices, ADDRESSES)});

                g_assert_cmpuint(info->n_devices, ==, n);
                g_assert_cmpstr(info->devices[28].name, ==, "storage28");
                if (n == IMAGE_DEVICES_MAX)
                        assert_hosted(info, IMAGE_BOOT_MULTIBOOT, IMAGE_ARCHITECTURE_X86_64);
                else
                        g_assert_cmpstr(info->problem, ==,
                                        "its manifest has 63 devices, a unikernel can be given 29: rebuild with `mirage "
                                        "configure -t virtio` and fewer devices");
        }
}

static void test_solo5_with_the_longest_name(void)
{
        g_autofree char *name = g_strnfill(MANIFEST_NAME_MAX, 'x'), *devices = g_strconcat("block:", name, NULL);
        _cleanup_image_info_ ImageInfo *info = inspect_spec(&(ImageSpec){SOLO5_IMAGE(3, devices, ADDRESSES)});

        g_assert_cmpstr(info->problem, ==, NULL);
        g_assert_cmpstr(info->devices[0].name, ==, name);
}

/* Of an image for another target, all is told that a user wants to see. */
static void test_hvt_tells_its_devices(void)
{
        _cleanup_image_info_ ImageInfo *info = inspect_spec(
                        &(ImageSpec){SOLO5_IMAGE(1, DEVICES, MULTIBOOT_KIND_NONE)});

        g_assert_cmpint(info->problem_code, ==, ERROR_UNSUPPORTED_IMAGE);
        g_assert_cmpint(info->target, ==, SOLO5_TARGET_HVT);
        g_assert_cmpuint(info->n_devices, ==, 2);
}

static void test_notes_may_be_laid_out_in_many_ways(void)
{
        static const ImageSpec specs[] = {
                {VIRTIO, .property = true},
                {VIRTIO, .same_segment_twice = true},
                {VIRTIO, .note_align = 8},
                {VIRTIO, .gnu = true},
                {VIRTIO, .pvh_desc_size = 4},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(specs); i++) {
                _cleanup_image_info_ ImageInfo *info = inspect_spec(&specs[i]);

                assert_hosted(info, IMAGE_BOOT_MULTIBOOT, IMAGE_ARCHITECTURE_X86_64);
                g_assert_cmpuint(info->n_devices, ==, 2);
        }
}

static void test_multiboot_without_solo5(void)
{
        static const struct {
                ImageSpec spec;
                ImageArchitecture architecture;
        } cases[] = {
                {{.multiboot = MULTIBOOT_KIND_ADDRESSES}, IMAGE_ARCHITECTURE_X86_64},
                {{.multiboot = MULTIBOOT_KIND_ADDRESSES, .is32 = true}, IMAGE_ARCHITECTURE_X86},
                {{.multiboot = MULTIBOOT_KIND_ELF, .is32 = true}, IMAGE_ARCHITECTURE_X86},
                {{.multiboot = MULTIBOOT_KIND_ADDRESSES, .flat = true}, IMAGE_ARCHITECTURE_X86},
                /* Multiboot comes before PVH, as in QEMU. */
                {{.multiboot = MULTIBOOT_KIND_ADDRESSES, .pvh_desc_size = 4}, IMAGE_ARCHITECTURE_X86_64},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_image_info_ ImageInfo *info = inspect_spec(&cases[i].spec);

                assert_hosted(info, IMAGE_BOOT_MULTIBOOT, cases[i].architecture);
                g_assert_false(info->has_manifest);
                g_assert_cmpint(info->target, ==, SOLO5_TARGET_NONE);
        }
}

/* QEMU looks at the first 8192 bytes and wants the whole header of 48 within, and not the last word of them. */
static void test_multiboot_only_in_the_first_8_kib(void)
{
        for (size_t at = 8128; at <= 8144; at += 8) {
                _cleanup_image_info_ ImageInfo *info = inspect_spec(
                                &(ImageSpec){.flat = true, .multiboot = MULTIBOOT_KIND_ADDRESSES, .padding = at});

                g_assert_cmpint(info->boot, ==, at < 8144 ? IMAGE_BOOT_MULTIBOOT : IMAGE_BOOT_NONE);
        }
}

/* Zero ends mean "to the end of the file" and "no bss". A header with a wrong sum before the right one is passed
 * over. */
static void test_multiboot_with_defaults(void)
{
        g_autoptr(BuiltImage) image = image_build(&(ImageSpec){VIRTIO, .padding = 48});
        _cleanup_image_info_ ImageInfo *info = NULL;

        image_put(image, image->multiboot_at + 20, 4, 0);
        image_put(image, image->multiboot_at + 24, 4, 0);
        image_put(image, image->multiboot_at - 16, 4, 0x1BADB002);
        info = inspect_on(image->bytes->data, image->bytes->len, HOST);
        assert_hosted(info, IMAGE_BOOT_MULTIBOOT, IMAGE_ARCHITECTURE_X86_64);
}

static void test_pvh(void)
{
        static const ImageSpec specs[] = {
                {.pvh_desc_size = 4}, {.pvh_desc_size = 8}, {.pvh_desc_size = 4, .is32 = true},
                {.pvh_desc_size = 4, .gnu = true, .property = true},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(specs); i++) {
                _cleanup_image_info_ ImageInfo *info = inspect_spec(&specs[i]);

                assert_hosted(info, IMAGE_BOOT_PVH, specs[i].is32 ? IMAGE_ARCHITECTURE_X86 : IMAGE_ARCHITECTURE_X86_64);
                g_assert_false(info->has_manifest);
        }
}

static void test_linux(void)
{
        g_autoptr(GByteArray) new = bzimage_build(0x20f, true), small = bzimage_build(0x20f, false),
                        old = bzimage_build(0x200, true);
        _cleanup_image_info_ ImageInfo *a = inspect_on(new->data, new->len, HOST);
        _cleanup_image_info_ ImageInfo *b = inspect_on(small->data, small->len, HOST);
        _cleanup_image_info_ ImageInfo *c = inspect_on(old->data, old->len, HOST);

        assert_hosted(a, IMAGE_BOOT_LINUX, IMAGE_ARCHITECTURE_X86_64);
        assert_hosted(b, IMAGE_BOOT_LINUX, IMAGE_ARCHITECTURE_X86);
        assert_hosted(c, IMAGE_BOOT_LINUX, IMAGE_ARCHITECTURE_X86);
}

/* Where in the image a case writes. */
typedef enum Anchor {
        AT_FILE,
        AT_SEGMENT0, /* the first program header, 56 bytes each */
        AT_SEGMENT1,
        AT_MULTIBOOT,
        AT_ABI,      /* the note's own header */
        AT_MANIFEST,
        AT_ENTRY1,   /* of the first device in the manifest */
        AT_ENTRY2,
        AT_PVH,
} Anchor;

typedef struct Patch {
        Anchor anchor;
        size_t offset;
        unsigned width; /* 0: no patch */
        uint64_t value;
} Patch;

typedef struct Refusal {
        const char *path;
        ImageSpec spec;
        Patch patches[3];
        size_t size; /* cut to so many bytes; 0: not cut */
        ErrorCode code;
        const char *problem;
} Refusal;

static size_t anchor_offset(const BuiltImage *image, Anchor anchor)
{
        switch (anchor) {
        case AT_SEGMENT0:
                return image->segments_at;
        case AT_SEGMENT1:
                return image->segments_at + sizeof(Elf64_Phdr);
        case AT_MULTIBOOT:
                return image->multiboot_at;
        case AT_ABI:
                return image->abi_at;
        case AT_MANIFEST:
                return image->manifest_at;
        case AT_ENTRY1:
                return image->manifest_at + MANIFEST_ENTRIES_AT + MANIFEST_ENTRY_SIZE;
        case AT_ENTRY2:
                return image->manifest_at + MANIFEST_ENTRIES_AT + 2 * MANIFEST_ENTRY_SIZE;
        case AT_PVH:
                return image->pvh_at;
        case AT_FILE:
        default:
                return 0;
        }
}

#define INVALID     ERROR_INVALID_IMAGE
#define UNSUPPORTED ERROR_UNSUPPORTED_IMAGE
#define REBUILD     ": rebuild with `mirage configure -t virtio`"
#define MIRAGE      ": for MirageOS rebuild with `mirage configure -t virtio`"
#define AGAIN       ": build it again"
#define LINK_AGAIN  ": link it again"
#define COPY_AGAIN  ": copy or download it again"

static const Refusal refusals[] = {
        /* Solo5's other targets */
        {"hvt", {SOLO5_IMAGE(1, DEVICES, ADDRESSES)}, .code = UNSUPPORTED, .problem = "built for hvt" REBUILD},
        {"spt", {SOLO5_IMAGE(2, DEVICES, ADDRESSES)}, .code = UNSUPPORTED, .problem = "built for spt" REBUILD},
        {"muen", {SOLO5_IMAGE(4, DEVICES, ADDRESSES)}, .code = UNSUPPORTED, .problem = "built for muen" REBUILD},
        {"genode", {SOLO5_IMAGE(5, DEVICES, ADDRESSES)}, .code = UNSUPPORTED, .problem = "built for genode" REBUILD},
        {"xen", {SOLO5_IMAGE(6, DEVICES, ADDRESSES), .pvh_desc_size = 4}, .code = UNSUPPORTED,
                .problem = "built for xen" REBUILD},
        {"unknown-target", {SOLO5_IMAGE(77, DEVICES, ADDRESSES)}, .code = UNSUPPORTED,
                .problem = "built for the unknown Solo5 target 77" REBUILD},

        /* Solo5's notes */
        {"manifest-version", {VIRTIO}, {{AT_MANIFEST, 24, 4, 2}}, .code = UNSUPPORTED,
                .problem = "its manifest has version 2, only version 1 is known" REBUILD
                           " and a Solo5 that writes that version"},
        {"manifest-without-entries", {VIRTIO}, {{AT_MANIFEST, 28, 4, 0}}, .code = INVALID,
                .problem = "damaged: its manifest claims 0 entries, where 1 to 64 can be" REBUILD},
        {"manifest-of-65-entries", {VIRTIO}, {{AT_MANIFEST, 28, 4, 65}}, .code = INVALID,
                .problem = "damaged: its manifest claims 65 entries, where 1 to 64 can be" REBUILD},
        {"manifest-of-very-many-entries", {VIRTIO}, {{AT_MANIFEST, 28, 4, UINT32_MAX}}, .code = INVALID,
                .problem = "damaged: its manifest claims 4294967295 entries, where 1 to 64 can be" REBUILD},
        {"manifest-size", {VIRTIO}, {{AT_MANIFEST, 28, 4, 2}}, .code = INVALID,
                .problem = "damaged: its manifest has 324 bytes, 2 entries need 220" REBUILD},
        {"manifest-size-by-one", {VIRTIO}, {{AT_MANIFEST, 4, 4, 323}}, .code = INVALID,
                .problem = "damaged: its manifest has 323 bytes, 3 entries need 324" REBUILD},
        {"manifest-too-small", {VIRTIO}, {{AT_MANIFEST, 4, 4, 11}}, .code = INVALID,
                .problem = "damaged: its manifest has 11 bytes, too few for its header" REBUILD},
        {"manifest-first-entry-name", {VIRTIO}, {{AT_MANIFEST, MANIFEST_ENTRIES_AT, 1, 'x'}}, .code = INVALID,
                .problem = "damaged: the first entry of its manifest is not the reserved one" REBUILD},
        {"manifest-first-entry-type", {VIRTIO}, {{AT_MANIFEST, MANIFEST_ENTRIES_AT + 68, 4, 1}}, .code = INVALID,
                .problem = "damaged: the first entry of its manifest is not the reserved one" REBUILD},
        {"manifest-name-without-end", {VIRTIO}, {{AT_ENTRY1, 67, 1, 'x'}}, .code = INVALID,
                .problem = "damaged: the name of device 1 in its manifest has no end" REBUILD},
        {"manifest-name-empty", {VIRTIO}, {{AT_ENTRY2, 0, 1, 0}}, .code = INVALID,
                .problem = "damaged: device 2 in its manifest is called \"\", where Solo5 allows letters and digits: give "
                           "it such a name and rebuild with `mirage configure -t virtio`"},
        {"manifest-name-with-control-characters", {VIRTIO}, {{AT_ENTRY1, 1, 2, 0x0a1b}}, .code = INVALID,
                .problem = "damaged: device 1 in its manifest is called \"s\\x1b\\x0avice\", where Solo5 allows letters "
                           "and digits: give it such a name and rebuild with `mirage configure -t virtio`"},
        {"manifest-name-with-slash", {VIRTIO}, {{AT_ENTRY1, 0, 1, '/'}}, .code = INVALID,
                .problem = "damaged: device 1 in its manifest is called \"/ervice\", where Solo5 allows letters and "
                           "digits: give it such a name and rebuild with `mirage configure -t virtio`"},
        {"manifest-name-twice", {SOLO5_IMAGE(3, "network:service block:service", ADDRESSES)}, .code = INVALID,
                .problem = "damaged: its manifest has two devices called \"service\": give one of them another name and "
                           "rebuild with `mirage configure -t virtio`"},
        {"manifest-unknown-type", {VIRTIO}, {{AT_ENTRY1, 68, 4, 3}}, .code = UNSUPPORTED,
                .problem = "device \"service\" in its manifest is of the unknown type 3, only block (1) and network (2) "
                           "can be given to it" REBUILD " and without that device"},
        {"manifest-second-reserved-entry", {VIRTIO}, {{AT_ENTRY1, 68, 4, 1u << 30}}, .code = UNSUPPORTED,
                .problem = "device \"service\" in its manifest is of the unknown type 1073741824, only block (1) and "
                           "network (2) can be given to it" REBUILD " and without that device"},
        {"manifest-device-attached", {VIRTIO}, {{AT_ENTRY2, 96, 1, 1}}, .code = INVALID,
                .problem = "damaged: device \"storage\" in its manifest claims to be attached already, which it refuses "
                           "to boot with" REBUILD},
        {"manifest-twice", {SOLO5_IMAGE(0, DEVICES, ADDRESSES), .notes_twice = true}, .code = INVALID,
                .problem = "damaged: it has two Solo5 manifests" REBUILD},
        {"abi-twice", {SOLO5_IMAGE(3, NULL, ADDRESSES), .notes_twice = true}, .code = INVALID,
                .problem = "damaged: it has two Solo5 ABI notes" REBUILD},
        {"abi-size", {VIRTIO}, {{AT_ABI, 4, 4, 12}}, .code = INVALID,
                .problem = "damaged: its Solo5 ABI note has 12 bytes, not 16" REBUILD},
        {"manifest-without-abi", {SOLO5_IMAGE(0, DEVICES, ADDRESSES)}, .code = INVALID,
                .problem = "a Solo5 image with a manifest but without the note that names its target, as before Solo5 "
                           "0.6 or after a `strip` that removes notes" REBUILD},
        {"abi-without-manifest", {SOLO5_IMAGE(3, NULL, ADDRESSES)}, .code = INVALID,
                .problem = "a Solo5 image without its manifest, so that nobody can tell its devices: use the file as it "
                           "was built (a `strip` that removes notes breaks it), or rebuild with `mirage configure -t "
                           "virtio`"},
        {"solo5-without-notes", {SOLO5_IMAGE(0, NULL, ADDRESSES)}, .code = INVALID,
                .problem = "a Solo5 image without its notes, so that nobody can tell its devices: use the file as it was "
                           "built (a `strip` that removes notes breaks it), or rebuild with `mirage configure -t virtio`"},
        {"solo5-of-32-bit", {VIRTIO, .is32 = true}, .code = INVALID,
                .problem = "damaged: a Solo5 virtio image is a 64-bit ELF file, this one has 32 bit" REBUILD},
        {"solo5-without-multiboot", {SOLO5_IMAGE(3, DEVICES, MULTIBOOT_KIND_NONE)}, .code = INVALID,
                .problem = "a Solo5 virtio image that lost its Multiboot header (there is none in its first 8 KiB), as "
                           "after `strip` or `objcopy`: use the file as it was built"},
        {"solo5-with-multiboot-too-late", {VIRTIO, .padding = 8192}, .code = INVALID,
                .problem = "a Solo5 virtio image that lost its Multiboot header (there is none in its first 8 KiB), as "
                           "after `strip` or `objcopy`: use the file as it was built"},
        {"solo5-with-multiboot-checksum", {VIRTIO}, {{AT_MULTIBOOT, 8, 4, 1}}, .code = INVALID,
                .problem = "a Solo5 virtio image that lost its Multiboot header (its checksum is wrong in its first 8 "
                           "KiB), as after `strip` or `objcopy`: use the file as it was built"},

        /* ELF */
        {"elf-cut-in-its-header", {VIRTIO}, .size = 63, .code = INVALID,
                .problem = "cut off: its ELF header lies beyond its end at 63 bytes" COPY_AGAIN},
        {"elf32-cut-in-its-header", {.is32 = true}, .size = 51, .code = INVALID,
                .problem = "cut off: its ELF header lies beyond its end at 51 bytes" COPY_AGAIN},
        {"elf-magic-alone", {VIRTIO}, .size = 4, .code = INVALID,
                .problem = "cut off: its ELF header lies beyond its end at 4 bytes" COPY_AGAIN},
        {"elf-cut-in-its-segments", {VIRTIO}, .size = 1200, .code = INVALID,
                .problem = "cut off: segment 1 (344 bytes at offset 980) lies beyond its end at 1200 bytes" COPY_AGAIN},
        {"elf-cut-in-its-program-headers", {VIRTIO}, .size = 70, .code = INVALID,
                .problem = "cut off: its table of program headers lies beyond its end at 70 bytes" COPY_AGAIN},
        {"elf32-cut-in-its-program-headers", {.is32 = true}, .size = 60, .code = INVALID,
                .problem = "cut off: its table of program headers lies beyond its end at 60 bytes" COPY_AGAIN},
        {"elf-program-headers-far-away", {VIRTIO}, {{AT_FILE, 32, 8, UINT64_MAX - 60}}, .code = INVALID,
                .problem = "cut off: its table of program headers lies beyond its end at 1536 bytes" COPY_AGAIN},
        {"elf-many-program-headers", {VIRTIO}, {{AT_FILE, 56, 2, 0xffff}}, .code = INVALID,
                .problem = "damaged: it claims 65535 program headers, a kernel has at most 128" AGAIN},
        {"elf-program-header-size", {VIRTIO}, {{AT_FILE, 54, 2, 32}}, .code = INVALID,
                .problem = "damaged: its program headers claim 32 bytes each, not 56" AGAIN},
        {"elf-class", {VIRTIO}, {{AT_FILE, EI_CLASS, 1, 3}}, .code = INVALID,
                .problem = "damaged: ELF class 3, neither 32 nor 64 bit" AGAIN},
        {"elf-huge-segment", {VIRTIO}, {{AT_SEGMENT0, 32, 8, UINT64_MAX}}, .code = INVALID,
                .problem = "cut off: segment 0 (18446744073709551615 bytes at offset 960) lies beyond its end at 1536 "
                           "bytes" COPY_AGAIN},
        {"elf-segment-that-wraps", {VIRTIO}, {{AT_SEGMENT0, 8, 8, UINT64_MAX - 3}, {AT_SEGMENT0, 32, 8, 8}},
                .code = INVALID,
                .problem = "cut off: segment 0 (8 bytes at offset 18446744073709551612) lies beyond its end at 1536 "
                           "bytes" COPY_AGAIN},
        {"note-name-too-long", {VIRTIO}, {{AT_MANIFEST, 0, 4, UINT32_MAX}}, .code = INVALID,
                .problem = "damaged: the ELF note at offset 980 reaches beyond its segment" AGAIN},
        {"note-too-long", {VIRTIO}, {{AT_MANIFEST, 4, 4, UINT32_MAX}}, .code = INVALID,
                .problem = "damaged: the ELF note at offset 980 reaches beyond its segment" AGAIN},
        {"note-longer-by-one", {VIRTIO}, {{AT_MANIFEST, 4, 4, 325}}, .code = INVALID,
                .problem = "damaged: the ELF note at offset 980 reaches beyond its segment" AGAIN},
        {"notes-too-many", {VIRTIO, .padding = 70000}, {{AT_SEGMENT1, 32, 8, 65537}}, .code = INVALID,
                .problem = "damaged: it claims 65537 bytes of ELF notes in one segment, more than 65536" AGAIN},
        {"elf-and-linux", {VIRTIO, .padding = 8}, {{AT_FILE, 0x202, 4, 0x53726448}}, .code = INVALID,
                .problem = "both an ELF file and a Linux bzImage, which no honest build makes" AGAIN},
        {"elf-big-endian", {VIRTIO}, {{AT_FILE, EI_DATA, 1, ELFDATA2MSB}, {AT_FILE, 18, 2, EM_X86_64 << 8}},
                .code = INVALID, .problem = "damaged: it is for x86_64 but big endian" AGAIN},

        /* Architectures */
        {"aarch64", {VIRTIO, .machine = EM_AARCH64}, .code = UNSUPPORTED,
                .problem = "for aarch64, this host is x86_64: rebuild it for this one"},
        {"ppc64", {.machine = EM_PPC64}, {{AT_FILE, EI_DATA, 1, ELFDATA2MSB}, {AT_FILE, 18, 2, EM_PPC64 << 8}},
                .code = UNSUPPORTED, .problem = "for ppc64, this host is x86_64: rebuild it for this one"},
        {"riscv64", {.machine = EM_RISCV}, .code = UNSUPPORTED,
                .problem = "for riscv64, this host is x86_64: rebuild it for this one"},
        {"riscv32", {.machine = EM_RISCV, .is32 = true}, .code = UNSUPPORTED,
                .problem = "for another architecture, this host is x86_64: rebuild it for this one"},
        {"s390x", {.machine = EM_S390}, .code = UNSUPPORTED,
                .problem = "for another architecture, this host is x86_64: rebuild it for this one"},

        /* Multiboot */
        {"multiboot-elf64-without-addresses", {.multiboot = MULTIBOOT_KIND_ELF}, .code = UNSUPPORTED,
                .problem = "a 64-bit Multiboot kernel without load addresses in its header, which QEMU does not load: "
                           "link it with AOUT_KLUDGE (flag 0x10000), or boot it through its 32-bit loader with this "
                           "file as Initrd="},
        {"multiboot-elf64-without-addresses-but-pvh", {.multiboot = MULTIBOOT_KIND_ELF, .pvh_desc_size = 4},
                .code = UNSUPPORTED,
                .problem = "a 64-bit Multiboot kernel without load addresses in its header, which QEMU does not load: "
                           "link it with AOUT_KLUDGE (flag 0x10000), or boot it through its 32-bit loader with this "
                           "file as Initrd="},
        {"multiboot-flat-without-addresses", {.multiboot = MULTIBOOT_KIND_ELF, .flat = true}, .code = INVALID,
                .problem = "no ELF file, and its Multiboot header has no load addresses (AOUT_KLUDGE, flag 0x10000): "
                           "link it with them"},
        {"multiboot-elf32-without-entry", {.multiboot = MULTIBOOT_KIND_ELF, .is32 = true}, {{AT_FILE, 24, 4, 0}},
                .code = INVALID,
                .problem = "damaged: an ELF file with a Multiboot header but nothing to load" LINK_AGAIN},
        {"multiboot-checksum", {.multiboot = MULTIBOOT_KIND_ADDRESSES}, {{AT_MULTIBOOT, 4, 4, 0x10000}},
                .code = INVALID,
                .problem = "damaged: the checksum of its Multiboot header (at offset 960) is wrong" AGAIN},
        {"multiboot-flat-checksum", {.multiboot = MULTIBOOT_KIND_ADDRESSES, .flat = true}, {{AT_MULTIBOOT, 8, 4, 0}},
                .code = INVALID,
                .problem = "damaged: the checksum of its Multiboot header (at offset 0) is wrong" AGAIN},
        {"multiboot-2", {.multiboot = MULTIBOOT_KIND_2}, .code = UNSUPPORTED,
                .problem = "a Multiboot 2 kernel, which QEMU does not load: build it with a Multiboot 1 header or a PVH "
                           "note"},
        {"multiboot-below-its-load-address", {VIRTIO}, {{AT_MULTIBOOT, 12, 4, 0xfffff}}, .code = INVALID,
                .problem = "damaged: its Multiboot header claims address 0xfffff but the load address 0x100000, which "
                           "would begin before the file" LINK_AGAIN},
        {"multiboot-load-address-before-the-file", {VIRTIO}, {{AT_MULTIBOOT, 16, 4, 0x10}}, .code = INVALID,
                .problem = "damaged: its Multiboot header claims address 0x100550 but the load address 0x10, which would "
                           "begin before the file" LINK_AGAIN},
        {"multiboot-load-end", {VIRTIO}, {{AT_MULTIBOOT, 20, 4, 0x100000}}, .code = INVALID,
                .problem = "damaged: its Multiboot header ends loading at 0x100000, at or before its beginning at "
                           "0x100000" LINK_AGAIN},
        {"multiboot-cut-off", {VIRTIO}, {{AT_MULTIBOOT, 20, 4, 0x110000}}, .code = INVALID,
                .problem = "cut off: part of what its Multiboot header loads lies beyond its end at 1536 bytes"
                           COPY_AGAIN},
        {"multiboot-above-4-gib", {VIRTIO},
                {{AT_MULTIBOOT, 12, 4, 0xffffffd0}, {AT_MULTIBOOT, 16, 4, 0xffffffd0}, {AT_MULTIBOOT, 20, 4, 0}},
                .code = INVALID,
                .problem = "damaged: its 176 bytes do not fit below 4 GiB when loaded at 0xffffffd0" LINK_AGAIN},
        {"multiboot-bss", {VIRTIO}, {{AT_MULTIBOOT, 24, 4, 0x100100}}, .code = INVALID,
                .problem = "damaged: its Multiboot header ends at 0x100100, before what it loads up to 0x1005c0"
                           LINK_AGAIN},
        {"multiboot-entry-before", {VIRTIO}, {{AT_MULTIBOOT, 28, 4, 0xfffff}}, .code = INVALID,
                .problem = "damaged: its Multiboot header enters at 0xfffff, outside of what it loads (0x100000 to "
                           "0x1005c0)" LINK_AGAIN},
        {"multiboot-entry-behind", {VIRTIO}, {{AT_MULTIBOOT, 28, 4, 0x1005c0}}, .code = INVALID,
                .problem = "damaged: its Multiboot header enters at 0x1005c0, outside of what it loads (0x100000 to "
                           "0x1005c0)" LINK_AGAIN},

        /* PVH */
        {"pvh-note-size", {.pvh_desc_size = 4}, {{AT_PVH, 4, 4, 3}}, .code = INVALID,
                .problem = "damaged: its PVH entry note has 3 bytes, neither 4 nor 8" LINK_AGAIN},
        {"pvh-entry-zero", {.pvh_desc_size = 4}, {{AT_PVH, 16, 4, 0}}, .code = INVALID,
                .problem = "damaged: its PVH entry is at 0x0, which no 32-bit entry can be" LINK_AGAIN},
        {"pvh-entry-too-high", {.pvh_desc_size = 8}, {{AT_PVH, 16, 8, 0xffffffff80000000}}, .code = INVALID,
                .problem = "damaged: its PVH entry is at 0xffffffff80000000, which no 32-bit entry can be" LINK_AGAIN},
        {"pvh-without-load", {.pvh_desc_size = 4}, {{AT_SEGMENT1, 0, 4, PT_NULL}}, .code = INVALID,
                .problem = "damaged: it has a PVH entry but nothing to load" LINK_AGAIN},

        /* ELF files that are no kernels */
        {"elf-object", {.type = ET_REL}, .code = UNSUPPORTED,
                .problem = "an object file that is not linked yet: give the linked image"},
        {"elf-core", {.type = ET_CORE}, .code = UNSUPPORTED,
                .problem = "a core dump, not an image: give the image that it came from"},
        {"linux-program", {.interpreter = "/lib64/ld-linux-x86-64.so.2", .gnu = true}, .code = UNSUPPORTED,
                .problem = "a program for Linux or another system (it wants /lib64/ld-linux-x86-64.so.2), not a "
                           "unikernel" MIRAGE},
        {"linux-program-with-hostile-interpreter", {.interpreter = "/\x1b[31m\n"}, .code = UNSUPPORTED,
                .problem = "a program for Linux or another system (it wants /?[31m?), not a unikernel" MIRAGE},
        {"linux-program-static", {.gnu = true}, .code = UNSUPPORTED,
                .problem = "a program for Linux, statically linked, not a unikernel" MIRAGE},
        {"linux-program-by-os-abi", {.os_abi = ELFOSABI_GNU}, .code = UNSUPPORTED,
                .problem = "a program for Linux, statically linked, not a unikernel" MIRAGE},
        {"elf-without-boot-method", {.is32 = true}, .code = UNSUPPORTED,
                .problem = "an ELF file that says neither by a Multiboot header in its first 8 KiB nor by a PVH note how "
                           "to boot it: link it with one, or give the loader that it needs and this file as Initrd="},
};

static void test_refusal(const void *data)
{
        const Refusal *refusal = data;
        g_autoptr(BuiltImage) image = image_build(&refusal->spec);
        _cleanup_image_info_ ImageInfo *info = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(refusal->patches); i++)
                image_put(image, anchor_offset(image, refusal->patches[i].anchor) + refusal->patches[i].offset,
                                refusal->patches[i].width, refusal->patches[i].value);
        if (refusal->size != 0)
                g_byte_array_set_size(image->bytes, (guint) refusal->size);

        info = inspect_on(image->bytes->data, image->bytes->len, HOST);
        g_assert_cmpstr(info->problem, ==, refusal->problem);
        g_assert_cmpint(info->problem_code, ==, refusal->code);
}

typedef struct Foreign {
        const char *path;
        size_t offset;     /* zeros before the bytes */
        const char *bytes; /* at most size; then zeros up to total */
        size_t size;
        size_t total;
        const char *problem;
} Foreign;

#define FOREIGN(path, at, text, total, problem) {path, at, text, sizeof(text) - 1, total, problem}
#define DISK(name) "a disk image (" name "), not a kernel: take the kernel out of it, and give disks as [Volume NAME]"
#define UNKNOWN(n)                                                                                             \
        "no kernel that is known here (" n " bytes that are neither ELF, Multiboot nor Linux): give a unikernel "  \
        "built for virtio, a Multiboot or PVH kernel, or a bzImage"

static const Foreign foreigns[] = {
        FOREIGN("gzip", 0, "\x1f\x8b\x08", 900, "compressed with gzip: unpack it first with `gunzip`"),
        FOREIGN("xz", 0, "\xfd" "7zXZ\0", 900, "compressed with xz: unpack it first with `unxz`"),
        FOREIGN("zstd", 0, "\x28\xb5\x2f\xfd", 900, "compressed with zstd: unpack it first with `unzstd`"),
        FOREIGN("bzip2", 0, "BZh9", 900, "compressed with bzip2: unpack it first with `bunzip2`"),
        FOREIGN("lz4", 0, "\x04\x22\x4d\x18", 900, "compressed with lz4: unpack it first with `unlz4`"),
        FOREIGN("lz4-old", 0, "\x02\x21\x4c\x18", 900, "compressed with lz4: unpack it first with `unlz4`"),
        FOREIGN("lzop", 0, "\x89LZO\0", 900, "compressed with lzop: unpack it first with `lzop -d`"),
        FOREIGN("lzip", 0, "LZIP\1", 900, "compressed with lzip: unpack it first with `lzip -d`"),
        FOREIGN("lzma", 0, "\x5d\0\0\x80", 900, "compressed with lzma: unpack it first with `unlzma`"),
        FOREIGN("compress", 0, "\x1f\x9d\x90", 900, "compressed with compress: unpack it first with `uncompress`"),
        FOREIGN("qcow2", 0, "QFI\xfb", 900, DISK("qcow2")),
        FOREIGN("vmdk", 0, "KDMV", 900, DISK("VMDK")),
        FOREIGN("vhdx", 0, "vhdxfile", 900, DISK("VHDX")),
        FOREIGN("vhd", 0, "conectix", 900, DISK("VHD")),
        FOREIGN("vdi", 0x40, "\x7f\x10\xda\xbe", 900, DISK("VDI")),
        FOREIGN("squashfs", 0, "hsqs", 900, DISK("SquashFS")),
        FOREIGN("gpt", 512, "EFI PART", 900, DISK("GPT")),
        FOREIGN("mbr", 510, "\x55\xaa", 900, DISK("with a boot sector")),
        FOREIGN("ext4", 0x438, "\x53\xef", 4096, DISK("ext2, ext3 or ext4")),
        FOREIGN("iso9660", 0x8001, "CD001", 0x9000, DISK("ISO 9660")),
        FOREIGN("tar", 257, "ustar", 900, "an archive (tar), not a kernel: unpack it with `tar -x` and give the image in "
                                          "it"),
        FOREIGN("zip", 0, "PK\3\4", 900, "an archive (zip), not a kernel: unpack it with `unzip` and give the image in "
                                         "it"),
        FOREIGN("zip-empty", 0, "PK\5\6", 900, "an archive (zip), not a kernel: unpack it with `unzip` and give the "
                                               "image in it"),
        FOREIGN("7z", 0, "7z\xbc\xaf\x27\x1c", 900, "an archive (7z), not a kernel: unpack it with `7z x` and give the "
                                                    "image in it"),
        FOREIGN("cpio", 0, "070701", 900, "an archive (cpio), not a kernel: unpack it with `cpio -i` and give the image "
                                          "in it"),
        FOREIGN("rpm", 0, "\xed\xab\xee\xdb", 900, "an archive (rpm), not a kernel: unpack it with `rpm2cpio` and give "
                                                   "the image in it"),
        FOREIGN("ar", 0, "!<arch>\n", 900, "an archive (ar: a library or a Debian package), not a kernel: unpack it with "
                                           "`ar x` and give the image in it"),
        FOREIGN("ar-thin", 0, "!<thin>\n", 900, "an archive (ar: a library), not a kernel: unpack it with `ar x` and "
                                                "give the image in it"),
        FOREIGN("mach-o", 0, "\xcf\xfa\xed\xfe", 900, "a program for macOS (Mach-O), not a unikernel" MIRAGE),
        FOREIGN("mach-o-fat", 0, "\xca\xfe\xba\xbe", 900, "a program for macOS (Mach-O), not a unikernel" MIRAGE),
        FOREIGN("dos", 0, "MZ", 900, "a program for Windows or DOS, not a unikernel" MIRAGE),
        FOREIGN("dos-with-wild-pointer", 0, "MZ234567890123456789012345678901234567890123456789012345678\xff\xff\xff\xff\xff",
                900, "a program for Windows or DOS, not a unikernel" MIRAGE),
        FOREIGN("u-boot", 0, "\x27\x05\x19\x56", 900, "a U-Boot image (uImage), which QEMU does not boot here: give the "
                                                      "kernel itself"),
        FOREIGN("wasm", 0, "\0asm", 900, "a WebAssembly module, not a unikernel" MIRAGE),
        FOREIGN("script", 0, "#!/bin/sh\nexit 0\n", 0, "a script, not a unikernel: give the image that it builds or "
                                                       "starts"),
        FOREIGN("text", 0, "kernel: \xc3\xa9t\xc3\xa9\n", 0, "text, not an image: give the file that was built"),
        FOREIGN("web-page", 0, "\n <!DOCTYPE html>", 0, "a web page, not an image: the download went wrong, look into "
                                                        "the file and fetch it again"),
        FOREIGN("web-page-bare", 0, "<HTML>", 0, "a web page, not an image: the download went wrong, look into the file "
                                                 "and fetch it again"),
        FOREIGN("arm64-image", 56, "ARM\x64", 900, "for aarch64, this host is x86_64: rebuild it for this one"),
        FOREIGN("riscv-image", 56, "RSC\x05", 900, "for riscv64, this host is x86_64: rebuild it for this one"),
        FOREIGN("zeros", 0, "", 900, "nothing but zeros in its first 900 bytes: copy or download it again"),
        FOREIGN("empty", 0, "", 0, "empty: copy or download it again"),
        FOREIGN("one-byte", 0, "\x90", 0, UNKNOWN("1")),
        FOREIGN("unknown", 3, "\x90\x90\x90", 5000, UNKNOWN("5000")),
};

static void test_foreign(const void *data)
{
        const Foreign *foreign = data;
        size_t size = MAX(foreign->offset + foreign->size, foreign->total);
        g_autofree uint8_t *bytes = g_malloc0(MAX(size, (size_t) 1));
        _cleanup_image_info_ ImageInfo *info = NULL;

        memcpy(bytes + foreign->offset, foreign->bytes, foreign->size);
        info = inspect_on(bytes, size, HOST);
        g_assert_cmpstr(info->problem, ==, foreign->problem);
        g_assert_cmpint(info->target, ==, SOLO5_TARGET_NONE);
}

static void test_pe(void)
{
        for (uint16_t subsystem = 3; subsystem <= 14; subsystem++) {
                uint8_t bytes[1024] = "MZ";
                _cleanup_image_info_ ImageInfo *info = NULL;

                bytes[0x3c] = 0x80;
                memcpy(bytes + 0x80, "PE\0", 4);
                bytes[0x80 + 0x5c] = (uint8_t) subsystem;
                info = inspect_on(bytes, sizeof bytes, HOST);
                g_assert_cmpstr(info->problem, ==, subsystem >= 10 && subsystem <= 13
                                ? "an EFI program, and there is no EFI here: give a Multiboot, PVH or Linux (bzImage) "
                                  "kernel; for MirageOS rebuild with `mirage configure -t virtio`"
                                : "a program for Windows or DOS, not a unikernel" MIRAGE);
        }
}

static void test_damaged_linux(void)
{
        static const struct {
                size_t at;
                unsigned width;
                uint64_t value;
                size_t size;
                const char *problem;
        } cases[] = {
                {0x1fe, 2, 0, 0, "damaged: a Linux kernel whose boot flag is 0x0000, not 0xaa55: copy it again"},
                {0x206, 2, 0x105, 0, "a Linux kernel with boot protocol 1.05, 2.00 is the oldest that works: use a "
                                     "kernel of this century"},
                {0, 0, 0, 0x267, "cut off: part of its Linux boot header lies beyond its end at 615 bytes" COPY_AGAIN},
                {0, 0, 0, 1500, "cut off: part of the Linux kernel lies beyond its end at 1500 bytes" COPY_AGAIN},
                {0x1f4, 4, UINT32_MAX, 0, "cut off: part of the Linux kernel lies beyond its end at 1600 bytes"
                                          COPY_AGAIN},
                {0x1f1, 1, 0, 0, "cut off: part of the Linux kernel lies beyond its end at 1600 bytes" COPY_AGAIN},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                BuiltImage image = {.bytes = bzimage_build(0x20f, true)};
                g_autoptr(GByteArray) bytes = image.bytes;
                _cleanup_image_info_ ImageInfo *info = NULL;

                image_put(&image, cases[i].at, cases[i].width, cases[i].value);
                info = inspect_on(bytes->data, cases[i].size ?: bytes->len, HOST);
                g_assert_cmpstr(info->problem, ==, cases[i].problem);
        }
}

static void test_other_hosts(void)
{
        g_autoptr(BuiltImage) virtio = image_build(&(ImageSpec){VIRTIO}), arm = image_build(
                        &(ImageSpec){VIRTIO, .machine = EM_AARCH64}), small = image_build(&(ImageSpec){.is32 = true,
                        .multiboot = MULTIBOOT_KIND_ELF}), flat = image_build(&(ImageSpec){.flat = true,
                        .multiboot = MULTIBOOT_KIND_ADDRESSES});
        g_autoptr(GByteArray) kernel = bzimage_build(0x20f, true);
        const struct {
                const GByteArray *bytes;
                const char *machine;
                const char *problem;
        } cases[] = {
                {virtio->bytes, "aarch64", "for x86_64, this host is aarch64: use a host of that architecture"},
                {virtio->bytes, "i686", "for x86_64, this host is i686: use a host of that architecture"},
                {arm->bytes, "aarch64", "for aarch64, this host is aarch64: unikernels run on x86_64 hosts so far"},
                {arm->bytes, "i686", "for aarch64, this host is i686: rebuild it for this one"},
                {flat->bytes, "aarch64", "for i686, this host is aarch64: use a host of that architecture"},
                {kernel, "aarch64", "for x86_64, this host is aarch64: use a host of that architecture"},
                {small->bytes, "i686", NULL},
                {small->bytes, "x86_64", NULL},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_image_info_ ImageInfo *info = inspect_on(cases[i].bytes->data, cases[i].bytes->len,
                                cases[i].machine);

                g_assert_cmpstr(info->problem, ==, cases[i].problem);
        }
}

/* As a file, on whatever host this runs on: the same as bytes, and the caller's position stays. */
static void test_reads_descriptors(void)
{
        g_autoptr(BuiltImage) image = image_build(&(ImageSpec){VIRTIO});
        _cleanup_image_info_ ImageInfo *info = NULL, *by_bytes = inspect_on(image->bytes->data, image->bytes->len, NULL);
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_close_ int fd = memfd_create("image", MFD_CLOEXEC);
        _cleanup_close_ int dir = open("/", O_RDONLY | O_CLOEXEC);

        g_assert_cmpint(write_all(fd, image->bytes->data, image->bytes->len), ==, 0);
        g_assert_cmpint(lseek(fd, 5, SEEK_SET), ==, 5);
        g_assert_cmpint(image_inspect(fd, &info, &error), ==, 0);
        g_assert_cmpstr(info->problem, ==, by_bytes->problem);
        g_assert_cmpint(info->boot, ==, by_bytes->boot);
        g_assert_cmpint(lseek(fd, 0, SEEK_CUR), ==, 5);

        /* An offset that no file can have. */
        g_clear_pointer(&info, image_info_free);
        g_assert_cmpint(pwrite(fd, "\xf0\xff\xff\xff\xff\xff\xff\x7f", 8, 32), ==, 8);
        g_assert_cmpint(image_inspect(fd, &info, &error), ==, 0);
        g_assert_true(g_str_has_prefix(info->problem, "cut off: its table of program headers lies beyond its end"));

        g_clear_pointer(&info, image_info_free);
        g_assert_cmpint(image_inspect(dir, &info, &error), ==, error_code_to_errno(ERROR_INVALID_IMAGE));
        g_assert_nonnull(strstr(error.message, "no regular file"));
        g_assert_cmpint(image_inspect(-1, &info, &error), ==, -EBADF);
        g_assert_null(info);
}

/* A failing disk is no verdict about the image. */
static void test_tells_errors_from_verdicts(void)
{
        _cleanup_image_info_ ImageInfo *info = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *path = g_strdup("/tmp/shruthi-image-XXXXXX");
        _cleanup_close_ int write_only = g_mkstemp_full(path, O_WRONLY | O_CLOEXEC, 0600);

        g_assert_cmpint(write_only, >=, 0);
        g_assert_cmpint(unlink(path), ==, 0);
        g_assert_cmpint(image_inspect(write_only, &info, &error), ==, -EBADF);
        g_assert_true(g_str_has_prefix(error.message, "Cannot read the image: "));
        g_assert_null(info);
}

/* A file that is shorter than its size, by as much as the test says in the unused fd. */
static ssize_t read_short(const Source *source, uint64_t offset, void *buffer, size_t size)
{
        uint64_t end = MIN(offset + size, (uint64_t) source->fd);

        if (offset >= end)
                return 0;
        memcpy(buffer, source->data + offset, end - offset);
        return (ssize_t) (end - offset);
}

/* The size that fstat() told may be wrong by the time that the file is read. */
static void test_survives_files_that_shrink(void)
{
        static const struct {
                int size;
                const char *problem;
        } cases[] = {
                {100, "cut off: its table of program headers lies beyond its end at 1536 bytes" COPY_AGAIN},
                {1000, "cut off: a segment of ELF notes lies beyond its end at 1536 bytes" COPY_AGAIN},
        };
        g_autoptr(BuiltImage) image = image_build(&(ImageSpec){VIRTIO});

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                Source source = {.read = read_short, .data = image->bytes->data, .size = image->bytes->len,
                                .fd = cases[i].size};
                _cleanup_image_info_ ImageInfo *info = NULL;

                g_assert_cmpint(image_judge(&source, HOST, &info, NULL), ==, 0);
                g_assert_cmpstr(info->problem, ==, cases[i].problem);
        }
}

static ssize_t read_failing_later(const Source *source, uint64_t offset, void *buffer, size_t size)
{
        if (offset > 0)
                return -EIO;
        memcpy(buffer, source->data, MIN(size, source->size));
        return (ssize_t) MIN(size, source->size);
}

static void test_stops_at_the_first_error(void)
{
        g_autoptr(BuiltImage) image = image_build(&(ImageSpec){VIRTIO});
        Source source = {.read = read_failing_later, .data = image->bytes->data, .size = image->bytes->len};
        _cleanup_image_info_ ImageInfo *info = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        uint8_t byte;

        g_assert_cmpint(image_judge(&source, HOST, &info, &error), ==, -EIO);
        g_assert_true(g_str_has_prefix(error.message, "Cannot read the image: "));
        g_assert_null(info);
        g_assert_false(source_read(&source, 0, &byte, 1));
}

/* No byte of any image can do harm: cut everywhere, and with every byte of the headers replaced. */
static void test_survives_damage_everywhere(void)
{
        g_autoptr(BuiltImage) image = image_build(&(ImageSpec){VIRTIO, .pvh_desc_size = 4, .gnu = true});
        g_autofree uint8_t *copy = g_memdup2(image->bytes->data, image->bytes->len);

        for (size_t size = 0; size < image->bytes->len; size++) {
                _cleanup_image_info_ ImageInfo *info = inspect_on(copy, size, HOST);

                g_assert_nonnull(info->problem);
        }

        for (size_t i = 0; i < image->bytes->len; i++) {
                static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};

                for (size_t j = 0; j < G_N_ELEMENTS(values); j++) {
                        uint8_t old = copy[i];
                        _cleanup_image_info_ ImageInfo *info = NULL;

                        copy[i] = values[j];
                        info = inspect_on(copy, image->bytes->len, HOST);
                        g_assert_cmpuint(info->n_devices, <=, MANIFEST_DEVICES_MAX);
                        copy[i] = old;
                }
        }
}

static void test_words(void)
{
        g_assert_cmpint(device_kind_from_string("network"), ==, DEVICE_NETWORK);
        g_assert_cmpint(device_kind_from_string("block"), ==, DEVICE_BLOCK);
        g_assert_cmpint(device_kind_from_string("disk"), ==, _DEVICE_KIND_INVALID);
        g_assert_null(image_boot_to_string(_IMAGE_BOOT_MAX));
        g_assert_null(image_architecture_to_string(_IMAGE_ARCHITECTURE_INVALID));
        g_assert_null(solo5_target_to_string(_SOLO5_TARGET_MAX));
        for (int i = 0; i < _IMAGE_ARCHITECTURE_MAX; i++)
                g_assert_nonnull(image_architecture_to_string((ImageArchitecture) i));
        for (int i = 0; i < _IMAGE_BOOT_MAX; i++)
                g_assert_nonnull(image_boot_to_string((ImageBoot) i));
        for (int i = 0; i < _SOLO5_TARGET_MAX; i++)
                g_assert_nonnull(solo5_target_to_string((Solo5Target) i));

        g_assert_true(manifest_name_is_valid("service"));
        g_assert_true(manifest_name_is_valid("net-0_a.B"));
        g_assert_false(manifest_name_is_valid(""));
        g_assert_false(manifest_name_is_valid("a b"));
        g_assert_false(manifest_name_is_valid("a]"));
        g_assert_false(manifest_name_is_valid("\xc3\xa9"));
        image_info_free(NULL);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/image/hosts/solo5-virtio", test_solo5_virtio);
        g_test_add_func("/image/hosts/solo5-without-devices", test_solo5_without_devices);
        g_test_add_func("/image/hosts/solo5-with-many-devices", test_solo5_with_many_devices);
        g_test_add_func("/image/hosts/solo5-with-the-longest-name", test_solo5_with_the_longest_name);
        g_test_add_func("/image/hosts/notes-laid-out-in-many-ways", test_notes_may_be_laid_out_in_many_ways);
        g_test_add_func("/image/hosts/multiboot-without-solo5", test_multiboot_without_solo5);
        g_test_add_func("/image/hosts/multiboot-only-in-the-first-8-kib", test_multiboot_only_in_the_first_8_kib);
        g_test_add_func("/image/hosts/multiboot-with-defaults", test_multiboot_with_defaults);
        g_test_add_func("/image/hosts/pvh", test_pvh);
        g_test_add_func("/image/hosts/linux", test_linux);
        g_test_add_func("/image/hvt-tells-its-devices", test_hvt_tells_its_devices);
        g_test_add_func("/image/refuses/pe", test_pe);
        g_test_add_func("/image/refuses/damaged-linux", test_damaged_linux);
        g_test_add_func("/image/refuses/other-hosts", test_other_hosts);
        for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
                g_autofree char *path = g_strconcat("/image/refuses/", refusals[i].path, NULL);

                g_test_add_data_func(path, &refusals[i], test_refusal);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(foreigns); i++) {
                g_autofree char *path = g_strconcat("/image/refuses/", foreigns[i].path, NULL);

                g_test_add_data_func(path, &foreigns[i], test_foreign);
        }
        g_test_add_func("/image/reads-descriptors", test_reads_descriptors);
        g_test_add_func("/image/tells-errors-from-verdicts", test_tells_errors_from_verdicts);
        g_test_add_func("/image/survives-files-that-shrink", test_survives_files_that_shrink);
        g_test_add_func("/image/stops-at-the-first-error", test_stops_at_the_first_error);
        g_test_add_func("/image/survives-damage-everywhere", test_survives_damage_everywhere);
        g_test_add_func("/image/words", test_words);
        return g_test_run();
}
