/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes are told how they boot or refused with a phrase; nothing outside of them is read, also when the
 * file is shorter than it claims. */

#include <glib.h>
#include <string.h>

#include "fuzz.h"
#include "image/inspect.h"
#include "image/solo5-load.h"

static void check(const ImageInfo *info)
{
        g_assert_true(info->problem || info->boot != IMAGE_BOOT_NONE);
        g_assert_nonnull(image_architecture_to_string(info->architecture));
        g_assert_nonnull(solo5_target_to_string(info->target));
        g_assert_cmpuint(info->n_devices, <=, MANIFEST_DEVICES_MAX);
        g_assert_true(info->has_manifest || info->n_devices == 0);

        for (unsigned i = 0; i < info->n_devices; i++) {
                g_assert_true(manifest_name_is_valid(info->devices[i].name));
                g_assert_nonnull(device_kind_to_string(info->devices[i].kind));
        }

        if (!info->problem) {
                /* A process has no bus that would be full. */
                if (info->boot != IMAGE_BOOT_PROCESS) {
                        g_assert_cmpuint(info->n_devices, <=, IMAGE_DEVICES_MAX);
                        g_assert_false(solo5_target_is_loaded(info->target));
                } else {
                        g_assert_true(solo5_target_is_loaded(info->target));
                        g_assert_true(image_needs_kvm(info) == (info->target == SOLO5_TARGET_HVT));
                        g_assert_true(info->has_manifest);
                        g_assert_cmpuint(info->loaded_end, >, SOLO5_IMAGE_MIN);
                }
                return;
        }

        /* It goes to terminals and over the bus. */
        g_assert_cmpuint(strlen(info->problem), >, 0);
        g_assert_true(g_utf8_validate(info->problem, -1, NULL));
        for (const char *p = info->problem; *p; p++)
                g_assert_false(g_ascii_iscntrl(*p));
}

static uint64_t real_size;

static ssize_t read_within(const Source *source, uint64_t offset, void *buffer, size_t size)
{
        if (offset >= real_size)
                return 0;

        size = MIN(size, real_size - offset);
        memcpy(buffer, source->data + offset, size);
        return (ssize_t) size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        Source liar = {.read = read_within, .data = data, .size = UINT64_MAX};

        for (ImageArchitecture asked = 0; asked <= IMAGE_ARCHITECTURE_AARCH64; asked++) {
                _cleanup_image_info_ ImageInfo *honest = NULL, *lied = NULL;

                g_assert_cmpint(image_inspect_bytes(data, size, "x86_64", asked, &honest, NULL), ==, 0);
                check(honest);

                real_size = size;
                g_assert_cmpint(image_inspect_source(&liar, "x86_64", asked, &lied, NULL), ==, 0);
                check(lied);
        }

        /* The other one that executes images for spt. */
        for (ImageArchitecture asked = 0; asked <= IMAGE_ARCHITECTURE_AARCH64; asked++) {
                _cleanup_image_info_ ImageInfo *info = NULL;

                g_assert_cmpint(image_inspect_bytes(data, size, "aarch64", asked, &info, NULL), ==, 0);
                check(info);
        }
        return 0;
}
