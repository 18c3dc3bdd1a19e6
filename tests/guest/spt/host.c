/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A process's devices are descriptors; time and waiting for it are by the timer in the epoll set, as Solo5 does. A
 * trap is a signal, which ends the guest. */

#include "calls.h"

enum {
        CLOCK_MONOTONIC = 1,
        EVENTS_MAX = 16,
        NS_PER_S = 1000000000,
};

typedef struct Time {
        int64_t s;
        int64_t ns;
} Time;

typedef struct Event {
        uint32_t events;
        uint64_t data;
}
#ifdef __x86_64__
__attribute__((packed))
#endif
Event;

const bool clock_is_common = true;

void host_trap_init(void)
{
}

long host_console_write(const char *data, size_t n)
{
        return call(CALL_WRITE, CONSOLE, (long)data, (long)n, 0, 0);
}

long host_network_read(unsigned entry, void *frame, size_t n)
{
        return call(CALL_READ, device_attached(entry)->fd, (long)frame, (long)n, 0, 0);
}

long host_network_write(unsigned entry, const void *frame, size_t n)
{
        return call(CALL_WRITE, device_attached(entry)->fd, (long)frame, (long)n, 0, 0);
}

bool host_block_transfer(unsigned entry, bool is_write, void *data, size_t n, uint64_t offset)
{
        return call(is_write ? CALL_PWRITE : CALL_PREAD, device_attached(entry)->fd, (long)data, (long)n,
                               (long)offset, 0) == (long)n;
}

uint64_t host_now_ns(void)
{
        Time time = {};

        if (call(CALL_CLOCK_GETTIME, CLOCK_MONOTONIC, (long)&time, 0, 0, 0) != 0)
                PANIC("the clock does not work");
        return (uint64_t)(time.s * NS_PER_S + time.ns);
}

void host_wait(uint64_t ns)
{
        Time timer[2] = {{0, 0}, {(int64_t)(ns / NS_PER_S), (int64_t)(ns % NS_PER_S)}};
        Event events[EVENTS_MAX];

        if (call(CALL_TIMERFD_SETTIME, boot_info.timer_fd, 0, (long)timer, 0, 0) != 0)
                PANIC("the timer does not work");
        call(CALL_EPOLL_PWAIT, boot_info.epoll_fd, (long)events, EVENTS_MAX, -1, 0);
}
