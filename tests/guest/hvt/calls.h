/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The calls to the tender, and what it leaves in memory (Solo5's include/hvt_abi.h). */

#include "host.h"

enum {
        CALL_PORT = 0x500,
        CALL_WALLTIME = 1,
        CALL_PUTS,
        CALL_POLL,
        CALL_BLOCK_WRITE,
        CALL_BLOCK_READ,
        CALL_NET_WRITE,
        CALL_NET_READ,
        CALL_HALT,
};

typedef struct BootInfo {
        uint64_t memory_size;
        uint64_t kernel_end;
        uint64_t cycle_hz;
        const char *cmdline;
        const void *manifest;
        uint32_t host_features;
        uint32_t guest_features;
        uint64_t net_ring;
} BootInfo;

extern BootInfo boot_info; /* boot.c */

static inline void call(unsigned number, volatile void *arguments)
{
        __asm__ volatile("outl %0, %1"
                         :
                         : "a"((uint32_t)(uintptr_t)arguments), "d"((uint16_t)(CALL_PORT + number))
                         : "memory");
}
