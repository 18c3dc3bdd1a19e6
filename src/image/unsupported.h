/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/elf-file.h"

/* Files that people pass by mistake: each known format gets a message with the way out. */

/* Refuses a file that is recognisably something other than a kernel. True if it is not recognised. */
bool unsupported_check(Source *source, const uint8_t *head, size_t head_size, ImageInfo *info);

/* The same for an ELF file that is no x86 kernel or does not say how to boot it. */
bool unsupported_check_elf(const ElfFile *elf, bool is_gnu, ImageInfo *info);
