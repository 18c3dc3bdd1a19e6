/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The processor of a machine on x86_64. A trap is the guest's own affair, and its end, told in Solo5's words. */

#include "calls.h"

enum {
        SEGMENT_CODE = 0x08,
        TRAPS = 32,
        TRAP_INVALID_OPCODE = 6,
        TRAP_PAGE_FAULT = 14,
        GATE_INTERRUPT = 0x8e00, /* present */

        TABLE_USABLE = 0x3,
        TABLE_LARGE = 0x83,
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

uint64_t cycles_now(void)
{
        uint32_t low, high;

        __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
        return (uint64_t)high << 32 | low;
}

void triple_fault(void)
{
        static const struct {
                uint16_t limit;
                uint64_t base;
        } __attribute__((packed)) no_handlers;

        console_flush();
        __asm__ volatile("lidt %0; ud2" ::"m"(no_handlers));
}

uint64_t table_entry(const void *table)
{
        return (uintptr_t)table | TABLE_USABLE;
}

uint64_t page_entry(uint64_t address)
{
        return address | TABLE_LARGE;
}

void tables_use(const uint64_t *top, uint64_t *gigabytes)
{
        (void)gigabytes;
        __asm__ volatile("movq %0, %%cr3" ::"r"(top) : "memory");
}

bool break_processor(const char *what)
{
        const char *value;

        if ((value = startswith(what, "port:"))) {
                __asm__ volatile("outl %0, %1" ::"a"(0), "d"((uint16_t)number_parse(value, &value)));
                console_printf("break: came back\n");
        } else if (streq(what, "hlt"))
                __asm__ volatile("hlt");
        else
                return false;
        return true;
}
