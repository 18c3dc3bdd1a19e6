/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Traps and interrupts: the IDT, the two 8259, and the 8254 as timer. A trap is the guest's end, told in
 * Solo5's words. The timer runs only if somebody asked for it, so an idle guest costs its host nothing.
 */

#include "guest.h"
#include "ports.h"

enum {
        IRQ_TIMER = 0,
        PIC1 = 0x20,
        PIC2 = 0xa0,
        PIC_END = 0x20,
        PIC_CASCADE = 2,
        PIT_COUNTER0 = 0x40,
        PIT_CONTROL = 0x43,
        PIT_HZ = 1193182,
        PIT_ONESHOT = 0x30,
        PIT_PERIODIC = 0x34,
        PIT_COUNTER2 = 0x42,
        PIT_ONESHOT2 = 0xb0,
        PIT_LATCH2 = 0x80,
        PIT_GATE = 0x61, /* of counter 2 */
        PIT_GATE_OPEN = 1 << 0,
        PIT_GATE_SPEAKER = 1 << 1,
        PIT_GATE_DONE = 1 << 5,
        CLOCK_FIRST = 0xffff, /* what the counter begins with: 55 ms */
        CLOCK_LAST = 0x3000,
        CLOCK_TRIES = 32,
        VECTOR_IRQ = 32,
        VECTORS = 48,
        VECTOR_PAGE_FAULT = 14,
};

/* What vector_common of start.S finds: two words from the vector, the rest from the processor. */
typedef struct Frame {
        uint64_t vector;
        uint64_t error;
        uint64_t rip;
        uint64_t cs;
        uint64_t rflags;
        uint64_t rsp;
        uint64_t ss;
} Frame;

typedef struct Gate {
        uint16_t offset_low;
        uint16_t selector;
        uint16_t flags;
        uint16_t offset_middle;
        uint32_t offset_high;
        uint32_t reserved;
} Gate;

void cpu_interrupt(const Frame *frame);

volatile uint64_t timer_ms;
uint64_t cpu_wait_until_ns;
const bool clock_is_common = false;
const bool clock_is_exact = false;
static uint64_t cycle_hz;
static unsigned timer_period;
static Gate idt[VECTORS];

/* clang-format off */
static const char *const trap_names[] = {
        "#DE", "#DB", "#NMI", "#BP", "#OF", "#BR", "#UD", "#NM",
        "#DF", "#9",  "#TS",  "#NP", "#SS", "#GP", "#PF", "#15",
        "#MF", "#AC", "#MC",  "#XM", "#VE", "#21", "#22", "#23",
        "#24", "#25", "#26",  "#27", "#28", "#29", "#30", "#31",
};
/* clang-format on */

_noreturn_ static void trap(const Frame *frame)
{
        console_printf("Solo5: trap: type=%s ec=0x%lx rip=0x%lx rsp=0x%lx rflags=0x%lx\n",
                        trap_names[frame->vector], frame->error, frame->rip, frame->rsp, frame->rflags);
        if (frame->vector == VECTOR_PAGE_FAULT) {
                uint64_t cr2;

                __asm__ volatile("movq %%cr2, %0" : "=r"(cr2));
                console_printf("Solo5: trap: cr2=0x%lx\n", cr2);
        }
        PANIC("Fatal trap");
}

void cpu_interrupt(const Frame *frame)
{
        unsigned irq;

        if (frame->vector < VECTOR_IRQ)
                trap(frame);

        irq = (unsigned)frame->vector - VECTOR_IRQ;
        if (irq == IRQ_TIMER)
                timer_ms += timer_period;
        net_interrupt(irq);
        block_interrupt(irq);
        if (irq >= 8)
                outb(PIC2, PIC_END);
        outb(PIC1, PIC_END);
}

static void pic_init(unsigned pic, unsigned vector, unsigned cascade)
{
        outb((uint16_t)pic, 0x11); /* initialise, cascaded, a fourth word follows */
        outb((uint16_t)(pic + 1), (uint8_t)vector);
        outb((uint16_t)(pic + 1), (uint8_t)cascade);
        outb((uint16_t)(pic + 1), 0x01); /* 8086 mode */
        outb((uint16_t)(pic + 1), 0xff);
}

