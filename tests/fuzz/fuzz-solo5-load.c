/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes are an image with sane segments or refused with a phrase; nothing outside of them is read, also
 * when the file is shorter than it claims. */

#include <glib.h>
#include <string.h>

#include "fuzz.h"
#include "image/solo5-load.h"

static uint64_t real_size;

static ssize_t read_within(const Source *source, uint64_t offset, void *buffer, size_t size)
{
        if (offset >= real_size)
                return 0;

        size = MIN(size, real_size - offset);
        memcpy(buffer, source->data + offset, size);
        return (ssize_t) size;
}

static void check_segments(const Source *source, const Solo5Image *image)
{
        uint64_t end = SOLO5_IMAGE_MIN;
        bool has_entry = false;

        g_assert_cmpuint(image->n_segments, >, 0);
        g_assert_cmpuint(image->n_segments, <=, ELF_SEGMENTS_MAX);
        for (unsigned i = 0; i < image->n_segments; i++) {
                const Solo5Segment *segment = &image->segments[i];

                g_assert_cmpuint(segment->address, >=, end);
                g_assert_cmpuint(segment->memory_size, >, 0);
                g_assert_cmpuint(segment->file_size, <=, segment->memory_size);
                g_assert_false(segment->writable && segment->executable);
                g_assert_true(segment->file_size == 0 ||
                                source_covers(source, segment->offset, segment->file_size));
                end = segment->address + segment->memory_size;
                g_assert_cmpuint(end, >, segment->address);
                g_assert_cmpuint(end, <=, UINT64_MAX - SOLO5_PAGE_SIZE);
                has_entry |= segment->executable && image->entry >= segment->address && image->entry < end;
        }
        g_assert_cmpuint(image->end, ==, end);
        g_assert_true(has_entry);
}

static void check(Source source, ImageArchitecture machine)
{
        _cleanup_image_info_ ImageInfo *info = g_new0(ImageInfo, 1);
        g_autofree Solo5Image *image = g_new0(Solo5Image, 1);

        if (solo5_load_read(&source, machine, image, info)) {
                g_assert_null(info->problem);
                g_assert_true(solo5_target_is_loaded(info->target));
                g_assert_true(info->has_manifest);
                check_segments(&source, image);
                return;
        }

        g_assert_nonnull(info->problem);
        g_assert_cmpuint(strlen(info->problem), >, 0);
        g_assert_true(g_utf8_validate(info->problem, -1, NULL));
        for (const char *p = info->problem; *p; p++)
                g_assert_false(g_ascii_iscntrl(*p));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        real_size = size;
        check(source_from_bytes(data, size), IMAGE_ARCHITECTURE_X86_64);
        check(source_from_bytes(data, size), IMAGE_ARCHITECTURE_AARCH64);
        check((Source){.read = read_within, .data = data, .size = UINT64_MAX}, IMAGE_ARCHITECTURE_X86_64);
        return 0;
}
