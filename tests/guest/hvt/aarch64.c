/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The processor of a machine on aarch64. A trap is the guest's own affair, and its end, told in Solo5's words. */

#include "calls.h"

enum {
        VECTOR_CURRENT = 4, /* of what runs at EL1 with its own stack; before it, with EL0's, and behind it, from EL0 */
        VECTORS = 16,

        CLASS_SHIFT = 26,
        CLASS_DATA_ABORT = 0x25, /* at this level */

        ENTRY_TABLE = 0x3,
        ENTRY_MEMORY = 0x701, /* accessed, shared, memory 0 */
        ENTRY_DEVICE = 0x405, /* accessed, memory 1 */
        GIB_SHIFT = 30,
};

#define system_read(name)                                                                                  \
        ({                                                                                                 \
                uint64_t value_;                                                                           \
                __asm__ volatile("mrs %0, " #name : "=r"(value_));                                         \
                value_;                                                                                    \
        })

_noreturn_ void trap_end(uint64_t vector);

/* It does not return, and so need not keep a register. */
__asm__("        .text\n"
        "        .balign 2048\n"
        "trap_vectors:\n"
        "        .set n, 0\n"
        "        .rept 16\n"
        "        .balign 128\n"
        "        mov x0, #n\n"
        "        b trap_end\n"
        "        .set n, n + 1\n"
        "        .endr\n"
        "        .balign 128\n");

extern const char trap_vectors[];

void trap_end(uint64_t vector)
{
        static const char *const kinds[] = {"Synchronous Abort", "IRQ", "FIQ", "Error"};
        uint64_t syndrome = system_read(esr_el1);

        console_printf("Solo5: Trap: EL%u %s%s caught\n", vector < VECTORS / 2 ? 1 : 0,
                        vector / 4 == VECTOR_CURRENT / 4 ? "" : "Invalid ", kinds[vector % 4]);
        if (syndrome >> CLASS_SHIFT == CLASS_DATA_ABORT)
                console_printf("Data Abort Address: 0x%lx\n", system_read(far_el1));
        console_printf("Solo5: Dump registers:\n\t ESR    : 0x%lx\n\t PC     : 0x%lx\n", syndrome,
                        system_read(elr_el1));
        PANIC("Fatal trap");
}

void host_trap_init(void)
{
        __asm__ volatile("msr vbar_el1, %0; isb" ::"r"(trap_vectors) : "memory");
}

uint64_t cycles_now(void)
{
        /* Not before what the program has done so far. */
        __asm__ volatile("isb" ::: "memory");
        return system_read(cntvct_el0);
}

/* There is no fault that stops this processor: one in its own handler only repeats itself. */
void triple_fault(void)
{
        console_flush();
        __asm__ volatile("msr vbar_el1, xzr; isb; udf #0" ::: "memory");
}

uint64_t table_entry(const void *table)
{
        return (uintptr_t)table | ENTRY_TABLE;
}

uint64_t page_entry(uint64_t address)
{
        return address | ENTRY_MEMORY;
}

void tables_use(const uint64_t *top, uint64_t *gigabytes)
{
        gigabytes[CALL_ADDRESS >> GIB_SHIFT] = CALL_ADDRESS | ENTRY_DEVICE;
        __asm__ volatile("dsb ish; msr ttbr0_el1, %0; isb; tlbi vmalle1; dsb ish; isb" ::"r"(top) : "memory");
}

bool break_processor(const char *what)
{
        const char *value;

        if ((value = startswith(what, "address:")))
                call_write(CALL_ADDRESS + (uintptr_t)number_parse(value, &value), 0);
        else if ((value = startswith(what, "pair:")))
                __asm__ volatile("stp wzr, wzr, [%0]" ::"r"(CALL_ADDRESS + (uintptr_t)number_parse(value, &value))
                                : "memory");
        else if (streq(what, "hvc")) {
                /* PSCI's, to stop the processor. */
                register uint64_t x0 __asm__("x0") = 0x84000002;

                __asm__ volatile("hvc #0" : "+r"(x0)::"x1", "x2", "x3", "memory");
        } else
                return false;
        console_printf("break: came back\n");
        return true;
}
