/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tender does all that needs a host; the clock is the processor's. A trap is the guest's own affair, and its end,
 * told in Solo5's words. */

#include "calls.h"

enum {
        SEGMENT_CODE = 0x08,
        TRAPS = 32,
        TRAP_INVALID_OPCODE = 6,
        TRAP_PAGE_FAULT = 14,
        GATE_INTERRUPT = 0x8e00, /* present */
        NS_PER_S = 1000000000,
};

typedef struct Gate {
        uint16_t offset_low;
        uint16_t selector;
        uint16_t flags;
        uint16_t offset_middle;
        uint32_t offset_high;
        uint32_t reserved;
} Gate;

typedef struct TablePointer {
        uint16_t limit;
        uint64_t base;
} __attribute__((packed)) TablePointer;

const bool clock_is_common = false; /* the machine's cycles begin with it */

static const uint64_t segments[] = {0, 0x00af9b000000ffff, 0x00cf93000000ffff};
static Gate gates[TRAPS];

/* What the processor has pushed; an error code lies before it. */
typedef struct Frame {
        uint64_t rip;
        uint64_t cs;
        uint64_t rflags;
        uint64_t rsp;
        uint64_t ss;
} Frame;

/* It does not return, and so need not keep a register; the attribute says what compilers ask of all that such handlers
 * call. */
__attribute__((no_caller_saved_registers)) _noreturn_ static void trap_end(const char *name, uint64_t error, const Frame *frame)
{
        console_printf("Solo5: trap: type=%s ec=0x%lx rip=0x%lx rsp=0x%lx rflags=0x%lx\n", name, error, frame->rip,
                        frame->rsp, frame->rflags);
        if (streq(name, "#PF")) {
                uint64_t cr2;

                __asm__ volatile("movq %%cr2, %0" : "=r"(cr2));
                console_printf("Solo5: trap: cr2=0x%lx\n", cr2);
        }
        PANIC("Fatal trap");
}

__attribute__((interrupt)) static void trap_page_fault(Frame *frame, unsigned long long error)
{
        trap_end("#PF", error, frame);
}

__attribute__((interrupt)) static void trap_invalid_opcode(Frame *frame)
{
        trap_end("#UD", 0, frame);
}

/* With or without an error code: nothing of the frame can be told. */
__attribute__((interrupt)) static void trap_other(Frame *frame)
{
        (void)frame;
        trap_end("#GP", 0, &(Frame){});
}

void host_trap_init(void)
{
        const TablePointer segments_at = {sizeof(segments) - 1, (uintptr_t)segments};
        const TablePointer gates_at = {sizeof(gates) - 1, (uintptr_t)gates};

        for (unsigned i = 0; i < TRAPS; i++) {
                uintptr_t handler = i == TRAP_PAGE_FAULT       ? (uintptr_t)trap_page_fault
                                    : i == TRAP_INVALID_OPCODE ? (uintptr_t)trap_invalid_opcode
                                                               : (uintptr_t)trap_other;

                gates[i] = (Gate){
                                .offset_low = (uint16_t)handler,
                                .selector = SEGMENT_CODE,
                                .flags = GATE_INTERRUPT,
                                .offset_middle = (uint16_t)(handler >> 16),
                };
        }
        __asm__ volatile("lgdt %0; lidt %1" ::"m"(segments_at), "m"(gates_at) : "memory");
}

long host_console_write(const char *data, size_t n)
{
        volatile struct {
                const char *data;
                size_t n;
        } puts = {data, n};

        call(CALL_PUTS, &puts);
        return (long)n;
}

typedef struct NetCall {
        uint64_t entry;
        const void *data;
        size_t n;
        int ret;
} NetCall;

Ring *ring_offered(void)
{
        return boot_info.host_features & FEATURE_RING ? boot_info.net_ring : 0;
}

/* The manifest's first entry is the reserved one. */
void ring_ask(Ring *ring, uint32_t operation, unsigned entry, const void *data, size_t n)
{
        const unsigned i = ring->request_tail % RING_SIZE;

        ring->requests[i].operation = operation;
        ring->requests[i].entry = entry + 1;
        ring->requests[i].data = data;
        ring->requests[i].n = (uint32_t) n;
        ring->requests[i].id = ring->request_tail;
        __asm__ volatile("" ::: "memory");
        ring->request_tail++;
        __asm__ volatile("mfence" ::: "memory");
        if (ring->needs_kick)
                __asm__ volatile("outl %0, %1" ::"a"(0), "d"((uint16_t) KICK_PORT) : "memory");
}

static long ring_read(Ring *ring, unsigned entry, void *frame, size_t n)
{
        const unsigned i = ring->answer_head % RING_SIZE;

        ring_ask(ring, RING_READ, entry, frame, n);
        while (ring->answer_tail == ring->answer_head)
                __asm__ volatile("pause" ::: "memory");
        ring->answer_head++;
        if (ring->answers[i].id != ring->request_tail - 1)
                PANIC("an answer to another request");
        return ring->answers[i].ret == 0 ? (long) ring->answers[i].n : -1;
}

/* A frame of before has been taken when there is the next. */
static long ring_write(Ring *ring, unsigned entry, const void *frame, size_t n)
{
        static uint8_t sent[2048];

        while (ring->request_head != ring->request_tail)
                __asm__ volatile("pause" ::: "memory");
        memcpy(sent, frame, n);
        ring_ask(ring, RING_WRITE, entry, sent, n);
        return (long) n;
}

long host_network_read(unsigned entry, void *frame, size_t n)
{
        if (ring_offered())
                return ring_read(ring_offered(), entry, frame, n);

        volatile NetCall net = {.entry = entry + 1, .data = frame, .n = n};

        call(CALL_NET_READ, &net);
        return net.ret == 0 ? (long)net.n : -1;
}

long host_network_write(unsigned entry, const void *frame, size_t n)
{
        if (ring_offered() && n <= 2048)
                return ring_write(ring_offered(), entry, frame, n);

        volatile NetCall net = {.entry = entry + 1, .data = frame, .n = n};

        call(CALL_NET_WRITE, &net);
        return net.ret == 0 ? (long)n : -1;
}

bool host_block_transfer(unsigned entry, bool is_write, void *data, size_t n, uint64_t offset)
{
        volatile struct {
                uint64_t entry;
                uint64_t offset;
                void *data;
                size_t n;
                int ret;
        } block = {entry + 1, offset, data, n, 0};

        call(is_write ? CALL_BLOCK_WRITE : CALL_BLOCK_READ, &block);
        return block.ret == 0;
}

uint64_t host_now_ns(void)
{
        uint32_t low, high;
        uint64_t cycles;

        __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
        cycles = (uint64_t)high << 32 | low;
        return cycles / boot_info.cycle_hz * NS_PER_S + cycles % boot_info.cycle_hz * NS_PER_S / boot_info.cycle_hz;
}

void host_wait(uint64_t ns)
{
        volatile struct {
                uint64_t timeout_ns;
                uint64_t ready;
                int ret;
        } poll = {ns > 0 ? ns : UINT64_MAX, 0, 0};

        call(CALL_POLL, &poll);
}
