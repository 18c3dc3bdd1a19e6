/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An image boots on the host's own processor, or as Architecture= says; else it is told what to write. What is
 * no good is not emulated either. */

#include <elf.h>

#include "image-builder.h"

#define NONE    IMAGE_ARCHITECTURE_UNKNOWN
#define X86_64  IMAGE_ARCHITECTURE_X86_64
#define AARCH64 IMAGE_ARCHITECTURE_AARCH64

#define EMULATE(guest) \
        ": set Architecture=" guest " to emulate it, which is slower, or use an image for this host"
#define UNIKRAFT                                                                                            \
        ": Solo5 has no virtio target for aarch64, so rebuild it on Unikraft (MirageOS: `mirage configure " \
        "-t unikraft-qemu`), or for virtio on x86_64 (`mirage configure -t virtio`), which hosts of "       \
        "another architecture emulate with Architecture=x86_64"
#define KERNEL_AT UINT64_C(0x40100000) /* where Unikraft links it for QEMU's virt */

typedef struct Images {
        GByteArray *virtio, *multiboot32, *flat, *bzimage, *arm_linux, *arm_elf, *riscv;
} Images;

static GByteArray *build(const ImageSpec *spec)
{
        g_autoptr(BuiltImage) image = image_build(spec);

        return g_byte_array_ref(image->bytes);
}

static void images_init(Images *images)
{
        *images = (Images){
                        .virtio = build(&(ImageSpec){VIRTIO}),
                        .multiboot32 = build(&(ImageSpec){.is32 = true, .multiboot = MULTIBOOT_KIND_ELF}),
                        .flat = build(&(ImageSpec){.flat = true, .multiboot = MULTIBOOT_KIND_ADDRESSES}),
                        .bzimage = bzimage_build(0x20f, true),
                        .arm_linux = arm64_image_build(0, 0x10000),
                        .arm_elf = build(&(ImageSpec){.machine = EM_AARCH64, .load_at = KERNEL_AT}),
                        .riscv = build(&(ImageSpec){.machine = EM_RISCV}),
        };
}

static void images_clear(Images *images)
{
        GByteArray *all[] = {images->virtio, images->multiboot32, images->flat, images->bzimage,
                        images->arm_linux, images->arm_elf, images->riscv};

        for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
                g_byte_array_unref(all[i]);
}

static void test_hosts(void)
{
        __attribute__((cleanup(images_clear))) Images images;
        const struct {
                GByteArray **image;
                const char *machine;
                ImageArchitecture asked;
                const char *problem;
                ImageBoot boot;
        } cases[] = {
                {&images.virtio, "x86_64", NONE, NULL, IMAGE_BOOT_MULTIBOOT},
                {&images.virtio, "x86_64", X86_64, NULL, IMAGE_BOOT_MULTIBOOT},
                {&images.virtio, "aarch64", X86_64, NULL, IMAGE_BOOT_MULTIBOOT},
                {&images.virtio, "aarch64", NONE, "for x86_64, this host is aarch64" EMULATE("x86_64"),
                                IMAGE_BOOT_MULTIBOOT},
                {&images.virtio, "i686", NONE, "for x86_64, this host is i686" EMULATE("x86_64"),
                                IMAGE_BOOT_MULTIBOOT},
                {&images.virtio, "x86_64", AARCH64,
                                "for x86_64, but Architecture= is aarch64: set Architecture=x86_64, or use "
                                "an image for aarch64",
                                IMAGE_BOOT_MULTIBOOT},
                {&images.multiboot32, "i686", NONE, NULL, IMAGE_BOOT_MULTIBOOT},
                {&images.multiboot32, "x86_64", NONE, NULL, IMAGE_BOOT_MULTIBOOT},
                {&images.multiboot32, "x86_64", X86_64, NULL, IMAGE_BOOT_MULTIBOOT},
                {&images.flat, "aarch64", NONE, "for i686, this host is aarch64" EMULATE("x86_64"),
                                IMAGE_BOOT_MULTIBOOT},
                {&images.flat, "riscv64", X86_64, NULL, IMAGE_BOOT_MULTIBOOT},
                {&images.bzimage, "aarch64", NONE, "for x86_64, this host is aarch64" EMULATE("x86_64"),
                                IMAGE_BOOT_LINUX},
                {&images.arm_linux, "aarch64", NONE, NULL, IMAGE_BOOT_LINUX},
                {&images.arm_linux, "x86_64", AARCH64, NULL, IMAGE_BOOT_LINUX},
                {&images.arm_linux, "x86_64", NONE, "for aarch64, this host is x86_64" EMULATE("aarch64"),
                                IMAGE_BOOT_LINUX},
                {&images.arm_linux, "aarch64", X86_64,
                                "for aarch64, but Architecture= is x86_64: set Architecture=aarch64, or "
                                "use an image for x86_64",
                                IMAGE_BOOT_LINUX},
                {&images.arm_elf, "aarch64", NONE, NULL, IMAGE_BOOT_ELF},
                {&images.arm_elf, "x86_64", AARCH64, NULL, IMAGE_BOOT_ELF},
                {&images.arm_elf, "armv7l", NONE, "for aarch64, this host is armv7l" EMULATE("aarch64"),
                                IMAGE_BOOT_ELF},
                {&images.riscv, "aarch64", AARCH64,
                                "for riscv64, this host is aarch64: rebuild it for this one", IMAGE_BOOT_NONE},
                {&images.riscv, "riscv64", NONE,
                                "for riscv64, this host is riscv64: rebuild it for x86_64 or aarch64, "
                                "which this host can emulate with Architecture=",
                                IMAGE_BOOT_NONE},
        };

        images_init(&images);
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const GByteArray *bytes = *cases[i].image;
                _cleanup_image_info_ ImageInfo *info =
                                inspect_as(bytes->data, bytes->len, cases[i].machine, cases[i].asked);

                g_assert_cmpstr(info->problem, ==, cases[i].problem);
                g_assert_cmpstr(image_boot_to_string(info->boot), ==, image_boot_to_string(cases[i].boot));
        }
}

