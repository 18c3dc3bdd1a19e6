/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The system calls of Linux, and what the tender leaves in memory (Solo5's include/spt_abi.h). */

#include "host.h"

enum {
#ifdef __x86_64__
        CALL_READ = 0,
        CALL_WRITE = 1,
        CALL_PREAD = 17,
        CALL_PWRITE = 18,
        CALL_CLOCK_GETTIME = 228,
        CALL_EXIT_GROUP = 231,
        CALL_EPOLL_PWAIT = 281,
        CALL_TIMERFD_SETTIME = 286,
#else
        CALL_READ = 63,
        CALL_WRITE = 64,
        CALL_PREAD = 67,
        CALL_PWRITE = 68,
        CALL_CLOCK_GETTIME = 113,
        CALL_EXIT_GROUP = 94,
        CALL_EPOLL_PWAIT = 22,
        CALL_TIMERFD_SETTIME = 86,
#endif
        CONSOLE = 1,
};

typedef struct BootInfo {
        uint64_t memory_size;
        uint64_t kernel_end;
        const char *cmdline;
        const void *manifest;
        int epoll_fd;
        int timer_fd;
} BootInfo;

extern BootInfo boot_info; /* boot.c */

static inline long call(long number, long a, long b, long c, long d, long e)
{
#ifdef __x86_64__
        register long r10 __asm__("r10") = d;
        register long r8 __asm__("r8") = e;
        register long r9 __asm__("r9") = 0;
        long result;

        __asm__ volatile("syscall"
                         : "=a"(result)
                         : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                         : "rcx", "r11", "memory");
        return result;
#else
        register long x8 __asm__("x8") = number;
        register long x0 __asm__("x0") = a;
        register long x1 __asm__("x1") = b;
        register long x2 __asm__("x2") = c;
        register long x3 __asm__("x3") = d;
        register long x4 __asm__("x4") = e;
        register long x5 __asm__("x5") = 0;

        __asm__ volatile("svc #0"
                         : "+r"(x0)
                         : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                         : "memory", "cc");
        return x0;
#endif
}
