/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lays out the guest's memory and loads the image into it. No page is ever both written and executed, unless
 * an executable heap is asked for. */

#include "tender/memory.h"

#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/io.h"
#include "common/size.h"

#define STACK_MIN UINT64_C(0x10000)
#define MIB       UINT64_C(0x100000)

static void *at(const TenderMemory *memory, uint64_t address)
{
        return (void *) ((uintptr_t) memory->base + address);
}

/* The plan is mapped with a page of nothing, at least, between the two. */
_Static_assert(SPT_BOOT_INFO + sizeof(SptLowMemory) <= TENDER_PLAN_ADDRESS - SOLO5_PAGE_SIZE, "memory.h");

static uint64_t page_down(uint64_t address)
{
        return address & ~(SOLO5_PAGE_SIZE - 1);
}

static uint64_t page_up(uint64_t address)
{
        return page_down(address + SOLO5_PAGE_SIZE - 1);
}

static int memory_map(uint64_t from, uint64_t to, int protection, Error *ret_error)
{
        void *wanted = (void *) (uintptr_t) from;
        void *mapped = mmap(wanted, to - from, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                        -1, 0);
        int r = mapped == MAP_FAILED ? errno
                                     : EEXIST; /* elsewhere, by a kernel before MAP_FIXED_NOREPLACE */
        g_autofree char *size = size_format(to - from);

        if (mapped == wanted)
                return 0;
        if (r == EPERM)
                return error_set(ret_error, ERROR_FAILED,
                                "Memory at 0x%" PRIx64 ", where Solo5 has it, may not be used: set "
                                                       "vm.mmap_min_addr to 65536 or less",
                                from);
        if (r == EEXIST)
                return error_set(ret_error, ERROR_FAILED,
                                "The addresses of the guest's memory (%s from 0x%" PRIx64
                                ") are in use in this process: give it less memory",
                                size, from);

        return error_set_errno(ret_error, r, "The host does not give the guest %s of memory", size);
}

int tender_memory_make(uint64_t size, bool executable_heap, TenderMemory *ret, Error *ret_error)
{
        int heap = PROT_READ | PROT_WRITE | (executable_heap ? PROT_EXEC : 0);
        const struct {
                uint64_t from, to;
                int protection;
        } areas[] = {
                        {SPT_MEMORY_BASE, SPT_BOOT_INFO, PROT_NONE},
                        {SPT_BOOT_INFO, page_up(SPT_BOOT_INFO + sizeof(SptLowMemory)),
                                        PROT_READ | PROT_WRITE},
                        {page_up(SPT_BOOT_INFO + sizeof(SptLowMemory)), TENDER_PLAN_ADDRESS, PROT_NONE},
                        {TENDER_PLAN_ADDRESS, TENDER_PLAN_ADDRESS + TENDER_PLAN_SIZE,
                                        PROT_READ | PROT_WRITE},
                        {TENDER_PLAN_ADDRESS + TENDER_PLAN_SIZE, SOLO5_IMAGE_MIN, PROT_NONE},
                        {SOLO5_IMAGE_MIN, size, heap},
                        {size, size + TENDER_GUARD_SIZE, PROT_NONE},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(areas); i++) {
                int r = memory_map(areas[i].from, areas[i].to, areas[i].protection, ret_error);

                if (r < 0)
                        return r;
        }

        *ret = (TenderMemory){.size = size};
        return 0;
}

/* A machine's code is data to this process, and what its tables keep from it is so for them alone. */
static int segment_protection(const Solo5Segment *segment, const TenderMemory *memory)
{
        if (memory->is_machine)
                return PROT_READ | (segment->writable ? PROT_WRITE : 0);

        return (segment->readable ? PROT_READ : 0) | (segment->writable ? PROT_WRITE : 0) |
               (segment->executable ? PROT_EXEC : 0);
}

/* What is only read stays in the page cache, where all guests of an image share it. Not on a file system
 * that is mounted noexec, and not where the linker put file and memory out of step. */
static bool segment_map(int fd, const Solo5Segment *segment, const TenderMemory *memory)
{
        return !segment->writable && segment->file_size == segment->memory_size &&
               segment->address % SOLO5_PAGE_SIZE == 0 && segment->offset % SOLO5_PAGE_SIZE == 0 &&
               mmap(at(memory, segment->address), segment->memory_size, segment_protection(segment, memory),
                               MAP_PRIVATE | MAP_FIXED, fd, (off_t) segment->offset) != MAP_FAILED;
}

/* Asked of each segment, though the end of the last one has been: what is mapped elsewhere would replace
 * this program. */
