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
        struct Ring *net_ring;
} BootInfo;

extern BootInfo boot_info; /* boot.c */

/* What is shared with the tender for frames, if it offers that (include/hvt_ring.h). */
enum {
        FEATURE_RING = 1,
        KICK_PORT = 0x600,
        RING_SIZE = 1024,
        RING_WRITE = 1,
        RING_READ = 2,
};

typedef struct Ring {
        volatile uint32_t request_tail;
        volatile uint32_t answer_head;
        uint8_t unused[56];
        volatile uint32_t request_head;
        volatile uint32_t answer_tail;
        volatile uint32_t needs_kick;
        uint8_t unused_too[52];
        struct {
                uint32_t operation;
                uint32_t entry;
                const void *data;
                uint32_t n;
                uint32_t id;
                uint64_t unused;
        } requests[RING_SIZE];
        struct {
                uint32_t id;
                int32_t ret;
                uint32_t n;
                uint32_t unused;
        } answers[RING_SIZE];
} Ring;

Ring *ring_offered(void); /* host.c; 0: none */
void ring_ask(Ring *ring, uint32_t operation, unsigned entry, const void *data, size_t n);

static inline void call(unsigned number, volatile void *arguments)
{
        __asm__ volatile("outl %0, %1"
                         :
                         : "a"((uint32_t)(uintptr_t)arguments), "d"((uint16_t)(CALL_PORT + number))
                         : "memory");
}
