/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The calls that Solo5's bindings make on the target spt (its bindings/spt/sys_linux_*.c), each for the
 * descriptors and the values that they make it with. All else kills the process, by a signal that no guest
 * can handle. A call's number is compared as a whole, so that those of x32 are none of ours. */

#include "tender/filter.h"

#include <linux/kvm.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/filter-program.h"

#define ARCH_SET_FS 0x1002 /* asm/prctl.h */

/* To say where a guest's processor was. */
#ifdef __aarch64__
#define LOOK KVM_GET_ONE_REG
#else
#define LOOK KVM_GET_REGS
#endif

#define KILL SECCOMP_RET_KILL_PROCESS

static void filter_expect_argument(FilterProgram *program, unsigned argument, uint64_t value)
{
        filter_program_load(program, ARGUMENT_HIGH(argument));
        filter_program_expect(program, BPF_JEQ, (uint32_t) (value >> 32), KILL);
        filter_program_load(program, ARGUMENT_LOW(argument));
        filter_program_expect(program, BPF_JEQ, (uint32_t) value, KILL);
}

/* Allows the call if the argument in the accumulator is that. */
static void filter_allow_if(FilterProgram *program, uint32_t value)
{
        filter_program_add(program, (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
        filter_program_answer(program, SECCOMP_RET_ALLOW);
}

/* What follows is for the call of that number alone, up to filter_end(). Returns what that is given. */
static size_t filter_begin(FilterProgram *program, long number)
{
        size_t over;

        filter_program_add(program,
                        (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t) number, 1, 0));
        over = program->size;
        filter_program_add(program, (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JA, 0, 0, 0));
        return over;
}

static void filter_end(FilterProgram *program, size_t over, uint32_t answer)
{
        filter_program_answer(program, answer);
        program->instructions[over].k = (uint32_t) (program->size - over - 1);
}

/* read() and write() of networks, and of another descriptor, if it is not negative. */
static void filter_stream(FilterProgram *program, long number, const Solo5Manifest *manifest, int other)
{
        size_t over = filter_begin(program, number);

        filter_program_load(program, ARGUMENT_HIGH(0));
        filter_program_expect(program, BPF_JEQ, 0, KILL);
        filter_program_load(program, ARGUMENT_LOW(0));
        if (other >= 0)
                filter_allow_if(program, (uint32_t) other);
        for (uint32_t i = 0; i < manifest->n_entries; i++)
                if (manifest->entries[i].type == SOLO5_ENTRY_NETWORK)
                        filter_allow_if(program, (uint32_t) manifest->entries[i].fd);
        filter_end(program, over, KILL);
}

/* Whole blocks within the capacity, or a guest could make a file longer. */
static void filter_block(FilterProgram *program, long number, const Solo5Manifest *manifest)
{
        size_t over = filter_begin(program, number);

        filter_program_load(program, ARGUMENT_HIGH(0));
        filter_program_expect(program, BPF_JEQ, 0, KILL);
        for (uint32_t i = 0; i < manifest->n_entries; i++) {
                const Solo5ManifestEntry *entry = &manifest->entries[i];
                uint64_t last;
                size_t next;

                if (entry->type != SOLO5_ENTRY_BLOCK)
                        continue;

                last = entry->block.capacity - entry->block.block_size;
                filter_program_load(program, ARGUMENT_LOW(0));
                next = filter_begin(program, entry->fd);
                filter_expect_argument(program, 2, entry->block.block_size);
                filter_program_load(program, ARGUMENT_HIGH(3));
                filter_program_add(program, (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K,
                                                            (uint32_t) (last >> 32), 1, 0));
                filter_program_answer(program, SECCOMP_RET_ALLOW); /* the upper half is less */
                filter_program_expect(program, BPF_JEQ, (uint32_t) (last >> 32), KILL);
                filter_program_load(program, ARGUMENT_LOW(3));
                filter_program_add(program, (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K,
                                                            (uint32_t) last, 1, 0));
                filter_program_answer(program, SECCOMP_RET_ALLOW);
                filter_end(program, next, KILL);
        }
        filter_end(program, over, KILL);
}

static void filter_clock(FilterProgram *program)
{
        size_t over = filter_begin(program, SYS_clock_gettime);

        filter_program_load(program, ARGUMENT_HIGH(0));
        filter_program_expect(program, BPF_JEQ, 0, KILL);
        filter_program_load(program, ARGUMENT_LOW(0));
        filter_allow_if(program, CLOCK_REALTIME);
        filter_allow_if(program, CLOCK_MONOTONIC);
        filter_end(program, over, KILL);
}

static void filter_wait(FilterProgram *program, int epoll_fd, int timer_fd)
{
        size_t over = filter_begin(program, SYS_epoll_pwait);

        /* Without a mask of signals: nothing is blocked meanwhile. */
        filter_expect_argument(program, 4, 0);
        filter_expect_argument(program, 0, (uint32_t) epoll_fd);
        filter_end(program, over, SECCOMP_RET_ALLOW);

        over = filter_begin(program, SYS_timerfd_settime);
        filter_expect_argument(program, 0, (uint32_t) timer_fd);
        filter_end(program, over, SECCOMP_RET_ALLOW);
}

/* What both kinds of guests need. Each program ends with KILL for all else. */
static void filter_common(FilterProgram *program, const Solo5Manifest *manifest, int epoll_fd, int timer_fd,
                int kick_fd)
{
        filter_program_load(program, offsetof(struct seccomp_data, arch));
        filter_program_expect(program, BPF_JEQ, OUR_ARCHITECTURE, KILL);
        filter_program_load(program, offsetof(struct seccomp_data, nr));

        filter_stream(program, SYS_write, manifest, STDOUT_FILENO);
        filter_stream(program, SYS_read, manifest, kick_fd);
        filter_wait(program, epoll_fd, timer_fd);
        filter_clock(program);
        filter_block(program, SYS_pread64, manifest);
        filter_block(program, SYS_pwrite64, manifest);
        filter_end(program, filter_begin(program, SYS_exit_group), SECCOMP_RET_ALLOW);
}

size_t tender_filter(const Solo5Manifest *manifest, int epoll_fd, int timer_fd,
                struct sock_filter ret_program[static TENDER_FILTER_MAX])
{
        FilterProgram program = {.instructions = ret_program, .max = TENDER_FILTER_MAX};

        filter_common(&program, manifest, epoll_fd, timer_fd, -1);
#ifdef __x86_64__
        /* Elsewhere the base of thread-local storage is a register of the guest's own. */
        size_t over = filter_begin(&program, SYS_arch_prctl);

        filter_expect_argument(&program, 0, ARCH_SET_FS);
        filter_end(&program, over, SECCOMP_RET_ALLOW);
#endif
        filter_program_answer(&program, KILL);
        return program.size;
}

size_t tender_filter_machine(const Solo5Manifest *manifest, int processor_fd, int epoll_fd, int timer_fd,
                int kick_fd, struct sock_filter ret_program[static TENDER_FILTER_MAX])
{
        FilterProgram program = {.instructions = ret_program, .max = TENDER_FILTER_MAX};
        size_t over;

        filter_common(&program, manifest, epoll_fd, timer_fd, kick_fd);
        over = filter_begin(&program, SYS_ioctl);
        filter_expect_argument(&program, 0, (uint32_t) processor_fd);
        filter_program_load(&program, ARGUMENT_HIGH(1));
        filter_program_expect(&program, BPF_JEQ, 0, KILL);
        filter_program_load(&program, ARGUMENT_LOW(1));
        filter_allow_if(&program, (uint32_t) KVM_RUN);
        filter_allow_if(&program, (uint32_t) LOOK);
        filter_end(&program, over, KILL);

        filter_program_answer(&program, KILL);
        return program.size;
}