static int segment_check(const Solo5Segment *segment, uint64_t size, Error *ret_error)
{
        if (segment->address >= SOLO5_IMAGE_MIN && segment->address < size &&
                        segment->memory_size <= size - segment->address)
                return 0;

        return error_set(ret_error, ERROR_INVALID_IMAGE,
                        "The image is damaged: its segment at 0x%" PRIx64 " (%" PRIu64
                        " bytes) is not within the guest's memory: build it again",
                        segment->address, segment->memory_size);
}

/* What cannot be read is no image, whatever the reason. */
static int image_read_failed(int r, Error *ret_error)
{
        r = error_set_errno(ret_error, r, "The image cannot be read");
        ret_error->code = ERROR_INVALID_IMAGE;
        return r;
}

/* The segment is within the guest's memory. */
static int segment_load(int fd, const Solo5Segment *segment, const TenderMemory *memory, Error *ret_error)
{
        uint64_t from = page_down(segment->address);
        uint64_t to = page_up(segment->address + segment->memory_size);
        ssize_t n;

        if (segment_map(fd, segment, memory))
                return 0;

        /* The page may be one of the segment before it, which has the same protection. */
        if (mprotect(at(memory, from), to - from, PROT_READ | PROT_WRITE) < 0)
                return error_set_errno(ret_error, errno, "The image cannot be loaded");
        n = pread_all(fd, at(memory, segment->address), segment->file_size, (off_t) segment->offset);
        if (n < 0)
                return image_read_failed((int) n, ret_error);
        if ((uint64_t) n != segment->file_size)
                return error_set(ret_error, ERROR_INVALID_IMAGE,
                                "The image became shorter while it was loaded: start it again");

        if (segment->executable)
                __builtin___clear_cache(at(memory, from), at(memory, to));
        if (mprotect(at(memory, from), to - from, segment_protection(segment, memory)) < 0)
                return error_set_errno(ret_error, errno,
                                "The image cannot be made executable: its code does not begin at a page of "
                                "the file, or is on a file system that is mounted noexec, so it has to be "
                                "copied, which MemoryDenyWriteExecute=yes forbids. Link it with -z "
                                "max-page-size=4096, as Solo5 does");

        return 0;
}

int tender_memory_load(int fd, const Solo5Image *image, const TenderMemory *memory, Error *ret_error)
{
        uint64_t size = tender_memory_end(memory);

        /* No sum with the image's end before it is known to be small: it could wrap, and seem to fit. */
        if (image->end > size - STACK_MIN || page_up(image->end) > size - STACK_MIN) {
                uint64_t needed = page_up(MIN(image->end, UINT64_MAX - 2 * MIB)) + STACK_MIN;
                g_autofree char *has = size_format_exact(size);
                g_autofree char *needs = size_format_exact((needed + MIB - 1) & ~(MIB - 1));

                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "The image needs at least %s of memory, and is given %s: raise --memory=",
                                needs, has);
        }

        for (unsigned i = 0; i < image->n_segments; i++) {
                int r = segment_check(&image->segments[i], size, ret_error);

                if (r < 0)
                        return r;
                r = segment_load(fd, &image->segments[i], memory, ret_error);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* As Solo5's own tender: one after the other, with a space between. */
int tender_cmdline_write(char cmdline[static SOLO5_CMDLINE_SIZE], char *const *arguments, Error *ret_error)
{
        size_t used = 0;

        for (; *arguments; arguments++) {
                size_t n = strlen(*arguments), space = used > 0 ? 1 : 0;

                if (space + n + sizeof "" > SOLO5_CMDLINE_SIZE - used)
                        return error_set(ret_error, ERROR_INVALID_ARGS,
                                        "The guest's arguments are longer than the %d characters that Solo5 "
                                        "takes: shorten them",
                                        SOLO5_CMDLINE_SIZE - 1);
                if (space > 0)
                        cmdline[used++] = ' ';
                memcpy(cmdline + used, *arguments, n);
                used += n;
        }

        cmdline[used] = '\0';
        return 0;
}

int tender_memory_describe(const Solo5Image *image, uint64_t size, const Solo5Manifest *manifest,
                int epoll_fd, int timer_fd, char *const *arguments, Error *ret_error)
{
        SptLowMemory *low = (SptLowMemory *) (uintptr_t) SPT_BOOT_INFO;

        low->boot_info = (SptBootInfo){
                        .memory_size = size,
                        .kernel_end = page_up(image->end),
                        .cmdline = SPT_BOOT_INFO + offsetof(SptLowMemory, cmdline),
                        .manifest = SPT_BOOT_INFO + offsetof(SptLowMemory, manifest),
                        .epoll_fd = epoll_fd,
                        .timer_fd = timer_fd,
        };
        low->manifest = *manifest;
        return tender_cmdline_write(low->cmdline, arguments, ret_error);
}
