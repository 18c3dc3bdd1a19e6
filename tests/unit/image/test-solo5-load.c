/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Images for Solo5's targets spt and hvt as a tender reads them: what is loaded where, and what is refused. */

#include <elf.h>
#include <glib.h>
#include <string.h>

#include "image-builder.h"
#include "image/solo5-load.h"

#define ABI_VERSION_AT (SOLO5_DESC_AT + 4)
#define HEADER_SIZE    sizeof(Elf64_Phdr)

/* Where in the image a case writes. */
typedef enum Anchor {
        AT_NONE,
        AT_FILE,
        AT_LOAD, /* the program header of what is loaded, the last */
        AT_NOTE, /* that of the interpreter, made a second one to load */
        AT_ABI,
} Anchor;

typedef struct Patch {
        Anchor anchor;
        size_t offset;
        unsigned width;
        uint64_t value;
} Patch;

typedef struct Refusal {
        const char *path;
        ImageSpec spec;
        Patch patches[7];
        ErrorCode code;
        const char *problem;
} Refusal;

static bool read_bytes(const BuiltImage *image, Solo5Image *ret, ImageInfo *info)
{
        Source source = source_from_bytes(image->bytes->data, image->bytes->len);

        return solo5_load_read(&source, IMAGE_ARCHITECTURE_X86_64, ret, info);
}

static void test_good(void)
{
        g_autoptr(BuiltImage) image = tender_image_build(&(ImageSpec){SPT});
        _cleanup_image_info_ ImageInfo *info = g_new0(ImageInfo, 1);
        Solo5Image loaded;

        if (!read_bytes(image, &loaded, info))
                g_error("refused: %s", info->problem);
        g_assert_null(info->problem);
        g_assert_cmpint(info->target, ==, SOLO5_TARGET_SPT);
        g_assert_cmpuint(info->abi_version, ==, 2);
        g_assert_cmpuint(info->n_devices, ==, 2);
        g_assert_cmpstr(info->devices[1].name, ==, "storage");
        g_assert_cmpuint(loaded.entry, ==, 0x100000);
        g_assert_cmpuint(loaded.n_segments, ==, 1);
        g_assert_cmpuint(loaded.segments[0].address, ==, 0x100000);
        g_assert_cmpuint(loaded.segments[0].file_size, ==, image->bytes->len);
        g_assert_true(loaded.segments[0].readable && loaded.segments[0].executable && !loaded.segments[0].writable);
        g_assert_cmpuint(loaded.end, ==, 0x100000 + image->bytes->len);
        g_assert_cmpuint(info->loaded_end, ==, loaded.end);
}

/* It is executed, not booted, by a host of its own processor; for hvt with a virtual one. */
static void test_inspected(void)
{
        for (unsigned i = 0; i < 4; i++) {
                unsigned target = i % 2 == 0 ? SOLO5_TARGET_HVT : SOLO5_TARGET_SPT;
                bool aarch64 = i >= 2;
                g_autoptr(BuiltImage) image = tender_image_build(&(ImageSpec){.interpreter = SOLO5,
                                .abi_target = target,
                                .devices = DEVICES,
                                .machine = aarch64 ? EM_AARCH64 : EM_X86_64});
                _cleanup_image_info_ ImageInfo *info = inspect_on(
                                image->bytes->data, image->bytes->len, aarch64 ? "aarch64" : HOST);

                g_assert_cmpint(info->target, ==, (int) target);
                g_assert_cmpuint(info->abi_version, ==, 2);
                g_assert_cmpuint(info->n_devices, ==, 2);
                g_assert_null(info->problem);
                g_assert_cmpint(info->boot, ==, IMAGE_BOOT_PROCESS);
                g_assert_true(image_needs_kvm(info) == (target == SOLO5_TARGET_HVT));
        }
}

