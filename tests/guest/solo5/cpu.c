/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Time, and waiting for it or for a frame, as Solo5 does: there are no interrupts. */

#include "host.h"

volatile uint64_t timer_ms;
uint64_t cpu_wait_until_ns;
const bool clock_is_exact = true;
static unsigned timer_period;
static uint64_t started;

static void timer_update(void)
{
        if (timer_period > 0)
                timer_ms = (host_now_ns() - started) / 1000000;
}

/* 0: without end. */
static uint64_t wait_length(void)
{
        uint64_t period = timer_period * 1000000UL, now, left;

        if (cpu_wait_until_ns == 0)
                return period;
        now = host_now_ns();
        left = cpu_wait_until_ns > now ? cpu_wait_until_ns - now : 1;
        return period > 0 && period < left ? period : left;
}

void clock_start(void)
{
}

uint64_t clock_now_ns(void)
{
        return host_now_ns();
}

void cpu_init(void)
{
        host_trap_init();
}

void cpu_irq_enable(unsigned irq)
{
        (void)irq;
}

void cpu_wait(bool (*work)(void))
{
        timer_update();
        console_flush();
        if (work())
                return;
        host_wait(wait_length());
        timer_update();
}

void timer_start(unsigned period_ms)
{
        timer_period = period_ms;
        started = host_now_ns();
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
                host_wait(0);
        }
}
