/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Recognises files by their first bytes. Called where images and volumes are imported. */

#include "common/file-format.h"

#include <glib.h>
#include <string.h>

#include "common/io.h"

#define DISK(at, text, name, qemu)       {(at), sizeof(text) - 1, (text), (name), (qemu), NULL}
#define COMPRESSED(at, text, name, how)  {(at), sizeof(text) - 1, (text), (name), NULL, (how)}

static const FileFormat formats[] = {
        COMPRESSED(0, "\x1f\x8b", "gzip", "gunzip"),
        COMPRESSED(0, "\xfd" "7zXZ\0", "xz", "unxz"),
        COMPRESSED(0, "\x28\xb5\x2f\xfd", "zstd", "unzstd"),
        COMPRESSED(0, "BZh", "bzip2", "bunzip2"),
        COMPRESSED(0, "\x04\x22\x4d\x18", "lz4", "unlz4"),
        COMPRESSED(0, "\x02\x21\x4c\x18", "lz4", "unlz4"),
        COMPRESSED(0, "\x89LZO\0", "lzop", "lzop -d"),
        COMPRESSED(0, "LZIP", "lzip", "lzip -d"),
        COMPRESSED(0, "\x5d\0\0", "lzma", "unlzma"),
        COMPRESSED(0, "\x1f\x9d", "compress", "uncompress"),
        DISK(0, "QFI\xfb", "qcow2", "qcow2"),
        DISK(0, "QED\0", "QED", "qed"),
        DISK(0, "KDMV", "VMDK", "vmdk"),
        DISK(0, "COWD", "VMDK", "vmdk"),
        DISK(0, "# Disk DescriptorFile", "VMDK", "vmdk"),
        DISK(0, "vhdxfile", "VHDX", "vhdx"),
        DISK(0, "conectix", "VHD", "vpc"),
        DISK(0, "WithoutFreeSpace", "Parallels", "parallels"),
        DISK(0, "WithouFreSpacExt", "Parallels", "parallels"),
        DISK(0x40, "\x7f\x10\xda\xbe", "VDI", "vdi"),
};

const FileFormat *file_format_of(const uint8_t *head, size_t head_size)
{
        for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
                const FileFormat *format = &formats[i];

                if (head_size >= format->offset + format->size &&
                                memcmp(head + format->offset, format->magic, format->size) == 0)
                        return format;
        }

        return NULL;
}

const FileFormat *file_format_of_fd(int fd)
{
        uint8_t head[FILE_FORMAT_HEAD_SIZE];
        ssize_t n = pread_all(fd, head, sizeof head, 0);

        return n < 0 ? NULL : file_format_of(head, (size_t) n);
}
