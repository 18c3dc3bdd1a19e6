/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Linux's boot headers, from the kernel's Documentation/arch/{x86,arm64,riscv}. */

#include "image/linux.h"

#include <glib.h>

#define SETUP_SECTS_OFFSET  0x1f1
#define SYSSIZE_OFFSET      0x1f4
#define BOOT_FLAG_OFFSET    0x1fe
#define HEADER_OFFSET       0x202
#define VERSION_OFFSET      0x206
#define XLOADFLAGS_OFFSET   0x236
#define PREF_ADDRESS_OFFSET 0x258
#define INIT_SIZE_OFFSET    0x260
#define SETUP_HEADER_END    0x268
#define HEADER_MAGIC        0x53726448u /* "HdrS" */
#define BOOT_FLAG           0xAA55
#define XLF_KERNEL_64       1
#define SYSSIZE_UNIT        16
#define LOAD_ADDRESS        0x100000    /* of a bzImage, by every boot loader */
#define IMAGE_MAGIC_OFFSET  56          /* arm64 and riscv share the header's layout */
#define IMAGE_HEADER_SIZE   64
#define IMAGE_TEXT_OFFSET   8
#define IMAGE_SIZE_OFFSET   16
#define IMAGE_FLAGS_OFFSET  24
#define IMAGE_FLAG_BIG      1

bool linux_is_bzimage(const uint8_t *head, size_t head_size)
{
        return head_size >= HEADER_OFFSET + 4 && get_le32(head + HEADER_OFFSET) == HEADER_MAGIC;
}

/* Since protocol 2.10 the kernel says where it unpacks itself and how much it takes there. */
static uint64_t loaded_end(const uint8_t *head, uint16_t version, uint64_t kernel_size)
{
        uint64_t address = LOAD_ADDRESS, size = kernel_size;

        if (version >= 0x20a) {
                address = MAX(address, get_le64(head + PREF_ADDRESS_OFFSET));
                size = MAX(size, (uint64_t) get_le32(head + INIT_SIZE_OFFSET));
        }

        return address + MIN(size, UINT64_MAX - address);
}

bool linux_check(const Source *source, const uint8_t *head, size_t head_size, ImageInfo *info)
{
        uint64_t setup_size, kernel_size;
        uint16_t version;

        if (head_size < SETUP_HEADER_END)
                return image_refuse_cut_off(info, source, "part of its Linux boot header");
        if (get_le16(head + BOOT_FLAG_OFFSET) != BOOT_FLAG)
                return image_refuse(info, ERROR_INVALID_IMAGE,
                                "damaged: a Linux kernel whose boot flag is 0x%04x, not 0xaa55: copy it "
                                "again",
                                get_le16(head + BOOT_FLAG_OFFSET));

        version = get_le16(head + VERSION_OFFSET);
        info->architecture = version >= 0x20c && get_le16(head + XLOADFLAGS_OFFSET) & XLF_KERNEL_64
                        ? IMAGE_ARCHITECTURE_X86_64
                        : IMAGE_ARCHITECTURE_X86;
        if (version < 0x200)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "a Linux kernel with boot protocol %d.%02d, which is older than 2.00: use a "
                                "newer kernel",
                                version >> 8, version & 0xff);

        setup_size = 512 * (uint64_t) ((head[SETUP_SECTS_OFFSET] ?: 4) + 1);
        /* Before 2.04 the field had 16 bits, and the bits above them are something else. */
        kernel_size = version >= 0x204 ? get_le32(head + SYSSIZE_OFFSET) : get_le16(head + SYSSIZE_OFFSET);
        kernel_size *= SYSSIZE_UNIT;
        if (!source_covers(source, 0,
                            setup_size + MAX(kernel_size, (uint64_t) SYSSIZE_UNIT) - SYSSIZE_UNIT + 1))
                return image_refuse_cut_off(info, source, "part of the Linux kernel");

        info->loaded_end = loaded_end(head, version, kernel_size);
        return true;
}

ImageArchitecture linux_image_architecture(const uint8_t *head, size_t head_size)
{
        if (head_size < IMAGE_MAGIC_OFFSET + 4)
                return IMAGE_ARCHITECTURE_UNKNOWN;
        if (memcmp(head + IMAGE_MAGIC_OFFSET, "ARM\x64", 4) == 0)
                return IMAGE_ARCHITECTURE_AARCH64;
        if (memcmp(head + IMAGE_MAGIC_OFFSET, "RSC\x05", 4) == 0)
                return IMAGE_ARCHITECTURE_RISCV64;

        return IMAGE_ARCHITECTURE_UNKNOWN;
}

/* Where QEMU puts it, from the beginning of memory (hw/arm/boot.c, load_aarch64_image()): as far after a
 * multiple of 2 MiB as the image asks for, and not over the code that enters it. Before Linux 3.17 there was
 * no size, and the offset could not be trusted. */
static uint64_t image_loaded_end(const uint8_t *head, uint64_t file_size)
{
        enum { OLD_OFFSET = 0x80000, ENTRY_SIZE = 4096, ALIGNMENT = 2 << 20 };
        uint64_t size = get_le64(head + IMAGE_SIZE_OFFSET), offset = OLD_OFFSET;

        if (size == 0)
                size = file_size;
        else {
                offset = get_le64(head + IMAGE_TEXT_OFFSET);
                if (offset < ENTRY_SIZE)
                        offset += ALIGNMENT;
        }
        size = MAX(size, file_size);

        return offset + MIN(size, UINT64_MAX - offset);
}

bool linux_check_aarch64(const Source *source, const uint8_t *head, size_t head_size, ImageInfo *info)
{
        if (head_size <= IMAGE_HEADER_SIZE)
                return image_refuse_cut_off(info, source, "everything after its Linux boot header");
        if (get_le64(head + IMAGE_FLAGS_OFFSET) & IMAGE_FLAG_BIG)
                return image_refuse(info, ERROR_UNSUPPORTED_IMAGE,
                                "a Linux boot image for big-endian aarch64, which is not supported: build "
                                "it for little endian");

        info->loaded_end = image_loaded_end(head, source->size);
        return true;
}