void cpu_init(void)
{
        extern char cpu_vectors[];
        extern volatile uint64_t first_table[];
        struct {
                uint16_t limit;
                uint64_t base;
        } __attribute__((packed)) pointer = {sizeof(idt) - 1, (uintptr_t)idt};

        for (unsigned i = 0; i < VECTORS; i++) {
                uintptr_t address = (uintptr_t)cpu_vectors + i * 16;

                idt[i] = (Gate){
                                .offset_low = (uint16_t)address,
                                .selector = 0x08,
                                .flags = 0x8e00, /* present, interrupt gate */
                                .offset_middle = (uint16_t)(address >> 16),
                };
        }
        __asm__ volatile("lidt %0" ::"m"(pointer));

        /* From here on a NULL pointer is a page fault; before, PVH's start information was read there. */
        first_table[0] = 0;
        __asm__ volatile("invlpg 0" ::: "memory");

        pic_init(PIC1, VECTOR_IRQ, 1 << PIC_CASCADE);
        pic_init(PIC2, VECTOR_IRQ + 8, PIC_CASCADE);
        cpu_irq_enable(PIC_CASCADE);

        /* The firmware left the timer running at 18 Hz: let it end. */
        outb(PIT_CONTROL, PIT_ONESHOT);
        outb(PIT_COUNTER0, 1);
        outb(PIT_COUNTER0, 0);
}

void cpu_irq_enable(unsigned irq)
{
        uint16_t mask = irq < 8 ? PIC1 + 1 : PIC2 + 1;

        outb(mask, inb(mask) & (uint8_t) ~(1U << (irq & 7)));
}

void cpu_wait(bool (*work)(void))
{
        __asm__ volatile("cli" ::: "memory");
        if (work()) {
                __asm__ volatile("sti" ::: "memory");
                return;
        }
        /* sti takes effect after the next instruction: no interrupt is lost between the two. */
        __asm__ volatile("sti; hlt" ::: "memory");
}

void timer_start(unsigned period_ms)
{
        unsigned count = PIT_HZ * period_ms / 1000;

        timer_period = period_ms;
        outb(PIT_CONTROL, PIT_PERIODIC);
        outb(PIT_COUNTER0, (uint8_t)count);
        outb(PIT_COUNTER0, (uint8_t)(count >> 8));
        cpu_irq_enable(IRQ_TIMER);
}

static uint64_t cycles(void)
{
        uint32_t low, high;

        __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
        return (uint64_t)high << 32 | low;
}

static unsigned counter_read(void)
{
        unsigned low;

        outb(PIT_CONTROL, PIT_LATCH2);
        low = inb(PIT_COUNTER2);
        return low | (unsigned)inb(PIT_COUNTER2) << 8;
}

/* Both at one time, as nearly as the quickest of several tries: a host that is busy may take the processor away between
 * one and the other. */
static void counters_read(unsigned *ret_counter, uint64_t *ret_cycles)
{
        uint64_t quickest = UINT64_MAX;

        for (unsigned i = 0; i < CLOCK_TRIES; i++) {
                uint64_t before = cycles();
                unsigned counter = counter_read();
                uint64_t took = cycles() - before;

                if (took < quickest) {
                        quickest = took;
                        *ret_counter = counter;
                        *ret_cycles = before + took / 2;
                }
        }
}

/* How fast the processor counts is measured with the timer's third counter, which has no interrupt. */
void clock_start(void)
{
        while (cycle_hz == 0) {
                unsigned first, last;
                uint64_t begun, ended;

                outb(PIT_GATE, (inb(PIT_GATE) & (uint8_t)~PIT_GATE_SPEAKER) | PIT_GATE_OPEN);
                outb(PIT_CONTROL, PIT_ONESHOT2);
                outb(PIT_COUNTER2, (uint8_t)CLOCK_FIRST);
                outb(PIT_COUNTER2, CLOCK_FIRST >> 8);
                counters_read(&first, &begun);
                while (counter_read() > CLOCK_LAST && !(inb(PIT_GATE) & PIT_GATE_DONE))
                        compiler_barrier();
                counters_read(&last, &ended);
                /* Else it has begun anew meanwhile. */
                if (!(inb(PIT_GATE) & PIT_GATE_DONE) && last < first)
                        cycle_hz = (ended - begun) * PIT_HZ / (first - last);
        }
}

uint64_t clock_now_ns(void)
{
        uint64_t now = cycles();

        return now / cycle_hz * 1000000000 + now % cycle_hz * 1000000000 / cycle_hz;
}

void cpu_page_fault(void)
{
        __asm__ volatile("movl $1, 0" ::: "memory");
}

void cpu_invalid_instruction(void)
{
        __asm__ volatile("ud2");
}

void cpu_halt(void)
{
        for (;;)
                __asm__ volatile("cli; hlt");
}
