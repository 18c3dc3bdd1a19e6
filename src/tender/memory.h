/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"
#include "image/spt.h"
#include "tender/abi.h"

/* The guest's memory, at its own addresses in this process. Called by main(), in this order:
 *
 *     0x10000     the last code of ours (launch.h)
 *     0x11000     SptLowMemory
 *     0x20000     the launch's plan and the filter, read-only in the end
 *     …           nothing that could be read
 *     0x100000    the image, and heap and stack up to the size of the memory
 *     size        nothing, for TENDER_GUARD_SIZE
 */

#define TENDER_PLAN_ADDRESS UINT64_C(0x20000)
#define TENDER_PLAN_SIZE    UINT64_C(0x10000)
#define TENDER_GUARD_SIZE   UINT64_C(0x10000)

/* size: whole pages, and at least twice SPT_IMAGE_MIN; of the others too. */
int tender_memory_make(uint64_t size, bool executable_heap, Error *ret_error);

/* From fd; what the image is has been read before (spt_read()), and may have changed meanwhile: then the
 * guest breaks, and nobody else. */
int tender_memory_load(int fd, const SptImage *image, uint64_t size, Error *ret_error);

/* Fills SptLowMemory. arguments: ended by NULL. */
int tender_memory_describe(const SptImage *image, uint64_t size, const SptManifest *manifest, int epoll_fd,
                int timer_fd, char *const *arguments, Error *ret_error);
