/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The filter as a program: with as many devices as an image can have it still fits into the kernel, and each
 * device has its own bounds. */

#include "tender/filter.h"

#include <glib.h>
#include <linux/kvm.h>
#include <sys/syscall.h>

#include "common/filter-program.h"

#ifdef __aarch64__
#define LOOK  KVM_GET_ONE_REG
#define TOUCH KVM_SET_ONE_REG
#else
#define LOOK  KVM_GET_REGS
#define TOUCH KVM_SET_REGS
#endif

enum {
        EPOLL = 100,
        TIMER = 101,
        PROCESSOR = 102,
        KICK = 103,
        DEVICE = 200, /* descriptors of devices: 200 + entry */
};

static uint32_t run(const struct sock_filter *program, size_t size, const struct seccomp_data *data)
{
        uint32_t a = 0;

        for (size_t i = 0; i < size; i++) {
                const struct sock_filter *s = &program[i];

                switch (s->code) {
                case BPF_LD | BPF_W | BPF_ABS:
                        g_assert_cmpuint(s->k + sizeof a, <=, sizeof *data);
                        memcpy(&a, (const char *) data + s->k, sizeof a);
                        break;
                case BPF_JMP | BPF_JA:
                        i += s->k;
                        break;
                case BPF_JMP | BPF_JEQ | BPF_K:
                        i += a == s->k ? s->jt : s->jf;
                        break;
                case BPF_JMP | BPF_JGE | BPF_K:
                        i += a >= s->k ? s->jt : s->jf;
                        break;
                case BPF_JMP | BPF_JGT | BPF_K:
                        i += a > s->k ? s->jt : s->jf;
                        break;
                case BPF_RET | BPF_K:
                        return s->k;
                default:
                        g_error("an instruction that was not expected: %#x", s->code);
                }
        }

        g_error("the program has no end");
}

static bool allows(const Solo5Manifest *manifest, struct seccomp_data data)
{
        struct sock_filter program[TENDER_FILTER_MAX];
        size_t size = tender_filter(manifest, EPOLL, TIMER, program);
        uint32_t answer;

        if (data.arch == 0)
                data.arch = OUR_ARCHITECTURE;
        answer = run(program, size, &data);
        g_assert_true(answer == SECCOMP_RET_ALLOW || answer == SECCOMP_RET_KILL_PROCESS);
        return answer == SECCOMP_RET_ALLOW;
}

#define CALL(number, ...) ((struct seccomp_data){.nr = (int) (number), .args = {__VA_ARGS__}})

/* Networks and block devices in turn, each block device larger than the one before: they end around 4 GiB.
 */
static Solo5Manifest manifest_of(uint32_t n_devices)
{
        Solo5Manifest manifest = {.version = 1, .n_entries = n_devices + 1};

        manifest.entries[0].type = SOLO5_ENTRY_RESERVED_FIRST;
        for (uint32_t i = 1; i <= n_devices; i++) {
                manifest.entries[i].fd = (int32_t) (DEVICE + i);
                manifest.entries[i].type = i % 2 == 1 ? SOLO5_ENTRY_BLOCK : SOLO5_ENTRY_NETWORK;
                if (i % 2 == 1) {
                        manifest.entries[i].block.block_size = i % 4 == 1 ? 512 : 4096;
                        manifest.entries[i].block.capacity = UINT64_C(0x100000000) + 4096 * (i - 17) / 2;
                }
        }

        return manifest;
}

