/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bounded reading of untrusted files. A mapping would be simpler but is not possible: the owner of the file
 * could truncate it meanwhile, which raises SIGBUS. */

#include "image/source.h"

#include <glib.h>
#include <sys/stat.h>

#include "common/io.h"

static ssize_t read_fd(const Source *source, uint64_t offset, void *buffer, size_t size)
{
        if (offset > (uint64_t) INT64_MAX - (uint64_t) size)
                return 0;

        return pread_all(source->fd, buffer, size, (off_t) offset);
}

static ssize_t read_bytes(const Source *source, uint64_t offset, void *buffer, size_t size)
{
        if (offset >= source->size)
                return 0;

        size = MIN(size, source->size - offset);
        memcpy(buffer, source->data + offset, size);
        return (ssize_t) size;
}

int source_from_fd(int fd, Source *ret, Error *ret_error)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return error_set_errno(ret_error, errno, "Cannot inspect the image");
        if (!S_ISREG(st.st_mode))
                return error_set(ret_error, ERROR_INVALID_IMAGE,
                                "The image is not a regular file: use the file itself, not a directory, "
                                "device or pipe");

        *ret = (Source){.read = read_fd, .fd = fd, .size = (uint64_t) st.st_size};
        return 0;
}

Source source_from_bytes(const uint8_t *data, size_t size)
{
        return (Source){.read = read_bytes, .fd = -EBADF, .data = data, .size = size};
}

size_t source_read_some(Source *source, uint64_t offset, void *buffer, size_t size)
{
        ssize_t n;

        if (source->error != 0)
                return 0;

        n = source->read(source, offset, buffer, size);
        if (n < 0) {
                source->error = (int) -n;
                return 0;
        }

        return (size_t) n;
}

bool source_read(Source *source, uint64_t offset, void *buffer, size_t size)
{
        return source_read_some(source, offset, buffer, size) == size;
}

bool source_covers(const Source *source, uint64_t offset, uint64_t size)
{
        return offset <= source->size && size <= source->size - offset;
}

bool image_refuse(ImageInfo *info, ErrorCode code, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        g_free(info->problem);
        info->problem = g_strdup_vprintf(format, ap);
        info->problem_code = code;
        va_end(ap);

        return false;
}

bool image_refuse_cut_off(ImageInfo *info, const Source *source, const char *what)
{
        return image_refuse(info, ERROR_INVALID_IMAGE,
                        "cut off: %s lies beyond its end at %" PRIu64 " bytes: copy or download it again",
                        what, source->size);
}
