/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Traps and interrupts: the interrupt controller (GIC version 2, Arm IHI 0048, or 3, IHI 0069) and the virtual timer.
 * A trap is the guest's end, told in the words of Solo5's cpu_aarch64.c. The timer runs only if somebody asked for
 * it, so an idle guest costs its host nothing.
 */

#include "guest.h"
#include "machine.h"

enum {
        /* The distributor's; version 3 has those of the first 32 interrupts in the redistributor's second half. */
        DISTRIBUTOR_CONTROL = 0x000,
        INTERRUPT_GROUP = 0x080,
        INTERRUPT_ENABLE = 0x100,
        INTERRUPT_PRIORITY = 0x400,
        INTERRUPT_TARGET = 0x800,  /* version 2 */
        INTERRUPT_ROUTE = 0x6000,  /* version 3 */
        REDISTRIBUTOR_WAKER = 0x014,
        REDISTRIBUTOR_SECOND = 0x10000,
        WAKER_SLEEP = 1 << 1,
        WAKER_ASLEEP = 1 << 2,
        CPU_CONTROL = 0x00,
        CPU_PRIORITY_MASK = 0x04,
        CPU_ACKNOWLEDGE = 0x0c,
        CPU_END = 0x10,

        INTERRUPTS_PRIVATE = 32,
        INTERRUPT_NONE = 1020, /* and above */
        PRIORITY = 0x80,

        VECTOR_INTERRUPT = 5, /* of this level, by its own stack */
        CLASS_DATA_ABORT = 0x25,
};

void cpu_interrupt(unsigned vector);

volatile uint64_t timer_ms;
uint64_t cpu_wait_until_ns;
const bool clock_is_common = false;
const bool clock_is_exact = false;
static unsigned timer_period;

