/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <endian.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>

#include "common/error.h"
#include "image/image.h"

/* Shared by the readers of this folder: a source of bytes, numbers from bytes, and refusals. */

/* Bytes of unknown origin. read() returns up to size bytes at offset, fewer only at the end of the file, or
 * a negative errno. size is what the file claims: readers use it for messages and early answers, never
 * instead of the result of read(), since a file may shrink at any time. */
typedef struct Source {
        ssize_t (*read)(const struct Source *source, uint64_t offset, void *buffer, size_t size);
        uint64_t size;
        int fd;              /* for source_from_fd() */
        const uint8_t *data; /* for source_from_bytes() */
        int error;           /* the errno of the first read that failed, else 0 */
} Source;

int source_from_fd(int fd, Source *ret, Error *ret_error);
Source source_from_bytes(const uint8_t *data, size_t size);

/* Returns the number of bytes read, at most size; 0 if reading fails, and then source->error says why. */
size_t source_read_some(Source *source, uint64_t offset, void *buffer, size_t size);

/* True if all of it was read. */
bool source_read(Source *source, uint64_t offset, void *buffer, size_t size);

/* Whether size bytes at offset lie within the file as far as its size tells; safe against overflow. */
bool source_covers(const Source *source, uint64_t offset, uint64_t size);

static inline uint16_t get_le16(const uint8_t *p)
{
        uint16_t value;

        memcpy(&value, p, sizeof value);
        return le16toh(value);
}

static inline uint32_t get_le32(const uint8_t *p)
{
        uint32_t value;

        memcpy(&value, p, sizeof value);
        return le32toh(value);
}

static inline uint64_t get_le64(const uint8_t *p)
{
        uint64_t value;

        memcpy(&value, p, sizeof value);
        return le64toh(value);
}

/* Records why the image is refused, as a phrase without a subject ("built for muen: rebuild with …").
 * Always false, so that a reader can end with "return image_refuse(…)": readers return true to go on and
 * false when the verdict is final. */
bool image_refuse(ImageInfo *info, ErrorCode code, const char *format, ...)
                __attribute__((format(printf, 3, 4)));

/* The common refusal of a file that is shorter than its own headers say. */
bool image_refuse_cut_off(ImageInfo *info, const Source *source, const char *what);
