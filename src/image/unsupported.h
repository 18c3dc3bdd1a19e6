/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/elf-file.h"

/* What people hand over by mistake: each known format gets a message with the way out. */

/* Refuses what is recognisably something else than a kernel. True: it is not recognised. */
bool unsupported_check(Source *source, const uint8_t *head, size_t head_size, ImageInfo *info);

/* The same of an ELF file, which is no kernel of x86's or has nothing that says how to boot it. */
bool unsupported_check_elf(const ElfFile *elf, bool is_gnu, ImageInfo *info);
