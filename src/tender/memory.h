/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"
#include "image/solo5-load.h"
#include "tender/abi.h"

/* The guest's memory. That of a process is at its own addresses in this one; a machine's is anywhere
 * (hvt-memory.h). Called by main(), in this order:
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

typedef struct TenderMemory {
        char *base;      /* where in this process the guest's address 0 is; NULL: there */
        uint64_t size;   /* whole pages, and at least twice SOLO5_IMAGE_MIN */
        bool is_machine; /* then nothing is executed by this process itself */
        uint64_t ring;   /* where a machine's ring is, behind all that it is told of; 0: it has none */
} TenderMemory;

static inline uint64_t tender_memory_end(const TenderMemory *memory)
{
        return memory->ring > 0 ? memory->ring : memory->size;
}

int tender_memory_make(uint64_t size, bool executable_heap, TenderMemory *ret, Error *ret_error);

/* From fd; what the image is has been read before (solo5_load_read()), and may have changed meanwhile: then
 * the guest breaks, and nobody else. */
int tender_memory_load(int fd, const Solo5Image *image, const TenderMemory *memory, Error *ret_error);

/* The guest's command line; arguments: ended by NULL. */
int tender_cmdline_write(char cmdline[static SOLO5_CMDLINE_SIZE], char *const *arguments, Error *ret_error);

/* Fills SptLowMemory. arguments: ended by NULL. */
int tender_memory_describe(const Solo5Image *image, uint64_t size, const Solo5Manifest *manifest,
                int epoll_fd, int timer_fd, char *const *arguments, Error *ret_error);
