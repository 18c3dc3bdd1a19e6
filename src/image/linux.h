/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/source.h"

/* Linux kernels: the bzImage of x86 (Documentation/arch/x86/boot.rst), and the Image of other
 * architectures. */

/* Whether head, the first bytes of a file, has the magic number of a bzImage, which QEMU checks before all
 * else. */
bool linux_is_bzimage(const uint8_t *head, size_t head_size);

/* Whether QEMU will load the bzImage; sets the architecture. */
bool linux_check(const Source *source, const uint8_t *head, size_t head_size, ImageInfo *info);

/* The architecture of an arm64 or riscv Image, or UNKNOWN. */
ImageArchitecture linux_image_architecture(const uint8_t *head, size_t head_size);

/* Whether QEMU will load an arm64 Image, and a little-endian guest can run it. */
bool linux_check_aarch64(const Source *source, const uint8_t *head, size_t head_size, ImageInfo *info);
