/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tender/hvt-abi.h"
#include "tender/memory.h"

/* The memory of a guest in a machine of its own, with the page tables that it begins with. By the machine's
 * addresses:
 *
 *     0           nothing that the guest's tables map
 *     0x10000     HvtLowMemory, read-only
 *     0x20000     the tables themselves, which they do not map, read-only
 *     0x100000    the image, and heap and stack up to the size of the memory, or to the ring at its end
 *
 * A guest runs with all rights of its machine and could make other tables: what is read-only is so for the
 * machine as well, but code and data are apart only as long as the guest wants it. */

#define HVT_TABLES UINT64_C(0x20000) /* of which the first is the top one */

/* In this process, with TENDER_GUARD_SIZE of nothing before and behind. size: whole pages. */
int hvt_memory_make(uint64_t size, TenderMemory *ret, Error *ret_error);

int hvt_memory_map(
                const Solo5Image *image, const TenderMemory *memory, bool executable_heap, Error *ret_error);

/* Fills HvtLowMemory. arguments: ended by NULL. */
int hvt_memory_describe(const Solo5Image *image, const TenderMemory *memory, const Solo5Manifest *manifest,
                uint64_t tsc_hz, char *const *arguments, Error *ret_error);

/* From now on what is below the image is read-only for all, this process and the machine. The processor has
 * nothing to write there either: all pages are marked as seen. */
int hvt_memory_seal(const TenderMemory *memory, Error *ret_error);

/* Where in this process the guest's address is; NULL if those bytes are not the guest's to write, or to
 * read. */
void *hvt_memory_at(const TenderMemory *memory, uint64_t address, uint64_t size);
const void *hvt_memory_readable_at(const TenderMemory *memory, uint64_t address, uint64_t size);

/* hvt-x86_64.c, hvt-aarch64.c: page tables as the processor has them. */

/* What the guest may do with a page. */
enum {
        HVT_PAGE_READ = 1,
        HVT_PAGE_WRITE = 2,
        HVT_PAGE_EXECUTE = 4,
};

/* Entries of its page tables, of which there are four levels with 512 entries each: one that leads to
 * another table, and one that maps a page of 4 KiB or a large one of 2 MiB, one to one, with rights as above
 * and HVT_PAGE_READ among them. The processor has nothing to write to either. */
uint64_t hvt_table_entry(uint64_t table);
uint64_t hvt_page_entry(uint64_t page, unsigned rights, bool is_large);

/* What is mapped beside the memory. Each entry is a GiB; the first four are the memory's. */
void hvt_tables_complete(uint64_t *gigabytes);