#define system_read(name) \
        ({ \
                uint64_t v_; \
                __asm__ volatile("mrs %0, " #name : "=r"(v_)::"memory"); \
                v_; \
        })
#define system_write(name, value) __asm__ volatile("msr " #name ", %0; isb" ::"r"((uint64_t)(value)) : "memory")

/* The registers of version 3, by encoding: not every assembler knows their names. */
#define ICC_PMR                         S3_0_C4_C6_0
#define ICC_IAR1                        S3_0_C12_C12_0
#define ICC_EOIR1                       S3_0_C12_C12_1
#define ICC_SRE                         S3_0_C12_C12_5
#define ICC_GRPEN1                      S3_0_C12_C12_7
#define system_read_named(name)         system_read(name)
#define system_write_named(name, value) system_write(name, value)

_noreturn_ static void trap(unsigned vector)
{
        static const char *const kinds[] = {"Synchronous Abort", "IRQ", "FIQ", "Error"};
        uint64_t syndrome = system_read(esr_el1);

        console_printf("Solo5: Trap: EL1 %s%s caught\n", vector / 4 == 1 ? "" : "Invalid ", kinds[vector % 4]);
        if (syndrome >> 26 == CLASS_DATA_ABORT)
                console_printf("Data Abort Address: 0x%016lx\n", system_read(far_el1));
        console_printf("Solo5: Dump registers:\n");
        console_printf("\t ESR    : 0x%016lx\n", syndrome);
        console_printf("\t PC     : 0x%016lx\n", system_read(elr_el1));
        console_printf("\t PSTATE : 0x%016lx\n", system_read(spsr_el1));
        PANIC("Fatal trap");
}

static void timer_again(void)
{
        system_write(cntv_tval_el0, system_read(cntfrq_el0) * timer_period / 1000);
}

void cpu_interrupt(unsigned vector)
{
        unsigned irq;

        if (vector != VECTOR_INTERRUPT)
                trap(vector);

        irq = boot_gic_v3 ? (unsigned)system_read_named(ICC_IAR1) : register_read(GIC_CPU + CPU_ACKNOWLEDGE);
        if ((irq & 0x3ff) >= INTERRUPT_NONE)
                return;
        if ((irq & 0x3ff) == IRQ_TIMER) {
                timer_ms += timer_period;
                timer_again();
        }
        if ((irq & 0x3ff) == IRQ_UART)
                uart_interrupt();
        net_interrupt(irq & 0x3ff);
        block_interrupt(irq & 0x3ff);
        if (boot_gic_v3)
                system_write_named(ICC_EOIR1, irq);
        else
                register_write(GIC_CPU + CPU_END, irq);
}

static void gic_v3_init(void)
{
        register_write(GIC_DISTRIBUTOR + DISTRIBUTOR_CONTROL, 1 << 4 | 1 << 1); /* routed by affinity, group 1 */
        register_write(GIC_REDISTRIBUTOR + REDISTRIBUTOR_WAKER,
                        register_read(GIC_REDISTRIBUTOR + REDISTRIBUTOR_WAKER) & ~(uint32_t)WAKER_SLEEP);
        while (register_read(GIC_REDISTRIBUTOR + REDISTRIBUTOR_WAKER) & WAKER_ASLEEP)
                __asm__ volatile("yield");
        system_write_named(ICC_SRE, 1);
        system_write_named(ICC_PMR, 0xff);
        system_write_named(ICC_GRPEN1, 1);
}

void cpu_init(void)
{
        if (boot_gic_v3)
                gic_v3_init();
        else {
                register_write(GIC_DISTRIBUTOR + DISTRIBUTOR_CONTROL, 1);
                register_write(GIC_CPU + CPU_PRIORITY_MASK, 0xff);
                register_write(GIC_CPU + CPU_CONTROL, 1);
        }
}

void cpu_irq_enable(unsigned irq)
{
        uintptr_t base = boot_gic_v3 && irq < INTERRUPTS_PRIVATE ? GIC_REDISTRIBUTOR + REDISTRIBUTOR_SECOND
                                                                  : GIC_DISTRIBUTOR;
        uintptr_t group = base + INTERRUPT_GROUP + irq / 32 * 4;

        register_write_byte(base + INTERRUPT_PRIORITY + irq, PRIORITY);
        if (boot_gic_v3) {
                register_write(group, register_read(group) | 1U << irq % 32);
                if (irq >= INTERRUPTS_PRIVATE) {
                        register_write(base + INTERRUPT_ROUTE + 8 * irq, 0);
                        register_write(base + INTERRUPT_ROUTE + 8 * irq + 4, 0);
                }
        } else if (irq >= INTERRUPTS_PRIVATE)
                register_write_byte(base + INTERRUPT_TARGET + irq, 1);
        register_write(base + INTERRUPT_ENABLE + irq / 32 * 4, 1U << irq % 32);
}

void cpu_wait(bool (*work)(void))
{
        __asm__ volatile("msr daifset, #2" ::: "memory");
        /* What is pending ends wfi even where it may not interrupt: no interrupt is lost between the two. */
        if (!work())
                __asm__ volatile("dsb sy; wfi" ::: "memory");
        __asm__ volatile("msr daifclr, #2; isb" ::: "memory");
}

void timer_start(unsigned period_ms)
{
        timer_period = period_ms;
        timer_again();
        system_write(cntv_ctl_el0, 1);
        cpu_irq_enable(IRQ_TIMER);
}

void clock_start(void)
{
}

uint64_t clock_now_ns(void)
{
        uint64_t hz = system_read(cntfrq_el0), now = system_read(cntvct_el0);

        return now / hz * 1000000000 + now % hz * 1000000000 / hz;
}

void cpu_page_fault(void)
{
        __asm__ volatile("str wzr, [%0]" ::"r"(0UL) : "memory");
}

void cpu_invalid_instruction(void)
{
        __asm__ volatile(".inst 0");
}

void cpu_halt(void)
{
        __asm__ volatile("msr daifset, #15" ::: "memory");
        for (;;)
                __asm__ volatile("wfi");
}
