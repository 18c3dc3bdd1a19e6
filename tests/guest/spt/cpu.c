/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Time, and waiting for it: by the timer in the epoll set, as Solo5 does. A trap is a signal, which ends the guest. */

#include "calls.h"

enum {
        CLOCK_MONOTONIC = 1,
        TIMER_ABSOLUTE = 1,
        EVENTS_MAX = 16,
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

volatile uint64_t timer_ms;
static unsigned timer_period;
static Time started;

static Time now(void)
{
        Time time = {};

        if (call(CALL_CLOCK_GETTIME, CLOCK_MONOTONIC, (long)&time, 0, 0, 0) != 0)
                PANIC("the clock does not work");
        return time;
}

static Time timer_update(void)
{
        Time time = now();

        if (timer_period > 0)
                timer_ms = (uint64_t)((time.s - started.s) * 1000 + (time.ns - started.ns) / 1000000);
        return time;
}

/* Without a timer, for as long as it takes. */
static void wait_for_event(Time until)
{
        Time timer[2] = {{0, 0}, until};
        Event events[EVENTS_MAX];

        if (call(CALL_TIMERFD_SETTIME, boot_info.timer_fd, TIMER_ABSOLUTE, (long)timer, 0, 0) != 0)
                PANIC("the timer does not work");
        call(CALL_EPOLL_PWAIT, boot_info.epoll_fd, (long)events, EVENTS_MAX, -1, 0);
}

void cpu_init(void)
{
}

void cpu_irq_enable(unsigned irq)
{
        (void)irq;
}

void cpu_wait(bool (*work)(void))
{
        Time until = timer_update();

        console_flush();
        if (work())
                return;
        until.ns += timer_period * 1000000L;
        if (until.ns >= 1000000000) {
                until.s++;
                until.ns -= 1000000000;
        }
        wait_for_event(timer_period > 0 ? until : (Time){0, 0});
        timer_update();
}

void timer_start(unsigned period_ms)
{
        timer_period = period_ms;
        started = now();
}

void cpu_page_fault(void)
{
        console_flush();
#ifdef __x86_64__
        __asm__ volatile("movl $1, 0" ::: "memory");
#else
        __asm__ volatile("str wzr, [%0]" ::"r"(0L) : "memory");
#endif
}

void cpu_invalid_instruction(void)
{
        console_flush();
#ifdef __x86_64__
        __asm__ volatile("ud2");
#else
        __asm__ volatile("udf #0");
#endif
}

void cpu_halt(void)
{
        console_flush();
        for (;;) {
                networks_drain();
                wait_for_event((Time){0, 0});
        }
}
