/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lays out a machine's memory, and maps it for the guest. */

#include "tender/hvt-memory.h"

#include <glib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/size.h"

#define TABLE_ENTRIES 512
#define LARGE_PAGE    (TABLE_ENTRIES * SOLO5_PAGE_SIZE)
#define DIRECTORIES   (HVT_MEMORY_MAX / LARGE_PAGE / TABLE_ENTRIES)
#define TABLES_MAX    ((SOLO5_IMAGE_MIN - HVT_TABLES) / SOLO5_PAGE_SIZE)

_Static_assert(HVT_BOOT_INFO + sizeof(HvtLowMemory) <= HVT_TABLES, "hvt-memory.h");

/* What is being mapped, and how many tables that has taken so far. */
typedef struct Mapping {
        const Solo5Image *image;
        const TenderMemory *memory;
        unsigned heap; /* the rights to heap and stack */
        uint64_t n_tables;
} Mapping;

static uint64_t page_down(uint64_t address)
{
        return address & ~(SOLO5_PAGE_SIZE - 1);
}

static uint64_t page_up(uint64_t address)
{
        return page_down(address + SOLO5_PAGE_SIZE - 1);
}

int hvt_memory_make(uint64_t size, TenderMemory *ret, Error *ret_error)
{
        g_autofree char *text = size_format_exact(size);
        char *all;

        if (size > HVT_MEMORY_MAX)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "An image for Solo5's hvt target can have at most 4G of memory, and is "
                                "given "
                                "%s: lower --memory=",
                                text);

        all = mmap(NULL, size + 2 * TENDER_GUARD_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (all == MAP_FAILED || mprotect(all + TENDER_GUARD_SIZE, size, PROT_READ | PROT_WRITE) < 0)
                return error_set_errno(
                                ret_error, errno, "The host does not give the guest %s of memory", text);

        *ret = (TenderMemory){.base = all + TENDER_GUARD_SIZE, .size = size, .is_machine = true};
        return 0;
}

static uint64_t *table_at(const Mapping *mapping, uint64_t table)
{
        return (uint64_t *) (void *) (mapping->memory->base + HVT_TABLES + table * SOLO5_PAGE_SIZE);
}

static uint64_t table_link(uint64_t table)
{
        return hvt_table_entry(HVT_TABLES + table * SOLO5_PAGE_SIZE);
}

/* The rights to the page at that address; 0: there is none. */
static unsigned page_rights(const Mapping *mapping, uint64_t page)
{
        if (page >= mapping->memory->size)
                return 0;
        if (page < SOLO5_IMAGE_MIN)
                return page >= HVT_BOOT_INFO && page < page_up(HVT_BOOT_INFO + sizeof(HvtLowMemory))
                                       ? HVT_PAGE_READ
                                       : 0;

        for (unsigned i = 0; i < mapping->image->n_segments; i++) {
                const Solo5Segment *segment = &mapping->image->segments[i];

                if (page < page_down(segment->address) ||
                                page >= page_up(segment->address + segment->memory_size))
                        continue;
                if (!segment->readable && !segment->writable && !segment->executable)
                        return 0;
                /* What is written or executed is read, too: one of the processors knows no other way. */
                return HVT_PAGE_READ | (segment->writable ? HVT_PAGE_WRITE : 0) |
                       (segment->executable ? HVT_PAGE_EXECUTE : 0);
        }

        return mapping->heap;
}

static bool region_is_uniform(const Mapping *mapping, uint64_t region)
{
        unsigned rights = page_rights(mapping, region);

        /* Behind the image is nothing but heap and stack. */
        if (region >= page_up(mapping->image->end) && region + LARGE_PAGE <= mapping->memory->size)
                return true;

        for (uint64_t page = region; page < region + LARGE_PAGE; page += SOLO5_PAGE_SIZE)
                if (page_rights(mapping, page) != rights)
                        return false;

        return true;
}

