/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "image/image.h"

#include <glib.h>

#include "common/string-util.h"

static const char *const device_kind_table[_DEVICE_KIND_MAX] = {
        [DEVICE_NETWORK] = "network",
        [DEVICE_BLOCK]   = "block",
};

DEFINE_STRING_TABLE(device_kind, DeviceKind, device_kind_table, _DEVICE_KIND_MAX);

static const char *const image_boot_table[_IMAGE_BOOT_MAX] = {
        [IMAGE_BOOT_NONE]      = "none",
        [IMAGE_BOOT_MULTIBOOT] = "multiboot",
        [IMAGE_BOOT_PVH]       = "pvh",
        [IMAGE_BOOT_LINUX]     = "linux",
        [IMAGE_BOOT_ELF]       = "elf",
        [IMAGE_BOOT_PROCESS]   = "process",
};

const char *image_boot_to_string(ImageBoot boot)
{
        return (int) boot >= 0 && boot < _IMAGE_BOOT_MAX ? image_boot_table[boot] : NULL;
}

bool image_needs_kvm(const ImageInfo *info)
{
        return info->boot == IMAGE_BOOT_PROCESS && info->target == SOLO5_TARGET_HVT;
}

void image_info_free(ImageInfo *info)
{
        if (!info)
                return;

        g_free(info->problem);
        g_free(info);
}

void image_info_clear_pointer(ImageInfo **info)
{
        image_info_free(*info);
        *info = NULL;
}
