/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The filter of system calls: the table of system-calls.list as a program for the kernel. Called by main()
 * of shruthi-run and shruthi-switch. */

#include "common/system-calls.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/filter-program.h"

/* Debian 12's headers end with futex_waitv(). Since then a number is the same on all architectures. */
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif
#ifdef __ARM_NR_set_tls
#define __NR_set_tls    __ARM_NR_set_tls
#define __NR_cacheflush __ARM_NR_cacheflush
#endif

/* s390x has the flags second. */
#ifdef __s390x__
#define CLONE_FLAGS_ARGUMENT 1
#else
#define CLONE_FLAGS_ARGUMENT 0
#endif

/* These two have an mmap() with its arguments in memory, where no filter can look. Nothing for i386 uses
 * that: it has mmap2(). */
#ifdef __s390x__
#define RULE_MMAP RULE_ALLOW
#elif defined(__i386__)
#define RULE_MMAP RULE_REFUSE
#else
#define RULE_MMAP RULE_WRITABLE_CODE
#endif

/* x32 has the numbers of x86-64 with this bit set, and counts as the same architecture. */
#define X32_BIT 0x40000000U

/* From here on (clone3) calls that are not in the table fail with ENOSYS, since a program that knows such a
 * call also knows an older one that does the same: above all clone3(), whose flags are in memory where no
 * filter can look, and openat2(), whose mode is there too. Older calls are refused. */
#define FIRST_YOUNG_CALL 435U

#define CLONE_NAMESPACES                                                                                    \
        (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |       \
                        CLONE_NEWNET)
#define MODE_SUID_SGID (S_ISUID | S_ISGID)
#define OPEN_MAKES     (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))

#define ANSWER_REFUSED (SECCOMP_RET_ERRNO | EPERM)
#define ANSWER_UNKNOWN (SECCOMP_RET_ERRNO | ENOSYS)
#define ANSWER_FAMILY  (SECCOMP_RET_ERRNO | EAFNOSUPPORT)

typedef enum Rule {
        RULE_REFUSE,
        RULE_UNKNOWN,
        RULE_ALLOW,
        RULE_FAMILY,        /* only AF_UNIX */
        RULE_NAMESPACES,    /* no new ones */
        RULE_WRITABLE_CODE, /* memory may be written or executed, not both */
        RULE_CODE,          /* memory that was written does not become executable */
        RULE_MODE,          /* no set-user-ID or set-group-ID */
        RULE_OPEN,          /* the same, in the argument after the flags, if a file is created */
} Rule;

typedef struct Row {
        uint32_t number;
        unsigned argument;
        Rule rule;
} Row;

/* All numbers from this one up to the next range's have the same rule. */
typedef struct Range {
        uint32_t from;
        unsigned argument;
        Rule rule;
} Range;

static const Row rows[] = {
#include "system-calls-rows.h"
};

/* Between two rows there may be a range, and before the first young call, and at the end. */
#define RANGES_MAX (2 * (G_N_ELEMENTS(rows) + 1) + 3)

static void program_mode(FilterProgram *program, unsigned argument)
{
        filter_program_load(program, ARGUMENT_LOW(argument));
        filter_program_expect_none(program, MODE_SUID_SGID, ANSWER_REFUSED);
}

static void program_rule(FilterProgram *program, Rule rule, unsigned argument)
{
        switch (rule) {
        case RULE_REFUSE:
                filter_program_answer(program, ANSWER_REFUSED);
                return;
        case RULE_UNKNOWN:
                filter_program_answer(program, ANSWER_UNKNOWN);
                return;
        case RULE_ALLOW:
                break;
        case RULE_FAMILY:
                filter_program_load(program, ARGUMENT_LOW(argument));
                filter_program_expect(program, BPF_JEQ, AF_UNIX, ANSWER_FAMILY);
                break;
        case RULE_NAMESPACES:
                filter_program_load(program, ARGUMENT_LOW(CLONE_FLAGS_ARGUMENT));
                filter_program_expect_none(program, CLONE_NAMESPACES, ANSWER_REFUSED);
                break;
        case RULE_WRITABLE_CODE:
                filter_program_load(program, ARGUMENT_LOW(argument));
                filter_program_add(program, (struct sock_filter) BPF_STMT(BPF_ALU | BPF_AND | BPF_K,
                                                            PROT_WRITE | PROT_EXEC));
                filter_program_add(program, (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                                            PROT_WRITE | PROT_EXEC, 0, 1));
                filter_program_answer(program, ANSWER_REFUSED);
                break;
        case RULE_CODE:
                filter_program_load(program, ARGUMENT_LOW(argument));
                filter_program_expect_none(program, PROT_EXEC, ANSWER_REFUSED);
                break;
        case RULE_OPEN:
                filter_program_load(program, ARGUMENT_LOW(argument));
                filter_program_add(program,
                                (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, OPEN_MAKES, 1, 0));
                filter_program_answer(program, SECCOMP_RET_ALLOW);
                program_mode(program, argument + 1);
                break;
        case RULE_MODE:
                program_mode(program, argument);
                break;
        }

        filter_program_answer(program, SECCOMP_RET_ALLOW);
}