static void test_devices(void)
{
        Solo5Manifest manifest = manifest_of(MANIFEST_DEVICES_MAX);

        for (uint32_t i = 1; i < manifest.n_entries; i++) {
                const Solo5ManifestEntry *entry = &manifest.entries[i];
                bool block = entry->type == SOLO5_ENTRY_BLOCK;
                uint64_t fd = (uint64_t) entry->fd, size = block ? entry->block.block_size : 512;
                uint64_t last = block ? entry->block.capacity - size : 0;

                g_assert_true(allows(&manifest, CALL(SYS_read, fd, 1, 2)) == !block);
                g_assert_true(allows(&manifest, CALL(SYS_write, fd, 1, 2)) == !block);
                g_assert_true(allows(&manifest, CALL(SYS_pread64, fd, 1, size, 0)) == block);
                g_assert_true(allows(&manifest, CALL(SYS_pread64, fd, 1, size, last)) == block);
                g_assert_true(allows(&manifest, CALL(SYS_pwrite64, fd, 1, size, last)) == block);
                g_assert_false(allows(&manifest, CALL(SYS_pwrite64, fd, 1, size, last + 1)));
                g_assert_false(allows(&manifest, CALL(SYS_pread64, fd, 1, size, last + UINT32_MAX)));
                g_assert_false(allows(&manifest, CALL(SYS_pwrite64, fd, 1, size, UINT64_MAX)));
                g_assert_false(allows(&manifest, CALL(SYS_pwrite64, fd, 1, size, UINT64_C(2) << 32)));
                g_assert_false(allows(&manifest, CALL(SYS_pwrite64, fd, 1, size * 2, 0)));
                g_assert_false(allows(&manifest, CALL(SYS_pwrite64, fd, 1, size + (UINT64_C(1) << 32), 0)));
                g_assert_false(allows(&manifest, CALL(SYS_pread64, fd + (UINT64_C(1) << 32), 1, size, 0)));
                g_assert_false(allows(&manifest, CALL(SYS_epoll_pwait, fd)));
        }
        g_assert_false(allows(&manifest, CALL(SYS_read, DEVICE, 1, 2)));
        g_assert_false(allows(&manifest, CALL(SYS_pread64, DEVICE, 1, 512, 0)));
}

static void test_capacities(void)
{
        static const uint64_t capacities[] = {512, UINT64_C(0xffffffff) & ~UINT64_C(511), UINT64_C(1) << 32,
                        (UINT64_C(1) << 32) + 512, (UINT64_C(3) << 32) + 1024};

        for (size_t i = 0; i < G_N_ELEMENTS(capacities); i++) {
                Solo5Manifest manifest = manifest_of(1);
                uint64_t last = capacities[i] - 512;
                const uint64_t offsets[] = {0, 1, 511, 512, last, last + 1, last + 512, UINT64_C(0xffffffff),
                                UINT64_C(1) << 32, (UINT64_C(1) << 32) + 1, UINT64_C(2) << 32,
                                UINT64_C(3) << 32, (UINT64_C(3) << 32) + 513, UINT64_C(1) << 63};

                manifest.entries[1].block.capacity = capacities[i];
                for (size_t j = 0; j < G_N_ELEMENTS(offsets); j++)
                        g_assert_true(allows(&manifest,
                                                      CALL(SYS_pwrite64, DEVICE + 1, 1, 512, offsets[j])) ==
                                        (offsets[j] <= last));
        }
}

static void test_without_devices(void)
{
        Solo5Manifest manifest = manifest_of(0);

        g_assert_true(allows(&manifest, CALL(SYS_write, 1)));
        g_assert_false(allows(&manifest, CALL(SYS_write, 2)));
        g_assert_false(allows(&manifest, CALL(SYS_read, 0)));
        g_assert_false(allows(&manifest, CALL(SYS_read, 1)));
        g_assert_false(allows(&manifest, CALL(SYS_pread64, 0)));
        g_assert_true(allows(&manifest, CALL(SYS_epoll_pwait, EPOLL, 1, 2, 3, 0, 8)));
        g_assert_false(allows(&manifest, CALL(SYS_epoll_pwait, EPOLL, 1, 2, 3, 1, 8)));
        g_assert_false(allows(&manifest, CALL(SYS_epoll_pwait, TIMER)));
        g_assert_true(allows(&manifest, CALL(SYS_timerfd_settime, TIMER)));
        g_assert_false(allows(&manifest, CALL(SYS_timerfd_settime, EPOLL)));
        g_assert_true(allows(&manifest, CALL(SYS_exit_group, 3)));
        for (uint64_t clock = 0; clock < 16; clock++)
                g_assert_true(allows(&manifest, CALL(SYS_clock_gettime, clock)) == (clock < 2));
}