static void test_refuses_elf_files_of_aarch64(void)
{
        static const struct {
                ImageSpec spec;
                size_t at, width;
                uint64_t value;
                const char *problem;
        } cases[] = {
                {{SOLO5_IMAGE(1, DEVICES, MULTIBOOT_KIND_NONE)}, 0, 0, 0,
                                "built for version 1 of Solo5's hvt target, only version 2 is supported: "
                                "rebuild for Solo5's hvt target (MirageOS: `mirage configure -t hvt`) with a "
                                "Solo5 of that version, such as 0.12"},
                {{SOLO5_IMAGE(4, DEVICES, MULTIBOOT_KIND_NONE)}, 0, 0, 0, "built for muen" UNIKRAFT},
                {{VIRTIO}, 0, 0, 0, "built for virtio" UNIKRAFT},
                {{SOLO5_IMAGE(99, DEVICES, MULTIBOOT_KIND_NONE)}, 0, 0, 0,
                                "built for the unknown Solo5 target 99" UNIKRAFT},
                {{.load_at = 0x400000}, 0, 0, 0,
                                "an ELF file that is loaded at 0x400000, where QEMU's machine 'virt' has no "
                                "memory (it begins at 0x40000000): build it for that machine, or as a Linux "
                                "boot image (Image)"},
                {{.load_at = KERNEL_AT, .gnu = true}, 0, 0, 0,
                                "a program for Linux, statically linked, not a unikernel: for MirageOS "
                                "rebuild with `mirage configure -t virtio`"},
                {{.load_at = KERNEL_AT, .type = ET_REL}, 0, 0, 0,
                                "an object file that is not linked yet: use the linked image"},
                {{.load_at = KERNEL_AT}, offsetof(Elf64_Ehdr, e_entry), 8, 0,
                                "damaged: an ELF file with nothing to load or to enter: link it again"},
                {{.load_at = KERNEL_AT}, offsetof(Elf64_Ehdr, e_phnum), 2, 0,
                                "damaged: an ELF file with nothing to load or to enter: link it again"},
                {{.is32 = true}, 0, 0, 0, "a 32-bit ELF file for aarch64: build it for 64 bit"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                ImageSpec spec = cases[i].spec;
                g_autoptr(BuiltImage) image = NULL;
                _cleanup_image_info_ ImageInfo *info = NULL;

                spec.machine = EM_AARCH64;
                image = image_build(&spec);
                if (cases[i].width > 0)
                        image_put(image, cases[i].at, (unsigned) cases[i].width, cases[i].value);
                info = inspect_as(image->bytes->data, image->bytes->len, HOST, AARCH64);
                g_assert_cmpstr(info->problem, ==, cases[i].problem);
        }
}

static void test_refuses_big_endian(void)
{
        g_autoptr(BuiltImage) elf = image_build(&(ImageSpec){.machine = EM_AARCH64, .load_at = KERNEL_AT});
        BuiltImage kernel = {.bytes = arm64_image_build(0, 0)};
        g_autoptr(GByteArray) bytes = kernel.bytes;
        _cleanup_image_info_ ImageInfo *a = NULL, *b = NULL;

        image_put(elf, EI_DATA, 1, ELFDATA2MSB);
        image_put(elf, offsetof(Elf64_Ehdr, e_machine), 2, EM_AARCH64 << 8);
        a = inspect_as(elf->bytes->data, elf->bytes->len, "aarch64", NONE);
        g_assert_cmpstr(a->problem, ==,
                        "for big-endian aarch64, which is not supported: build it for little endian");

        image_put(&kernel, 24, 8, 0xb);
        b = inspect_as(bytes->data, bytes->len, "aarch64", NONE);
        g_assert_cmpstr(b->problem, ==,
                        "a Linux boot image for big-endian aarch64, which is not supported: build it for "
                        "little endian");
}

/* As QEMU loads it, from the beginning of memory. */
static void test_end_in_memory(void)
{
        static const struct {
                uint64_t text_offset, size, end;
        } cases[] = {
                {0, 0x800000, 0xa00000},
                {0x80000, 0x800000, 0x880000},
                {0x200000, 0x1000, 0x201000},
                {0x77, 0, 0x81000},       /* before Linux 3.17 */
                {0x80000, 16, 0x81000},   /* the file itself is larger */
                {UINT64_MAX, 0x1000, UINT64_MAX},
                {0x80000, UINT64_MAX, UINT64_MAX},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GByteArray) bytes = arm64_image_build(cases[i].text_offset, cases[i].size);
                _cleanup_image_info_ ImageInfo *info = inspect_on(bytes->data, bytes->len, "aarch64");

                g_assert_null(info->problem);
                g_assert_cmphex(info->loaded_end, ==, cases[i].end);
        }
}

