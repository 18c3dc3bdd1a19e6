/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The calls to the tender, and what it leaves in memory (Solo5's include/hvt_abi.h). */

#include "host.h"

enum {
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

/* The processor's: x86_64.c, aarch64.c. */
uint64_t cycles_now(void);
/* Entries of tables of pages: another table, and 2 MiB without protection. The second table of four, whose entries are a
 * GiB each, gets what calls need. */
uint64_t table_entry(const void *table);
uint64_t page_entry(uint64_t address);
void tables_use(const uint64_t *top, uint64_t *gigabytes);
/* What only this processor can try; false: it cannot. */
bool break_processor(const char *what);

/* A call is a write of its arguments' address, to a port or to an address of its own. */
#ifdef __x86_64__
enum {
        CALL_PORT = 0x500,
        KICK_PORT = 0x600,
};

static inline void call_write(unsigned port, uint32_t value)
{
        __asm__ volatile("outl %0, %1" ::"a"(value), "d"((uint16_t)port) : "memory");
}

static inline void call(unsigned number, volatile void *arguments)
{
        call_write(CALL_PORT + number, (uint32_t)(uintptr_t)arguments);
}

static inline void kick(void)
{
        call_write(KICK_PORT, 0);
}

/* Also between a store and a load. */
static inline void barrier_of_all(void)
{
        __asm__ volatile("mfence" ::: "memory");
}

static inline void relax(void)
{
        __asm__ volatile("pause" ::: "memory");
}
#else
#define CALL_ADDRESS 0x100000000UL
#define KICK_ADDRESS (CALL_ADDRESS + 0x100)

static inline void call_write(uintptr_t address, uint32_t value)
{
        __asm__ volatile("str %w0, [%1]" ::"r"(value), "r"(address) : "memory");
}

static inline void call(unsigned number, volatile void *arguments)
{
        call_write(CALL_ADDRESS + 8UL * number, (uint32_t)(uintptr_t)arguments);
}

static inline void kick(void)
{
        call_write(KICK_ADDRESS, 0);
}

static inline void barrier_of_all(void)
{
        barrier();
}

static inline void relax(void)
{
        __asm__ volatile("yield" ::: "memory");
}
#endif