/* The number is in the accumulator: finds its range by halves, the lower one first. A conditional jump
 * reaches 255 instructions far, a plain one everywhere. */
static void program_search(FilterProgram *program, const Range *ranges, size_t n)
{
        size_t half = n / 2, over;

        if (n == 1) {
                program_rule(program, ranges->rule, ranges->argument);
                return;
        }

        filter_program_add(program,
                        (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, ranges[half].from, 0, 1));
        over = program->size;
        filter_program_add(program, (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JA, 0, 0, 0));
        program_search(program, ranges, half);
        program->instructions[over].k = (uint32_t) (program->size - over - 1);
        program_search(program, ranges + half, n - half);
}

static int compare_rows(const void *a, const void *b)
{
        const Row *left = a, *right = b;

        return left->number < right->number ? -1 : left->number > right->number;
}

static void range_add(Range *ranges, size_t *n, Range range)
{
        if (*n > 0 && ranges[*n - 1].rule == range.rule && ranges[*n - 1].argument == range.argument)
                return;
        ranges[(*n)++] = range;
}

/* All numbers, as ranges that have one rule each. */
static size_t find_ranges(bool with_scheduler, Range ret_ranges[static RANGES_MAX])
{
        Row sorted[G_N_ELEMENTS(rows) + 2];
        size_t n_sorted = G_N_ELEMENTS(rows), n = 0;
        uint32_t next = 0;

        memcpy(sorted, rows, sizeof rows);
        if (with_scheduler)
                sorted[n_sorted++] = (Row){.number = __NR_sched_setscheduler, .rule = RULE_ALLOW};
        sorted[n_sorted++] = (Row){.number = UINT32_MAX, .rule = RULE_UNKNOWN};
        qsort(sorted, n_sorted, sizeof *sorted, compare_rows);

        for (size_t i = 0; i < n_sorted; i++) {
                const Row *row = &sorted[i];

                if (row->number > next && next < FIRST_YOUNG_CALL)
                        range_add(ret_ranges, &n, (Range){next, 0, RULE_REFUSE});
                if (row->number > MAX(next, FIRST_YOUNG_CALL))
                        range_add(ret_ranges, &n, (Range){MAX(next, FIRST_YOUNG_CALL), 0, RULE_UNKNOWN});
                range_add(ret_ranges, &n, (Range){row->number, row->argument, row->rule});
                next = row->number + 1;
        }

        return n;
}

size_t system_calls_program(
                bool with_scheduler, struct sock_filter ret_program[static SYSTEM_CALLS_PROGRAM_MAX])
{
        FilterProgram program = {.instructions = ret_program, .max = SYSTEM_CALLS_PROGRAM_MAX};
        Range ranges[RANGES_MAX];
        size_t n = find_ranges(with_scheduler, ranges);

        filter_program_load(&program, offsetof(struct seccomp_data, arch));
        filter_program_expect(&program, BPF_JEQ, OUR_ARCHITECTURE, SECCOMP_RET_KILL_PROCESS);
        filter_program_load(&program, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
        filter_program_expect_none(&program, X32_BIT, SECCOMP_RET_KILL_PROCESS);
#endif
        program_search(&program, ranges, n);
        return program.size;
}

/* If no program is passed, a kernel that knows filters complains about the pointer. */
static bool kernel_has_filters(void)
{
        return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) >= 0 || errno == EFAULT;
}

int system_calls_restrict(bool with_scheduler)
{
        struct sock_filter instructions[SYSTEM_CALLS_PROGRAM_MAX];
        struct sock_fprog program = {.filter = instructions};
        long r;

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
        if (!kernel_has_filters())
                return 0;

        program.len = (unsigned short) system_calls_program(with_scheduler, instructions);
        r = syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
        if (r < 0)
                return -errno;
        /* A positive result is a thread that could not be made to follow. */
        return r > 0 ? -EBUSY : 1;
}