/* What it is booted by, where it is also bootable, is of no interest. */
static void test_inspected_with_header(void)
{
        g_autoptr(BuiltImage) image = tender_image_build(&(ImageSpec){SPT, .multiboot = ADDRESSES, .pvh_desc_size = 4});
        _cleanup_image_info_ ImageInfo *info = inspect_on(image->bytes->data, image->bytes->len, HOST);

        g_assert_null(info->problem);
        g_assert_cmpint(info->boot, ==, IMAGE_BOOT_PROCESS);
        g_assert_cmpstr(image_boot_to_string(info->boot), ==, "process");
        g_assert_cmpuint(info->n_devices, ==, 2);
}

/* Nothing emulates it, whatever Architecture= says. */
static void test_inspected_elsewhere(void)
{
        static const struct {
                uint16_t machine;
                const char *host;
                ImageArchitecture asked;
                ImageBoot boot;
                const char *problem;
        } cases[] = {
                        {EM_X86_64, "x86_64", IMAGE_ARCHITECTURE_X86_64, IMAGE_BOOT_PROCESS, NULL},
                        {EM_AARCH64, "aarch64", IMAGE_ARCHITECTURE_UNKNOWN, IMAGE_BOOT_PROCESS, NULL},
                        {EM_AARCH64, "aarch64", IMAGE_ARCHITECTURE_AARCH64, IMAGE_BOOT_PROCESS, NULL},
                        {EM_AARCH64, "x86_64", IMAGE_ARCHITECTURE_AARCH64, IMAGE_BOOT_NONE,
                                        "for aarch64, this host is x86_64: rebuild it for this one"},
                        {EM_X86_64, "aarch64", IMAGE_ARCHITECTURE_X86_64, IMAGE_BOOT_NONE,
                                        "for x86_64, this host is aarch64: rebuild it for this one"},
                        {EM_AARCH64, "x86_64", IMAGE_ARCHITECTURE_UNKNOWN, IMAGE_BOOT_NONE,
                                        "for aarch64, this host is x86_64: rebuild it for this one"},
                        {EM_X86_64, "x86_64", IMAGE_ARCHITECTURE_AARCH64, IMAGE_BOOT_PROCESS,
                                        "for x86_64, but Architecture= is aarch64: set Architecture=x86_64, or "
                                        "use an image for aarch64"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(BuiltImage) image = tender_image_build(&(ImageSpec){SPT, .machine = cases[i].machine});
                _cleanup_image_info_ ImageInfo *info = inspect_as(
                                image->bytes->data, image->bytes->len, cases[i].host, cases[i].asked);

                g_assert_cmpstr(info->problem, ==, cases[i].problem);
                g_assert_cmpint(info->boot, ==, cases[i].boot);
        }
}

/* A second segment: what would be the interpreter's, loaded at address. */
#define SECOND(flags, address, memory_size)                                                                 \
        {AT_NOTE, offsetof(Elf64_Phdr, p_type), 4, PT_LOAD},                                                \
                        {AT_NOTE, offsetof(Elf64_Phdr, p_flags), 4, (flags)},                               \
                        {AT_NOTE, offsetof(Elf64_Phdr, p_vaddr), 8, (address)},                             \
                        {AT_NOTE, offsetof(Elf64_Phdr, p_memsz), 8, (memory_size)},                         \
                        {AT_LOAD, offsetof(Elf64_Phdr, p_vaddr), 8, 0x108000},                              \
        {                                                                                                   \
                AT_FILE, offsetof(Elf64_Ehdr, e_entry), 8, 0x108000                                         \
        }

static const Refusal refusals[] = {
                {"no ELF file", {.flat = true}, {}, ERROR_UNSUPPORTED_IMAGE,
                                "no ELF file, which images for"},
                {"another processor", {SPT, .machine = EM_AARCH64}, {}, ERROR_UNSUPPORTED_IMAGE,
                                "for aarch64, this host is x86_64: rebuild it for this one"},
                {"big endian", {SPT}, {{AT_FILE, EI_DATA, 1, ELFDATA2MSB}}, ERROR_UNSUPPORTED_IMAGE,
                                "for big-endian another architecture, this host is x86_64"},
                {"32 bits", {SPT, .is32 = true, .machine = EM_X86_64}, {}, ERROR_INVALID_IMAGE,
                                "damaged: a Solo5 spt image is a 64-bit ELF file"},
                {"an address of its own choice", {SPT, .type = ET_DYN}, {}, ERROR_UNSUPPORTED_IMAGE,
                                "no executable with fixed addresses (its ELF type is 3, not 2)"},
                {"no note", {.interpreter = SOLO5}, {}, ERROR_UNSUPPORTED_IMAGE,
                                "no Solo5 image, or one that lost the note"},
                {"no manifest", {.interpreter = SOLO5, .abi_target = 2}, {}, ERROR_INVALID_IMAGE,
                                "a Solo5 image without its manifest"},
                {"virtio", {VIRTIO}, {}, ERROR_UNSUPPORTED_IMAGE,
                                "built for virtio, not for spt or hvt: rebuild for Solo5's spt target"},
                {"an unknown target", {.abi_target = 99, .devices = DEVICES}, {}, ERROR_UNSUPPORTED_IMAGE,
                                "built for the unknown Solo5 target 99"},
                {"version 1", {SPT}, {{AT_ABI, ABI_VERSION_AT, 4, 1}}, ERROR_UNSUPPORTED_IMAGE,
                                "built for version 1 of Solo5's spt target, only version 2 is supported"},
                {"version 3", {SPT}, {{AT_ABI, ABI_VERSION_AT, 4, 3}}, ERROR_UNSUPPORTED_IMAGE,
                                "built for version 3 of Solo5's spt target, only version 2 is supported"},
                {"hvt's version 1", {HVT}, {{AT_ABI, ABI_VERSION_AT, 4, 1}}, ERROR_UNSUPPORTED_IMAGE,
                                "built for version 1 of Solo5's hvt target, only version 2 is supported: "
                                "rebuild for Solo5's hvt target"},
                {"hvt and 32 bits", {HVT, .is32 = true, .machine = EM_X86_64}, {}, ERROR_INVALID_IMAGE,
                                "damaged: a Solo5 hvt image is a 64-bit ELF file"},
                {"hvt and an address that has more than 32 bits", {HVT},
                                {{AT_LOAD, offsetof(Elf64_Phdr, p_vaddr), 8, UINT64_C(1) << 32}},
                                ERROR_INVALID_IMAGE, "claims more than there are addresses"},
                {"writable code", {SPT}, {{AT_LOAD, offsetof(Elf64_Phdr, p_flags), 4, 7}},
                                ERROR_UNSUPPORTED_IMAGE,
                                "is writable and executable, which is not supported"},
                {"no code", {SPT}, {{AT_LOAD, offsetof(Elf64_Phdr, p_flags), 4, PF_R}}, ERROR_INVALID_IMAGE,
                                "damaged: its entry 0x100000 is in none of its 1 segments"},
                {"nothing to load", {SPT}, {{AT_LOAD, offsetof(Elf64_Phdr, p_type), 4, PT_NULL}},
                                ERROR_INVALID_IMAGE,
                                "damaged: its entry 0x100000 is in none of its 0 segments"},
                {"an entry elsewhere", {SPT}, {{AT_FILE, offsetof(Elf64_Ehdr, e_entry), 8, 0xfffff}},
                                ERROR_INVALID_IMAGE, "damaged: its entry 0xfffff is in none"},
                {"a low address", {SPT}, {{AT_LOAD, offsetof(Elf64_Phdr, p_vaddr), 8, 0xff000}},
                                ERROR_INVALID_IMAGE, "linked at 0xff000 (segment 3), below 0x100000"},
                {"more in the file than in memory", {SPT}, {{AT_LOAD, offsetof(Elf64_Phdr, p_memsz), 8, 1}},
                                ERROR_INVALID_IMAGE, "damaged: segment 3 has"},
                {"more than there are addresses", {SPT},
                                {{AT_LOAD, offsetof(Elf64_Phdr, p_vaddr), 8, UINT64_MAX - 4096}},
                                ERROR_INVALID_IMAGE, "claims more than there are addresses"},
                {"the last address", {SPT}, {{AT_LOAD, offsetof(Elf64_Phdr, p_vaddr), 8, UINT64_MAX - 4095}},
                                ERROR_INVALID_IMAGE, "claims more than there are addresses"},
                {"the end of addresses above a segment", {SPT},
                                {SECOND(PF_R | PF_W, UINT64_C(1) << 46, 0x1000),
                                                {AT_LOAD, offsetof(Elf64_Phdr, p_vaddr), 8,
                                                                UINT64_MAX - 0x1fff}},
                                ERROR_INVALID_IMAGE, "claims more than there are addresses"},
                {"an address that no guest has", {SPT},
                                {{AT_LOAD, offsetof(Elf64_Phdr, p_vaddr), 8, UINT64_C(1) << 47}},
                                ERROR_INVALID_IMAGE, "claims more than there are addresses"},
                {"much more", {SPT}, {{AT_LOAD, offsetof(Elf64_Phdr, p_memsz), 8, UINT64_MAX}},
                                ERROR_INVALID_IMAGE, "claims more than there are addresses"},
                {"a segment beyond the end", {SPT}, {{AT_LOAD, offsetof(Elf64_Phdr, p_offset), 8, 4096}},
                                ERROR_INVALID_IMAGE, "cut off: segment 3"},
                {"segments out of order", {SPT}, {SECOND(PF_R | PF_X, 0x200000, 0x1000)},
                                ERROR_INVALID_IMAGE,
                                "segment 3 (at 0x108000) begins before or in the last page"},
                {"segments that overlap", {SPT}, {SECOND(PF_R | PF_X, 0x100000, 0x8001)},
                                ERROR_INVALID_IMAGE,
                                "segment 3 (at 0x108000) begins before or in the last page"},
                {"a page of two kinds", {SPT},
                                {SECOND(PF_R | PF_W, 0x107000, 0x1000),
                                                {AT_LOAD, offsetof(Elf64_Phdr, p_vaddr), 8, 0x107ff0}},
                                ERROR_INVALID_IMAGE, "begins before or in the last page"},
};

static void patch(BuiltImage *image, const Patch *p)
{
        size_t at = 0;

        if (p->anchor == AT_LOAD)
                at = image->segments_at + (image->n_segments - 1) * HEADER_SIZE;
        else if (p->anchor == AT_NOTE)
                at = image->segments_at;
        else if (p->anchor == AT_ABI)
                at = image->abi_at;
        if (p->anchor != AT_NONE)
                image_put(image, at + p->offset, p->width, p->value);
}

static void test_refused(const void *data)
{
        const Refusal *refusal = data;
        g_autoptr(BuiltImage) image = tender_image_build(&refusal->spec);
        _cleanup_image_info_ ImageInfo *info = g_new0(ImageInfo, 1);
        Solo5Image loaded;

        for (size_t i = 0; i < G_N_ELEMENTS(refusal->patches); i++)
                patch(image, &refusal->patches[i]);
        g_assert_false(read_bytes(image, &loaded, info));
        g_assert_nonnull(info->problem);
        if (!strstr(info->problem, refusal->problem))
                g_error("\"%s\" is not in: %s", refusal->problem, info->problem);
        g_assert_cmpint(info->problem_code, ==, refusal->code);
}

/* Who inspects it is told the same as who executes it, once it is known to be for spt. */
static void test_refused_by_inspection(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
                g_autoptr(BuiltImage) image = tender_image_build(&refusals[i].spec);
                _cleanup_image_info_ ImageInfo *info = NULL;

                for (size_t j = 0; j < G_N_ELEMENTS(refusals[i].patches); j++)
                        patch(image, &refusals[i].patches[j]);
                info = inspect_on(image->bytes->data, image->bytes->len, HOST);
                g_test_message("%s: %s", refusals[i].path, info->problem);
                g_assert_cmpint(info->boot, !=, IMAGE_BOOT_PROCESS);
                if (info->target != SOLO5_TARGET_SPT)
                        continue;
                g_assert_cmpint(info->problem_code, ==, refusals[i].code);
                g_assert_nonnull(strstr(info->problem, refusals[i].problem));
        }
}

