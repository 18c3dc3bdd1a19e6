/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prepares the last steps, and takes them. */

#include "tender/launch.h"

#include <glib.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tender/confine.h"
#include "tender/exit-status.h"
#include "tender/filter.h"
#include "tender/launch-plan.h"
#include "tender/layers.h"
#include "tender/memory.h"

#define VDSO_MARGIN UINT64_C(0x10000) /* the pages of its data before it, and itself behind */

#define NO_FILTER                                                                                           \
        "shruthi-tender: The kernel refused the filter of system calls, so the guest was not started\n"
#define NO_UNMAP                                                                                            \
        "shruthi-tender: The kernel does not take away memory that is not the guest's, so the guest was "   \
        "not started\n"

#ifdef __x86_64__
#define STACK_OFFSET 8 /* as after a call, psABI 3.2.2 */
#else
#define STACK_OFFSET 16
#endif

typedef struct LaunchRefusal {
        uint64_t sentence;
        uint64_t length;
        uint64_t status;
} LaunchRefusal;

typedef struct LaunchPlan {
        struct {
                uint64_t address, size;
        } unmap[3];
        uint64_t filter;
        uint64_t entry;
        uint64_t stack;
        uint64_t info;
        LaunchRefusal no_filter;
        LaunchRefusal no_unmap;
        struct sock_fprog program;
        char no_filter_text[sizeof(NO_FILTER)];
        char no_unmap_text[sizeof(NO_UNMAP)];
        struct sock_filter instructions[TENDER_FILTER_MAX];
} LaunchPlan;

_Static_assert(offsetof(LaunchPlan, unmap[0]) == PLAN_ALL, "launch-plan.h");
_Static_assert(offsetof(LaunchPlan, unmap[1]) == PLAN_BELOW_VDSO, "launch-plan.h");
_Static_assert(offsetof(LaunchPlan, unmap[2]) == PLAN_ABOVE_VDSO, "launch-plan.h");
_Static_assert(offsetof(LaunchPlan, filter) == PLAN_FILTER, "launch-plan.h");
_Static_assert(offsetof(LaunchPlan, entry) == PLAN_ENTRY, "launch-plan.h");
_Static_assert(offsetof(LaunchPlan, stack) == PLAN_STACK, "launch-plan.h");
_Static_assert(offsetof(LaunchPlan, info) == PLAN_INFO, "launch-plan.h");
_Static_assert(offsetof(LaunchPlan, no_filter) == PLAN_NO_FILTER, "launch-plan.h");
_Static_assert(offsetof(LaunchPlan, no_unmap) == PLAN_NO_UNMAP, "launch-plan.h");
_Static_assert(offsetof(LaunchRefusal, sentence) == REFUSAL_SENTENCE, "launch-plan.h");
_Static_assert(offsetof(LaunchRefusal, length) == REFUSAL_LENGTH, "launch-plan.h");
_Static_assert(offsetof(LaunchRefusal, status) == REFUSAL_STATUS, "launch-plan.h");
_Static_assert(sizeof(LaunchPlan) <= TENDER_PLAN_SIZE, "memory.h");

extern char tender_launch_page[]; /* launch-*.S */

/* x86's kernels do not give the last page of the addresses to anybody. */
#ifdef __x86_64__
#define LAST_PAGE SOLO5_PAGE_SIZE
#else
#define LAST_PAGE 0
#endif