static void test_end_of_elf_in_memory(void)
{
        g_autoptr(BuiltImage) image = image_build(&(ImageSpec){.machine = EM_AARCH64, .load_at = KERNEL_AT});
        _cleanup_image_info_ ImageInfo *info = inspect_on(image->bytes->data, image->bytes->len, "aarch64");

        g_assert_cmphex(info->loaded_end, ==, 0x100000 + image->bytes->len);
}

static void test_refuses_a_bare_header(void)
{
        g_autoptr(GByteArray) bytes = arm64_image_build(0, 0);
        _cleanup_image_info_ ImageInfo *info = inspect_on(bytes->data, 64, "aarch64");

        g_assert_cmpstr(info->problem, ==,
                        "cut off: everything after its Linux boot header lies beyond its end at 64 bytes: "
                        "copy or download it again");
}

static void test_names(void)
{
        g_assert_cmpint(guest_architecture_from_string("x86_64"), ==, X86_64);
        g_assert_cmpint(guest_architecture_from_string("x86-64"), ==, X86_64);
        g_assert_cmpint(guest_architecture_from_string("amd64"), ==, X86_64);
        g_assert_cmpint(guest_architecture_from_string("aarch64"), ==, AARCH64);
        g_assert_cmpint(guest_architecture_from_string("arm64"), ==, AARCH64);
        for (const char *const *other = (const char *const[]){"", "X86_64", "x86", "i686", "riscv64", "unknown",
                             "arm64 ", NULL};
                        *other; other++)
                g_assert_cmpint(guest_architecture_from_string(*other), ==, _IMAGE_ARCHITECTURE_INVALID);

        g_assert_cmpint(guest_architecture_for(IMAGE_ARCHITECTURE_X86), ==, X86_64);
        g_assert_cmpint(guest_architecture_for(IMAGE_ARCHITECTURE_PPC64), ==, NONE);
        g_assert_true(guest_architecture_is_native(X86_64, "x86_64"));
        g_assert_false(guest_architecture_is_native(AARCH64, "x86_64"));
        g_assert_nonnull(host_machine());
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/image/architecture/hosts", test_hosts);
        g_test_add_func("/image/architecture/refuses-elf-files-of-aarch64",
                        test_refuses_elf_files_of_aarch64);
        g_test_add_func("/image/architecture/refuses-big-endian", test_refuses_big_endian);
        g_test_add_func("/image/architecture/end-in-memory", test_end_in_memory);
        g_test_add_func("/image/architecture/end-of-elf-in-memory", test_end_of_elf_in_memory);
        g_test_add_func("/image/architecture/refuses-a-bare-header", test_refuses_a_bare_header);
        g_test_add_func("/image/architecture/names", test_names);
        return g_test_run();
}
