/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What cannot be hosted is refused with a phrase that says what is wrong and what to do: each of them word
 * for word. */

#include <elf.h>
#include <glib.h>
#include <string.h>

#include "image-builder.h"
#include "image/image.h"

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
#define SOLO5_WAY   "rebuild for Solo5's virtio target (MirageOS: `mirage configure -t virtio`)"
#define SPT_WAY     "rebuild for Solo5's spt target (MirageOS: `mirage configure -t spt`)"
#define HVT_WAY     "rebuild for Solo5's hvt target (MirageOS: `mirage configure -t hvt`)"
#define REBUILD     ": " SOLO5_WAY
#define MIRAGE      ": for MirageOS rebuild with `mirage configure -t virtio`"
#define AGAIN       ": build it again"
#define LINK_AGAIN  ": link it again"
#define COPY_AGAIN  ": copy or download it again"

static const Refusal refusals[] = {
        /* Solo5's other targets */
        {"old-hvt", {SOLO5_IMAGE(1, DEVICES, ADDRESSES)}, .code = UNSUPPORTED,
                .problem = "built for version 1 of Solo5's hvt target, only version 2 is supported: " HVT_WAY
                           " with a Solo5 of that version, such as 0.12"},
        {"old-spt", {SOLO5_IMAGE(2, DEVICES, ADDRESSES)}, .code = UNSUPPORTED,
                .problem = "built for version 1 of Solo5's spt target, only version 2 is supported: " SPT_WAY
                           " with a Solo5 of that version, such as 0.12"},
        {"muen", {SOLO5_IMAGE(4, DEVICES, ADDRESSES)}, .code = UNSUPPORTED,
                .problem = "built for muen" REBUILD},
        {"genode", {SOLO5_IMAGE(5, DEVICES, ADDRESSES)}, .code = UNSUPPORTED,
                .problem = "built for genode" REBUILD},
        {"xen", {SOLO5_IMAGE(6, DEVICES, ADDRESSES), .pvh_desc_size = 4}, .code = UNSUPPORTED,
                .problem = "built for xen" REBUILD},
        {"unknown-target", {SOLO5_IMAGE(77, DEVICES, ADDRESSES)}, .code = UNSUPPORTED,
                .problem = "built for the unknown Solo5 target 77" REBUILD},

        /* Solo5's notes */
        {"manifest-version", {VIRTIO}, {{AT_MANIFEST, 24, 4, 2}}, .code = UNSUPPORTED,
                .problem = "a Solo5 image whose manifest has version 2, only version 1 is supported" REBUILD
                           " with a Solo5 that writes that version"},
        {"manifest-without-entries", {VIRTIO}, {{AT_MANIFEST, 28, 4, 0}}, .code = INVALID,
                .problem = "damaged: its manifest claims 0 entries, and can have 1 to 64" REBUILD},
        {"manifest-of-65-entries", {VIRTIO}, {{AT_MANIFEST, 28, 4, 65}}, .code = INVALID,
                .problem = "damaged: its manifest claims 65 entries, and can have 1 to 64" REBUILD},
        {"manifest-of-very-many-entries", {VIRTIO}, {{AT_MANIFEST, 28, 4, UINT32_MAX}}, .code = INVALID,
                .problem = "damaged: its manifest claims 4294967295 entries, and can have 1 to 64" REBUILD},
        {"manifest-size", {VIRTIO}, {{AT_MANIFEST, 28, 4, 2}}, .code = INVALID,
                .problem = "damaged: its manifest has 324 bytes, 2 entries need 220" REBUILD},
        {"manifest-size-by-one", {VIRTIO}, {{AT_MANIFEST, 4, 4, 323}}, .code = INVALID,
                .problem = "damaged: its manifest has 323 bytes, 3 entries need 324" REBUILD},
        {"manifest-too-small", {VIRTIO}, {{AT_MANIFEST, 4, 4, 11}}, .code = INVALID,
                .problem = "damaged: its manifest has 11 bytes, too few for its header" REBUILD},
        {"manifest-first-entry-name", {VIRTIO}, {{AT_MANIFEST, MANIFEST_ENTRIES_AT, 1, 'x'}},
                .code = INVALID,
                .problem = "damaged: the first entry of its manifest is not the reserved one" REBUILD},
        {"manifest-first-entry-type", {VIRTIO}, {{AT_MANIFEST, MANIFEST_ENTRIES_AT + 68, 4, 1}},
                .code = INVALID,
                .problem = "damaged: the first entry of its manifest is not the reserved one" REBUILD},
        {"manifest-name-without-end", {VIRTIO}, {{AT_ENTRY1, 67, 1, 'x'}}, .code = INVALID,
                .problem = "damaged: the name of device 1 in its manifest has no end" REBUILD},
        {"manifest-name-empty", {VIRTIO}, {{AT_ENTRY2, 0, 1, 0}}, .code = INVALID,
                .problem = "damaged: device 2 in its manifest is called \"\", where Solo5 allows letters "
                           "and digits: give it such a name and " SOLO5_WAY},
        {"manifest-name-with-control-characters", {VIRTIO}, {{AT_ENTRY1, 1, 2, 0x0a1b}}, .code = INVALID,
                .problem = "damaged: device 1 in its manifest is called \"s\\x1b\\x0avice\", where Solo5 "
                           "allows letters and digits: give it such a name and " SOLO5_WAY},
        {"manifest-name-with-slash", {VIRTIO}, {{AT_ENTRY1, 0, 1, '/'}}, .code = INVALID,
                .problem = "damaged: device 1 in its manifest is called \"/ervice\", where Solo5 allows "
                           "letters and digits: give it such a name and " SOLO5_WAY},
        {"manifest-name-twice", {SOLO5_IMAGE(3, "network:service block:service", ADDRESSES)},
                .code = INVALID,
                .problem = "damaged: its manifest has two devices called \"service\": give one of them "
                           "another name and " SOLO5_WAY},
        {"manifest-unknown-type", {VIRTIO}, {{AT_ENTRY1, 68, 4, 3}}, .code = UNSUPPORTED,
                .problem = "device \"service\" in its manifest has the unknown type 3, only block (1) and "
                           "network (2) are supported" REBUILD " without that device"},
        {"manifest-second-reserved-entry", {VIRTIO}, {{AT_ENTRY1, 68, 4, 1u << 30}}, .code = UNSUPPORTED,
                .problem = "device \"service\" in its manifest has the unknown type 1073741824, only "
                           "block (1) and network (2) are supported" REBUILD " without that device"},
        {"manifest-device-attached", {VIRTIO}, {{AT_ENTRY2, 96, 1, 1}}, .code = INVALID,
                .problem = "damaged: device \"storage\" in its manifest claims to be attached already, "
                           "which it refuses to boot with" REBUILD},
        {"manifest-twice", {SOLO5_IMAGE(0, DEVICES, ADDRESSES), .notes_twice = true}, .code = INVALID,
                .problem = "damaged: it has two Solo5 manifests" REBUILD},
        {"abi-twice", {SOLO5_IMAGE(3, NULL, ADDRESSES), .notes_twice = true}, .code = INVALID,
                .problem = "damaged: it has two Solo5 ABI notes" REBUILD},
        {"abi-size", {VIRTIO}, {{AT_ABI, 4, 4, 12}}, .code = INVALID,
                .problem = "damaged: its Solo5 ABI note has 12 bytes, not 16" REBUILD},
        {"manifest-without-abi", {SOLO5_IMAGE(0, DEVICES, ADDRESSES)}, .code = INVALID,
                .problem = "a Solo5 image with a manifest but without the note that names its target, as "
                           "before Solo5 0.6 or after a `strip` that removes notes" REBUILD},
        {"abi-without-manifest", {SOLO5_IMAGE(3, NULL, ADDRESSES)}, .code = INVALID,
                .problem = "a Solo5 image without its manifest, so its devices are unknown: use the file "
                           "as it was built (a `strip` that removes notes breaks it), or " SOLO5_WAY},
        {"solo5-without-notes", {SOLO5_IMAGE(0, NULL, ADDRESSES)}, .code = INVALID,
                .problem = "a Solo5 image without its notes, so its devices are unknown: use the file as "
                           "it was built (a `strip` that removes notes breaks it), or " SOLO5_WAY},
        {"solo5-of-32-bit", {VIRTIO, .is32 = true}, .code = INVALID,
                .problem = "damaged: a Solo5 virtio image is a 64-bit ELF file, this one is a "
                           "32-bit file" REBUILD},
        {"solo5-without-multiboot", {SOLO5_IMAGE(3, DEVICES, MULTIBOOT_KIND_NONE)}, .code = INVALID,
                .problem = "a Solo5 virtio image that lost its Multiboot header (there is none in its first "
                           "8 KiB), as after `strip` or `objcopy`: use the file as it was built"},
        {"solo5-with-multiboot-too-late", {VIRTIO, .padding = 8192}, .code = INVALID,
                .problem = "a Solo5 virtio image that lost its Multiboot header (there is none in its first "
                           "8 KiB), as after `strip` or `objcopy`: use the file as it was built"},
        {"solo5-with-multiboot-checksum", {VIRTIO}, {{AT_MULTIBOOT, 8, 4, 1}}, .code = INVALID,
                .problem = "a Solo5 virtio image that lost its Multiboot header (its checksum is wrong in "
                           "its first 8 KiB), as after `strip` or `objcopy`: use the file as it was built"},

        /* ELF */
        {"elf-cut-in-its-header", {VIRTIO}, .size = 63, .code = INVALID,
                .problem = "cut off: its ELF header lies beyond its end at 63 bytes" COPY_AGAIN},
        {"elf32-cut-in-its-header", {.is32 = true}, .size = 51, .code = INVALID,
                .problem = "cut off: its ELF header lies beyond its end at 51 bytes" COPY_AGAIN},
        {"elf-magic-alone", {VIRTIO}, .size = 4, .code = INVALID,
                .problem = "cut off: its ELF header lies beyond its end at 4 bytes" COPY_AGAIN},
        {"elf-cut-in-its-segments", {VIRTIO}, .size = 1200, .code = INVALID,
                .problem = "cut off: segment 1 (344 bytes at offset 980) lies beyond its end at 1200 "
                           "bytes" COPY_AGAIN},
        {"elf-cut-in-its-program-headers", {VIRTIO}, .size = 70, .code = INVALID,
                .problem = "cut off: its table of program headers lies beyond its end at 70 "
                           "bytes" COPY_AGAIN},
        {"elf32-cut-in-its-program-headers", {.is32 = true}, .size = 60, .code = INVALID,
                .problem = "cut off: its table of program headers lies beyond its end at 60 "
                           "bytes" COPY_AGAIN},
        {"elf-program-headers-far-away", {VIRTIO}, {{AT_FILE, 32, 8, UINT64_MAX - 60}}, .code = INVALID,
                .problem = "cut off: its table of program headers lies beyond its end at 1536 "
                           "bytes" COPY_AGAIN},
        {"elf-many-program-headers", {VIRTIO}, {{AT_FILE, 56, 2, 0xffff}}, .code = INVALID,
                .problem = "damaged: it claims 65535 program headers, a kernel has at most 128" AGAIN},
        {"elf-program-header-size", {VIRTIO}, {{AT_FILE, 54, 2, 32}}, .code = INVALID,
                .problem = "damaged: its program headers claim 32 bytes each, not 56" AGAIN},
        {"elf-class", {VIRTIO}, {{AT_FILE, EI_CLASS, 1, 3}}, .code = INVALID,
                .problem = "damaged: ELF class 3, neither 32 nor 64 bit" AGAIN},
        {"elf-huge-segment", {VIRTIO}, {{AT_SEGMENT0, 32, 8, UINT64_MAX}}, .code = INVALID,
                .problem = "cut off: segment 0 (18446744073709551615 bytes at offset 960) lies beyond its "
                           "end at 1536 bytes" COPY_AGAIN},
        {"elf-segment-that-wraps", {VIRTIO}, {{AT_SEGMENT0, 8, 8, UINT64_MAX - 3}, {AT_SEGMENT0, 32, 8, 8}},
                .code = INVALID,
                .problem = "cut off: segment 0 (8 bytes at offset 18446744073709551612) lies beyond its end "
                           "at 1536 bytes" COPY_AGAIN},
        {"note-name-too-long", {VIRTIO}, {{AT_MANIFEST, 0, 4, UINT32_MAX}}, .code = INVALID,
                .problem = "damaged: the ELF note at offset 980 reaches beyond its segment" AGAIN},
        {"note-too-long", {VIRTIO}, {{AT_MANIFEST, 4, 4, UINT32_MAX}}, .code = INVALID,
                .problem = "damaged: the ELF note at offset 980 reaches beyond its segment" AGAIN},
        {"note-longer-by-one", {VIRTIO}, {{AT_MANIFEST, 4, 4, 325}}, .code = INVALID,
                .problem = "damaged: the ELF note at offset 980 reaches beyond its segment" AGAIN},
        {"notes-too-many", {VIRTIO, .padding = 70000}, {{AT_SEGMENT1, 32, 8, 65537}}, .code = INVALID,
                .problem = "damaged: it claims 65537 bytes of ELF notes in one segment, more than "
                           "65536" AGAIN},
        {"elf-and-linux", {VIRTIO, .padding = 8}, {{AT_FILE, 0x202, 4, 0x53726448}}, .code = INVALID,
                .problem = "both an ELF file and a Linux bzImage, which no regular build produces" AGAIN},
        {"elf-big-endian", {VIRTIO}, {{AT_FILE, EI_DATA, 1, ELFDATA2MSB}, {AT_FILE, 18, 2, EM_X86_64 << 8}},
                .code = INVALID, .problem = "damaged: it is for x86_64 but big-endian" AGAIN},

        /* Architectures */
        {"ppc64", {.machine = EM_PPC64},
                {{AT_FILE, EI_DATA, 1, ELFDATA2MSB}, {AT_FILE, 18, 2, EM_PPC64 << 8}},
                .code = UNSUPPORTED, .problem = "for ppc64, this host is x86_64: rebuild it for this one"},
        {"riscv64", {.machine = EM_RISCV}, .code = UNSUPPORTED,
                .problem = "for riscv64, this host is x86_64: rebuild it for this one"},
        {"riscv32", {.machine = EM_RISCV, .is32 = true}, .code = UNSUPPORTED,
                .problem = "for another architecture, this host is x86_64: rebuild it for this one"},
        {"s390x", {.machine = EM_S390}, .code = UNSUPPORTED,
                .problem = "for another architecture, this host is x86_64: rebuild it for this one"},

        /* Multiboot */
        {"multiboot-elf64-without-addresses", {.multiboot = MULTIBOOT_KIND_ELF}, .code = UNSUPPORTED,
                .problem = "a 64-bit Multiboot kernel without load addresses in its header, which QEMU does "
                           "not load: link it with AOUT_KLUDGE (flag 0x10000), or boot it through its "
                           "32-bit loader with this file as Initrd="},
        {"multiboot-elf64-without-addresses-but-pvh", {.multiboot = MULTIBOOT_KIND_ELF, .pvh_desc_size = 4},
                .code = UNSUPPORTED,
                .problem = "a 64-bit Multiboot kernel without load addresses in its header, which QEMU does "
                           "not load: link it with AOUT_KLUDGE (flag 0x10000), or boot it through its "
                           "32-bit loader with this file as Initrd="},
        {"multiboot-flat-without-addresses", {.multiboot = MULTIBOOT_KIND_ELF, .flat = true},
                .code = INVALID,
                .problem = "not an ELF file, and its Multiboot header has no load addresses (AOUT_KLUDGE, "
                           "flag 0x10000): link it with them"},
        {"multiboot-elf32-without-entry", {.multiboot = MULTIBOOT_KIND_ELF, .is32 = true},
                {{AT_FILE, 24, 4, 0}},
                .code = INVALID,
                .problem = "damaged: an ELF file with a Multiboot header but nothing to load" LINK_AGAIN},
        {"multiboot-checksum", {.multiboot = MULTIBOOT_KIND_ADDRESSES}, {{AT_MULTIBOOT, 4, 4, 0x10000}},
                .code = INVALID,
                .problem = "damaged: the checksum of its Multiboot header (at offset 960) is wrong" AGAIN},
        {"multiboot-flat-checksum", {.multiboot = MULTIBOOT_KIND_ADDRESSES, .flat = true},
                {{AT_MULTIBOOT, 8, 4, 0}},
                .code = INVALID,
                .problem = "damaged: the checksum of its Multiboot header (at offset 0) is wrong" AGAIN},
        {"multiboot-2", {.multiboot = MULTIBOOT_KIND_2}, .code = UNSUPPORTED,
                .problem = "a Multiboot 2 kernel, which QEMU does not load: build it with a Multiboot 1 "
                           "header or a PVH note"},
        {"multiboot-below-its-load-address", {VIRTIO}, {{AT_MULTIBOOT, 12, 4, 0xfffff}}, .code = INVALID,
                .problem = "damaged: its Multiboot header claims address 0xfffff but the load address "
                           "0x100000, which would begin before the file" LINK_AGAIN},
        {"multiboot-load-address-before-the-file", {VIRTIO}, {{AT_MULTIBOOT, 16, 4, 0x10}}, .code = INVALID,
                .problem = "damaged: its Multiboot header claims address 0x100550 but the load address "
                           "0x10, which would begin before the file" LINK_AGAIN},
        {"multiboot-load-end", {VIRTIO}, {{AT_MULTIBOOT, 20, 4, 0x100000}}, .code = INVALID,
                .problem = "damaged: its Multiboot header ends loading at 0x100000, at or before its "
                           "beginning at 0x100000" LINK_AGAIN},
        {"multiboot-cut-off", {VIRTIO}, {{AT_MULTIBOOT, 20, 4, 0x110000}}, .code = INVALID,
                .problem = "cut off: part of what its Multiboot header loads lies beyond its end at 1536 "
                           "bytes"
                           COPY_AGAIN},
        {"multiboot-above-4-gib", {VIRTIO},
                {{AT_MULTIBOOT, 12, 4, 0xffffffd0}, {AT_MULTIBOOT, 16, 4, 0xffffffd0},
                {AT_MULTIBOOT, 20, 4, 0}},
                .code = INVALID,
                .problem = "damaged: its 176 bytes do not fit below 4 GiB when loaded at "
                           "0xffffffd0" LINK_AGAIN},
        {"multiboot-bss", {VIRTIO}, {{AT_MULTIBOOT, 24, 4, 0x100100}}, .code = INVALID,
                .problem = "damaged: its Multiboot header ends at 0x100100, before what it loads up to "
                           "0x1005c0"
                           LINK_AGAIN},
        {"multiboot-entry-before", {VIRTIO}, {{AT_MULTIBOOT, 28, 4, 0xfffff}}, .code = INVALID,
                .problem = "damaged: the entry point in its Multiboot header is 0xfffff, outside of what it loads "
                           "(0x100000 to 0x1005c0)" LINK_AGAIN},
        {"multiboot-entry-behind", {VIRTIO}, {{AT_MULTIBOOT, 28, 4, 0x1005c0}}, .code = INVALID,
                .problem = "damaged: the entry point in its Multiboot header is 0x1005c0, outside of what it loads "
                           "(0x100000 to 0x1005c0)" LINK_AGAIN},

        /* PVH */
        {"pvh-note-size", {.pvh_desc_size = 4}, {{AT_PVH, 4, 4, 3}}, .code = INVALID,
                .problem = "damaged: its PVH entry note has 3 bytes, neither 4 nor 8" LINK_AGAIN},
        {"pvh-entry-zero", {.pvh_desc_size = 4}, {{AT_PVH, 16, 4, 0}}, .code = INVALID,
                .problem = "damaged: its PVH entry is at 0x0, which no 32-bit entry can be" LINK_AGAIN},
        {"pvh-entry-too-high", {.pvh_desc_size = 8}, {{AT_PVH, 16, 8, 0xffffffff80000000}}, .code = INVALID,
                .problem = "damaged: its PVH entry is at 0xffffffff80000000, which no 32-bit entry can "
                           "be" LINK_AGAIN},
        {"pvh-without-load", {.pvh_desc_size = 4}, {{AT_SEGMENT1, 0, 4, PT_NULL}}, .code = INVALID,
                .problem = "damaged: it has a PVH entry but nothing to load" LINK_AGAIN},

        /* ELF files that are no kernels */
        {"elf-object", {.type = ET_REL}, .code = UNSUPPORTED,
                .problem = "an object file that is not linked yet: use the linked image"},
        {"elf-core", {.type = ET_CORE}, .code = UNSUPPORTED,
                .problem = "a core dump, not an image: use the image that it came from"},
        {"linux-program", {.interpreter = "/lib64/ld-linux-x86-64.so.2", .gnu = true}, .code = UNSUPPORTED,
                .problem = "a program for Linux or another system (it needs /lib64/ld-linux-x86-64.so.2), "
                           "not a unikernel" MIRAGE},
        {"linux-program-with-hostile-interpreter", {.interpreter = "/\x1b[31m\n"}, .code = UNSUPPORTED,
                .problem = "a program for Linux or another system (it needs /?[31m?), not a "
                           "unikernel" MIRAGE},
        {"linux-program-static", {.gnu = true}, .code = UNSUPPORTED,
                .problem = "a program for Linux, statically linked, not a unikernel" MIRAGE},
        {"linux-program-by-os-abi", {.os_abi = ELFOSABI_GNU}, .code = UNSUPPORTED,
                .problem = "a program for Linux, statically linked, not a unikernel" MIRAGE},
        {"elf-without-boot-method", {.is32 = true}, .code = UNSUPPORTED,
                .problem = "an ELF file that cannot be booted, because it has neither a Multiboot header "
                           "in its first 8 KiB nor a PVH note: link it with one, or use the loader that it "
                           "needs, and this file as Initrd="},
};