/* 2 MiB, as one page where that is possible. */
static int region_map(Mapping *mapping, uint64_t region, uint64_t *directory, Error *ret_error)
{
        uint64_t *table;

        if (region_is_uniform(mapping, region)) {
                unsigned rights = page_rights(mapping, region);

                *directory = rights == 0 ? 0 : hvt_page_entry(region, rights, true);
                return 0;
        }
        if (mapping->n_tables >= TABLES_MAX)
                return error_set(ret_error, ERROR_INVALID_IMAGE,
                                "The image has its %u segments in more places than this program has page "
                                "tables for: build it again by Solo5's linker script",
                                mapping->image->n_segments);

        *directory = table_link(mapping->n_tables);
        table = table_at(mapping, mapping->n_tables++);
        for (uint64_t i = 0; i < TABLE_ENTRIES; i++) {
                uint64_t page = region + i * SOLO5_PAGE_SIZE;
                unsigned rights = page_rights(mapping, page);

                table[i] = rights == 0 ? 0 : hvt_page_entry(page, rights, false);
        }
        return 0;
}

int hvt_memory_map(
                const Solo5Image *image, const TenderMemory *memory, bool executable_heap, Error *ret_error)
{
        Mapping mapping = {
                        .image = image,
                        .memory = memory,
                        .heap = HVT_PAGE_READ | HVT_PAGE_WRITE | (executable_heap ? HVT_PAGE_EXECUTE : 0),
                        .n_tables = 2 + DIRECTORIES,
        };

        table_at(&mapping, 0)[0] = table_link(1);
        for (uint64_t i = 0; i < DIRECTORIES; i++)
                table_at(&mapping, 1)[i] = table_link(2 + i);
        hvt_tables_complete(table_at(&mapping, 1));
        for (uint64_t region = 0; region < memory->size; region += LARGE_PAGE) {
                /* The directories follow one another. */
                int r = region_map(&mapping, region, table_at(&mapping, 2) + region / LARGE_PAGE, ret_error);

                if (r < 0)
                        return r;
        }

        return 0;
}

int hvt_memory_describe(const Solo5Image *image, const TenderMemory *memory, const Solo5Manifest *manifest,
                uint64_t tsc_hz, char *const *arguments, Error *ret_error)
{
        HvtLowMemory *low = (HvtLowMemory *) (void *) (memory->base + HVT_BOOT_INFO);

        low->boot_info = (HvtBootInfo){
                        .memory_size = tender_memory_end(memory),
                        .kernel_end = page_up(image->end),
                        .tsc_hz = tsc_hz,
                        .cmdline = HVT_BOOT_INFO + offsetof(HvtLowMemory, cmdline),
                        .manifest = HVT_BOOT_INFO + offsetof(HvtLowMemory, manifest),
                        .host_features = memory->ring > 0 ? HVT_FEATURE_RING : 0,
                        .net_ring = memory->ring,
        };
        low->manifest = *manifest;
        /* This process's own. */
        for (uint32_t i = 0; i < low->manifest.n_entries; i++)
                low->manifest.entries[i].fd = -1;
        return tender_cmdline_write(low->cmdline, arguments, ret_error);
}

int hvt_memory_seal(const TenderMemory *memory, Error *ret_error)
{
        if (mprotect(memory->base, SOLO5_IMAGE_MIN, PROT_READ) < 0)
                return error_set_errno(ret_error, errno, "The guest's page tables cannot be made read-only");

        return 0;
}

static bool is_within(uint64_t address, uint64_t size, uint64_t from, uint64_t to)
{
        return address >= from && address <= to && size <= to - address;
}

void *hvt_memory_at(const TenderMemory *memory, uint64_t address, uint64_t size)
{
        return is_within(address, size, SOLO5_IMAGE_MIN, memory->size) ? memory->base + address : NULL;
}

const void *hvt_memory_readable_at(const TenderMemory *memory, uint64_t address, uint64_t size)
{
        if (is_within(address, size, HVT_BOOT_INFO, HVT_BOOT_INFO + sizeof(HvtLowMemory)))
                return memory->base + address;

        return hvt_memory_at(memory, address, size);
}
