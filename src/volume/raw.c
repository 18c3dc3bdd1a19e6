/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* QEMU is told that every disk is raw. Called where a volume is imported, and at starts. */

#include "volume/raw.h"

#include <glib.h>

#include "common/file-format.h"

static int refuse(
                const FileFormat *format, const char *what, const char *path, const char *way,
                Error *ret_error)
{
        if (format->unpack)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "%s is compressed with %s, and the guest would see the compressed data: "
                                "unpack it first with '%s'%s",
                                what, format->name, format->unpack, way);

        return error_set(ret_error, ERROR_INVALID_ARGS,
                        "%s is a disk image of format %s, and the guest would see this format: convert it "
                        "first with 'qemu-img convert -f %s -O raw %s %s.raw'%s",
                        what, format->name, format->qemu, path, path, way);
}

int volume_check_import(int fd, Error *ret_error)
{
        const FileFormat *format = file_format_of_fd(fd);

        return format ? refuse(format, "The source of the import", "FILE",
                                        "; to give the guest the data as it is, import it with --raw "
                                        "(\"Raw\")",
                                        ret_error)
                      : 0;
}

int volume_check_file(int fd, const char *path, bool read_only, Error *ret_error)
{
        const FileFormat *format = file_format_of_fd(fd);

        return format && (format->qemu || read_only) ? refuse(format, path, path, "", ret_error) : 0;
}