/* Whatever else there is, and what there may come to be. */
static void test_other_calls(void)
{
        static const long ours[] = {
                        SYS_read,
                        SYS_write,
                        SYS_pread64,
                        SYS_pwrite64,
                        SYS_epoll_pwait,
                        SYS_timerfd_settime,
                        SYS_clock_gettime,
                        SYS_exit_group,
#ifdef __x86_64__
                        SYS_arch_prctl,
#endif
        };
        Solo5Manifest manifest = manifest_of(4);

        for (int number = -2; number < 2048; number++) {
                bool is_ours = false;

                for (size_t i = 0; i < G_N_ELEMENTS(ours); i++)
                        is_ours |= ours[i] == number;
                if (!is_ours)
                        g_assert_false(allows(&manifest, CALL(number, EPOLL)));
                g_assert_false(allows(&manifest, CALL(number | 0x40000000, 1)));
                g_assert_false(allows(&manifest,
                                (struct seccomp_data){.nr = number, .arch = AUDIT_ARCH_I386, .args = {1}}));
        }
}

/* This program itself, while it runs a machine: its processor besides, and the same devices. */
static void test_machine(void)
{
        Solo5Manifest manifest = manifest_of(2);
        struct sock_filter program[TENDER_FILTER_MAX];
        size_t size = tender_filter_machine(&manifest, PROCESSOR, EPOLL, TIMER, KICK, program);
        const struct {
                struct seccomp_data data;
                bool allowed;
        } cases[] = {
                        {CALL(SYS_ioctl, PROCESSOR, KVM_RUN), true},
                        {CALL(SYS_ioctl, PROCESSOR, LOOK), true},
                        {CALL(SYS_ioctl, PROCESSOR, TOUCH), false},
                        {CALL(SYS_ioctl, PROCESSOR, KVM_RUN | UINT64_C(1) << 32), false},
                        {CALL(SYS_ioctl, PROCESSOR + 1, KVM_RUN), false},
                        {CALL(SYS_ioctl, EPOLL, KVM_RUN), false},
                        {CALL(SYS_write, 1), true},
                        {CALL(SYS_write, DEVICE + 2), true},
                        {CALL(SYS_write, PROCESSOR), false},
                        {CALL(SYS_read, DEVICE + 2), true},
                        {CALL(SYS_read, KICK), true},
                        {CALL(SYS_write, KICK), false},
                        {CALL(SYS_read, 0), false},
                        {CALL(SYS_pwrite64, DEVICE + 1, 1, 512, 0), true},
                        {CALL(SYS_pwrite64, DEVICE + 1, 1, 513, 0), false},
                        {CALL(SYS_epoll_pwait, EPOLL), true},
                        {CALL(SYS_timerfd_settime, TIMER), true},
                        {CALL(SYS_clock_gettime, 0), true},
                        {CALL(SYS_exit_group, 0), true},
                        {CALL(SYS_mmap), false},
                        {CALL(SYS_openat), false},
                        {CALL(SYS_mprotect), false},
                        {CALL(SYS_rt_sigreturn), false},
                        {CALL(SYS_futex), false},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                struct seccomp_data data = cases[i].data;

                data.arch = OUR_ARCHITECTURE;
                g_assert_cmpuint(run(program, size, &data), ==,
                                cases[i].allowed ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/tender/filter/holds each of 63 devices to its bounds", test_devices);
        g_test_add_func("/tender/filter/compares offsets with all of their 64 bits", test_capacities);
        g_test_add_func("/tender/filter/knows console, clocks and timer", test_without_devices);
        g_test_add_func("/tender/filter/knows no other call", test_other_calls);
        g_test_add_func("/tender/filter/knows a machine's processor", test_machine);
        return g_test_run();
}
