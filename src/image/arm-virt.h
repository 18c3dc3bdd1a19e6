/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/elf-file.h"

/* QEMU's machine `virt` of aarch64: which kernels it loads without firmware, and where to (hw/arm/virt.c,
 * hw/arm/boot.c). */

#define ARM_VIRT_MEMORY UINT64_C(0x40000000) /* the address of its first byte of memory */

/* Whether QEMU will load an ELF file that is not a program of another system. */
bool arm_virt_check_elf(const ElfFile *elf, ImageInfo *info);
