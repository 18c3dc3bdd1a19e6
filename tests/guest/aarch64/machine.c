/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The ways out, by PSCI (Arm DEN 0022), which QEMU answers itself: on "virt" without EL2, by hvc. */

#include "guest.h"

enum {
        PSCI_SYSTEM_OFF = (int)0x84000008,
        PSCI_SYSTEM_RESET = (int)0x84000009,
};

static void psci_call(uint32_t function)
{
        register uint64_t x0 __asm__("x0") = function;

        __asm__ volatile("hvc #0" : "+r"(x0)::"x1", "x2", "x3", "memory");
}

void power_off(bool quiet)
{
        if (!quiet)
                console_printf("Solo5: PSCI: power off\n");
        psci_call((uint32_t)PSCI_SYSTEM_OFF);
}

void reset(void)
{
        psci_call((uint32_t)PSCI_SYSTEM_RESET);
}

/* A fault in its own handler only repeats itself here. */
void triple_fault(void)
{
        reset();
}