/* Where the addresses of this process end: behind the highest page that the kernel lets be mapped. */
static uint64_t addresses_end(void)
{
        static const unsigned bits[] = {56, 52, 48, 47, 42, 39, 36};

        for (size_t i = 0; i < G_N_ELEMENTS(bits); i++) {
                uint64_t end = (UINT64_C(1) << bits[i]) - LAST_PAGE;
                void *page = (void *) (uintptr_t) (end - SOLO5_PAGE_SIZE);
                void *mapped = mmap(page, SOLO5_PAGE_SIZE, PROT_NONE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

                if (mapped != MAP_FAILED)
                        (void) munmap(mapped, SOLO5_PAGE_SIZE);
                if (mapped == page || (mapped == MAP_FAILED && errno == EEXIST))
                        return end;
        }

        return 0;
}

static char *thread_pointer(void)
{
        char *pointer;

#ifdef __x86_64__
        __asm__("movq %%fs:0, %0" : "=r"(pointer));
#else
        __asm__("mrs %0, tpidr_el0" : "=r"(pointer));
#endif
        return pointer;
}

/* The C library has the kernel write into its memory for restartable sequences (rseq(2)). It must stop
 * before that memory goes, or the kernel ends the process. The size must be the one that the C library has
 * said, which it does not tell: 32 bytes at first, more in multiples of that. */
static int rseq_end(Error *ret_error)
{
        enum { UNIT = 32, UNITS = 32 };
        char *area = thread_pointer() + __rseq_offset;

        if (__rseq_size == 0)
                return 0;
        for (unsigned i = 1; i <= UNITS; i++)
                if (syscall(SYS_rseq, area, i * UNIT, RSEQ_FLAG_UNREGISTER, RSEQ_SIG) >= 0)
                        return 0;

        return error_set_errno(ret_error, errno,
                        "The C library's restartable sequences cannot be ended: set "
                        "GLIBC_TUNABLES=glibc.pthread.rseq=0");
}

static int plan_unmap(LaunchPlan *plan, uint64_t memory_size, Error *ret_error)
{
        uint64_t start = memory_size + TENDER_GUARD_SIZE, end = addresses_end();
        uint64_t vdso = getauxval(AT_SYSINFO_EHDR);
        int r;

        if (!tender_layer_is_on(LAYER_UNMAP))
                return 0;
        if (end <= start)
                return error_set(ret_error, ERROR_FAILED,
                                "The end of this process's addresses cannot be found");
        r = rseq_end(ret_error);
        if (r < 0)
                return r;

        plan->unmap[0].address = start;
        plan->unmap[0].size = end - start;
        /* Without pages of the kernel's own there is no other way: the second attempt fails as the first. */
        plan->unmap[1] = plan->unmap[0];
        if (vdso < start + VDSO_MARGIN || vdso > end - 2 * VDSO_MARGIN)
                return 0;
        vdso &= ~(SOLO5_PAGE_SIZE - 1);
        plan->unmap[1].size = vdso - VDSO_MARGIN - start;
        plan->unmap[2].address = vdso + VDSO_MARGIN;
        plan->unmap[2].size = end - vdso - VDSO_MARGIN;
        return 0;
}

static void plan_filter(LaunchPlan *plan, const Solo5Manifest *manifest, int epoll_fd, int timer_fd)
{
        if (!tender_layer_is_on(LAYER_FILTER))
                return;

        plan->program.len = (unsigned short) tender_filter(manifest, epoll_fd, timer_fd, plan->instructions);
        plan->program.filter = plan->instructions;
        plan->filter = (uintptr_t) &plan->program;
}

static void plan_refusals(LaunchPlan *plan)
{
        memcpy(plan->no_filter_text, NO_FILTER, sizeof(NO_FILTER));
        memcpy(plan->no_unmap_text, NO_UNMAP, sizeof(NO_UNMAP));
        plan->no_filter = (LaunchRefusal){
                        (uintptr_t) plan->no_filter_text, strlen(NO_FILTER), TENDER_EXIT_FILTER};
        plan->no_unmap =
                        (LaunchRefusal){(uintptr_t) plan->no_unmap_text, strlen(NO_UNMAP), TENDER_EXIT_HOST};
}

_Noreturn static void launch_jump(const void *page, const LaunchPlan *plan)
{
#ifdef __x86_64__
        __asm__ volatile("jmp *%0" ::"r"(page), "D"(plan) : "memory");
#else
        register const LaunchPlan *x0 __asm__("x0") = plan;

        __asm__ volatile("br %0" ::"r"(page), "r"(x0) : "memory");
#endif
        __builtin_unreachable();
}

int tender_launch(const Solo5Image *image, uint64_t memory_size, const Solo5Manifest *manifest, int epoll_fd,
                int timer_fd, Error *ret_error)
{
        LaunchPlan *plan = (LaunchPlan *) (uintptr_t) TENDER_PLAN_ADDRESS;
        void *page = (void *) (uintptr_t) SPT_MEMORY_BASE;
        int r;

        r = tender_filter_check(ret_error);
        if (r < 0)
                return r;

        plan->entry = image->entry;
        plan->stack = memory_size - STACK_OFFSET;
        plan->info = SPT_BOOT_INFO;
        plan_refusals(plan);
        plan_filter(plan, manifest, epoll_fd, timer_fd);
        r = plan_unmap(plan, memory_size, ret_error);
        if (r < 0)
                return r;

        /* It stays executable, and was never writable. */
        if (mremap(tender_launch_page, SOLO5_PAGE_SIZE, SOLO5_PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
                            page) != page ||
                        mprotect(plan, TENDER_PLAN_SIZE, PROT_READ) < 0)
                return error_set_errno(ret_error, errno, "The guest's memory cannot be prepared");
        r = tender_confine_memory(ret_error);
        if (r < 0)
                return r;

        if (tender_layer_is_on(LAYER_DESCRIPTORS))
                (void) close(STDERR_FILENO);
        launch_jump(page, plan);
}
