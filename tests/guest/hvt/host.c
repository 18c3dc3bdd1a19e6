/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tender does all that needs a host; the clock is the processor's. What else depends on the processor is in x86_64.c
 * and aarch64.c. */

#include "calls.h"

enum {
        NS_PER_S = 1000000000,
};

const bool clock_is_common = false; /* the machine's cycles begin with it */

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
        barrier();
        ring->request_tail++;
        barrier_of_all();
        if (ring->needs_kick)
                kick();
}

static long ring_read(Ring *ring, unsigned entry, void *frame, size_t n)
{
        const unsigned i = ring->answer_head % RING_SIZE;

        ring_ask(ring, RING_READ, entry, frame, n);
        while (ring->answer_tail == ring->answer_head)
                relax();
        barrier();
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
                relax();
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
        uint64_t cycles = cycles_now();

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
