/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/conf.h"
#include "common/error.h"
#include "image/image.h"

/* How much memory a guest gets, and how much it needs and can have. asked is Memory= of a definition in
 * bytes, 0 if absent; initrd_size is 0 if there is no initrd. Pure except for memory_of_host(). */

#define MEMORY_SOLO5_MAX (UINT64_C(1) << 30) /* the most that Solo5 ever uses (bindings/virtio/platform.c) */

/* What the guest gets: what is asked for, else what its kind of image usually needs, which is DefaultMemory=
 * if that is enough. info NULL: the image is not known. */
uint64_t memory_effective(uint64_t asked, const ImageInfo *info, uint64_t initrd_size, const Conf *conf);

/* What may be needed besides the guest's memory at worst: by QEMU, whose figure is MemoryOverhead=; of a
 * process by its runner and the helper that this may call, and by the kernel. */
#define MEMORY_OVERHEAD_PROCESS (UINT64_C(16) << 20)
uint64_t memory_overhead(const ImageInfo *info, const Conf *conf);

/* What a unikernel that runs takes besides the guest's memory: where memory is added up, as in
 * MemoryMaxPerUser=. A process has a runner and a share of shruthi-domain.service, with 400 KiB of their
 * own at most (which the benchmark "process" proves), and the kernel's stacks and page tables. */
#define MEMORY_TAKEN_PROCESS (UINT64_C(512) << 10)
uint64_t memory_taken(bool process, const Conf *conf);

/* The host's memory and swap in bytes. */
uint64_t memory_of_host(void);

/* Whether the image can be loaded into that much memory, and whether a host of that size has it:
 * INVALID_DEFINITION with the number that would be right. */
int memory_check(uint64_t memory, const ImageInfo *info, uint64_t initrd_size, uint64_t host,
                Error *ret_error);

/* Whether the guest can use all of it. More does no harm, but its owner would look for it in vain: so it is
 * refused when it is set, but never at a start. */
int memory_check_use(uint64_t memory, const ImageInfo *info, Error *ret_error);