/* With the same protection, two may share a page; and what has nothing in the file is there all the same. */
static void test_segments(void)
{
        static const Patch patches[] = {SECOND(PF_R | PF_X, 0x100000, 0x8000)};
        static const Patch without_file = {AT_NOTE, offsetof(Elf64_Phdr, p_filesz), 8, 0};
        g_autoptr(BuiltImage) image = tender_image_build(&(ImageSpec){SPT});
        _cleanup_image_info_ ImageInfo *info = g_new0(ImageInfo, 1);
        Solo5Image loaded;

        for (size_t i = 0; i < G_N_ELEMENTS(patches); i++)
                patch(image, &patches[i]);
        patch(image, &without_file);
        if (!read_bytes(image, &loaded, info))
                g_error("refused: %s", info->problem);
        g_assert_cmpuint(loaded.n_segments, ==, 2);
        g_assert_cmpuint(loaded.segments[0].file_size, ==, 0);
        g_assert_cmpuint(loaded.segments[0].memory_size, ==, 0x8000);
        g_assert_cmpuint(loaded.segments[1].address, ==, 0x108000);
}

/* The highest end is 2^47, whatever the memory will be. */
static void test_highest_end(void)
{
        for (unsigned beyond = 0; beyond < 2; beyond++) {
                g_autoptr(BuiltImage) image = tender_image_build(&(ImageSpec){SPT});
                _cleanup_image_info_ ImageInfo *info = g_new0(ImageInfo, 1);
                uint64_t address = (UINT64_C(1) << 47) - image->bytes->len + beyond;
                Solo5Image loaded;

                patch(image, &(Patch){AT_LOAD, offsetof(Elf64_Phdr, p_vaddr), 8, address});
                patch(image, &(Patch){AT_FILE, offsetof(Elf64_Ehdr, e_entry), 8, address});
                g_assert_true(read_bytes(image, &loaded, info) == (beyond == 0));
                if (beyond == 0)
                        g_assert_cmpuint(loaded.end, ==, UINT64_C(1) << 47);
                else
                        g_assert_nonnull(strstr(info->problem, "claims more than there are addresses"));
        }
}