static void test_refusal(const void *data)
{
        const Refusal *refusal = data;
        g_autoptr(BuiltImage) image = image_build(&refusal->spec);
        _cleanup_image_info_ ImageInfo *info = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(refusal->patches); i++)
                image_put(image,
                                anchor_offset(image, refusal->patches[i].anchor) +
                                                refusal->patches[i].offset,
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
#define DISK(name)                                                                                          \
        "a disk image (" name "), which cannot be booted: use the kernel that it was made with (for "        \
        "Nanos, kernel.img in ~/.ops/VERSION), and import it as a volume"
#define UNPACK(name, how)                                                                                   \
        "compressed with " name ": unpack it first with `" how "`, or pass it with --initrd= if it is an "  \
        "initial RAM disk"
#define UNKNOWN(n)                                                                                          \
        "not a known kernel (" n " bytes that are neither ELF, Multiboot nor Linux): use a unikernel built " \
        "for virtio, a Multiboot or PVH kernel, or a Linux kernel (bzImage; for aarch64, Image)"

static const Foreign foreigns[] = {
        FOREIGN("gzip", 0, "\x1f\x8b\x08", 900, UNPACK("gzip", "gunzip")),
        FOREIGN("xz", 0, "\xfd" "7zXZ\0", 900, UNPACK("xz", "unxz")),
        FOREIGN("zstd", 0, "\x28\xb5\x2f\xfd", 900, UNPACK("zstd", "unzstd")),
        FOREIGN("bzip2", 0, "BZh9", 900, UNPACK("bzip2", "bunzip2")),
        FOREIGN("lz4", 0, "\x04\x22\x4d\x18", 900, UNPACK("lz4", "unlz4")),
        FOREIGN("lz4-old", 0, "\x02\x21\x4c\x18", 900, UNPACK("lz4", "unlz4")),
        FOREIGN("lzop", 0, "\x89LZO\0", 900, UNPACK("lzop", "lzop -d")),
        FOREIGN("lzip", 0, "LZIP\1", 900, UNPACK("lzip", "lzip -d")),
        FOREIGN("lzma", 0, "\x5d\0\0\x80", 900, UNPACK("lzma", "unlzma")),
        FOREIGN("compress", 0, "\x1f\x9d\x90", 900,
                UNPACK("compress", "uncompress")),
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
        FOREIGN("tar", 257, "ustar", 900,
                "an archive (tar), not a kernel: unpack it with `tar -x` and use the image in it"),
        FOREIGN("zip", 0, "PK\3\4", 900,
                "an archive (zip), not a kernel: unpack it with `unzip` and use the image in it"),
        FOREIGN("zip-empty", 0, "PK\5\6", 900,
                "an archive (zip), not a kernel: unpack it with `unzip` and use the image in it"),
        FOREIGN("7z", 0, "7z\xbc\xaf\x27\x1c", 900,
                "an archive (7z), not a kernel: unpack it with `7z x` and use the image in it"),
        FOREIGN("cpio", 0, "070701", 900,
                "an archive (cpio), not a kernel: pass it with --initrd= if it is an initial RAM disk, "
                "else unpack it with `cpio -i` and use the image in it"),
        FOREIGN("rpm", 0, "\xed\xab\xee\xdb", 900,
                "an archive (rpm), not a kernel: unpack it with `rpm2cpio` and use the image in it"),
        FOREIGN("ar", 0, "!<arch>\n", 900,
                "an archive (ar: a library or a Debian package), not a kernel: unpack it with `ar x` and "
                "use the image in it"),
        FOREIGN("ar-thin", 0, "!<thin>\n", 900,
                "an archive (ar: a library), not a kernel: unpack it with `ar x` and use the image in it"),
        FOREIGN("mach-o", 0, "\xcf\xfa\xed\xfe", 900, "a program for macOS (Mach-O), not a "
                "unikernel" MIRAGE),
        FOREIGN("mach-o-fat", 0, "\xca\xfe\xba\xbe", 900, "a program for macOS (Mach-O), not a "
                "unikernel" MIRAGE),
        FOREIGN("dos", 0, "MZ", 900, "a program for Windows or DOS, not a unikernel" MIRAGE),
        FOREIGN("dos-with-wild-pointer", 0,
                "MZ234567890123456789012345678901234567890123456789012345678\xff\xff\xff\xff\xff",
                900, "a program for Windows or DOS, not a unikernel" MIRAGE),
        FOREIGN("u-boot", 0, "\x27\x05\x19\x56", 900,
                "a U-Boot image (uImage), which QEMU cannot boot: use the kernel itself"),
        FOREIGN("wasm", 0, "\0asm", 900, "a WebAssembly module, not a unikernel" MIRAGE),
        FOREIGN("script", 0, "#!/bin/sh\nexit 0\n", 0,
                "a script, not a unikernel: use the image that it builds or starts"),
        FOREIGN("text", 0, "kernel: \xc3\xa9t\xc3\xa9\n", 0,
                "text, not an image: use the file that was built"),
        FOREIGN("web-page", 0, "\n <!DOCTYPE html>", 0,
                "a web page, not an image: the download failed; look into the file, and download it again"),
        FOREIGN("web-page-bare", 0, "<HTML>", 0,
                "a web page, not an image: the download failed; look into the file, and download it again"),
        FOREIGN("linux-in-an-efi-program", 0, "MZ\0\0zimg", 900,
                "a Linux kernel that needs EFI to unpack itself (zboot), and guests have no EFI: use the "
                "unpacked kernel (Image) from its build"),
        FOREIGN("riscv-image", 56, "RSC\x05", 900,
                "for riscv64, this host is x86_64: rebuild it for this one"),
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
                                ? "an EFI program, and guests have no EFI: use a Multiboot, PVH or Linux "
                                  "(bzImage) kernel; for MirageOS rebuild with `mirage configure -t virtio`"
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
                {0x1fe, 2, 0, 0,
                        "damaged: a Linux kernel whose boot flag is 0x0000, not 0xaa55: copy it again"},
                {0x206, 2, 0x105, 0,
                        "a Linux kernel with boot protocol 1.05, which is older than 2.00: use a newer "
                        "kernel"},
                {0, 0, 0, 0x267, "cut off: part of its Linux boot header lies beyond its end at 615 "
                        "bytes" COPY_AGAIN},
                {0, 0, 0, 1500, "cut off: part of the Linux kernel lies beyond its end at 1500 "
                        "bytes" COPY_AGAIN},
                {0x1f4, 4, UINT32_MAX, 0,
                        "cut off: part of the Linux kernel lies beyond its end at 1600 bytes"
                                          COPY_AGAIN},
                {0x1f1, 1, 0, 0, "cut off: part of the Linux kernel lies beyond its end at 1600 "
                        "bytes" COPY_AGAIN},
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

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
                g_autofree char *path = g_strconcat("/image/refuses/", refusals[i].path, NULL);

                g_test_add_data_func(path, &refusals[i], test_refusal);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(foreigns); i++) {
                g_autofree char *path = g_strconcat("/image/refuses/", foreigns[i].path, NULL);

                g_test_add_data_func(path, &foreigns[i], test_foreign);
        }
        g_test_add_func("/image/refuses/pe", test_pe);
        g_test_add_func("/image/refuses/damaged-linux", test_damaged_linux);
        return g_test_run();
}