static void test_cut_off(void)
{
        g_autoptr(BuiltImage) image = tender_image_build(&(ImageSpec){SPT});
        Solo5Image loaded;

        for (guint size = 0; size < image->bytes->len; size++) {
                _cleanup_image_info_ ImageInfo *info = g_new0(ImageInfo, 1);
                g_autofree uint8_t *data = g_memdup2(image->bytes->data, size); /* for a sanitizer to see */
                Source source = source_from_bytes(data, size);

                g_assert_false(solo5_load_read(&source, IMAGE_ARCHITECTURE_X86_64, &loaded, info));
                g_assert_nonnull(info->problem);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/image/solo5-load/is read", test_good);
        g_test_add_func("/image/solo5-load/is inspected", test_inspected);
        g_test_add_func("/image/solo5-load/is inspected, and nothing that could boot it", test_inspected_with_header);
        g_test_add_func("/image/solo5-load/is for the host's own processor", test_inspected_elsewhere);
        g_test_add_func("/image/solo5-load/has segments", test_segments);
        g_test_add_func("/image/solo5-load/ends where the addresses of a guest can", test_highest_end);
        g_test_add_func("/image/solo5-load/is refused by inspection, too", test_refused_by_inspection);
        g_test_add_func("/image/solo5-load/is refused cut off anywhere", test_cut_off);
        for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
                g_autofree char *path = g_strdup_printf("/image/solo5-load/is refused with %s", refusals[i].path);

                g_test_add_data_func(path, &refusals[i], test_refused);
        }
        return g_test_run();
}
