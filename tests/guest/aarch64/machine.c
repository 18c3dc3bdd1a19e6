/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The ways out, by PSCI (Arm DEN 0022), which QEMU answers itself: on "virt" without EL2, by hvc. And PCI's
 * configuration, which no firmware has made.
 */

#include "guest.h"
#include "machine.h"

enum {
        PCI_BAR0 = 0x10,
        PCI_INTERRUPT_PIN = 0x3d,
        PORTS_FIRST = 0x1000,
        PORTS_EACH = 0x100,

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

bool machine_obey(const char *argument)
{
        (void)argument;
        return false;
}

uint32_t pci_config_read(unsigned slot, unsigned offset)
{
        return register_read(boot_pci + (slot << 15) + offset);
}

void pci_config_write(unsigned slot, unsigned offset, uint32_t value)
{
        register_write(boot_pci + (slot << 15) + offset, value);
}

/* The pins of neighbouring slots are connected to interrupts in turn. */
uint8_t pci_prepare(unsigned slot)
{
        uint8_t pin = register_read_byte(boot_pci + (slot << 15) + PCI_INTERRUPT_PIN);

        pci_config_write(slot, PCI_BAR0, PORTS_FIRST + slot * PORTS_EACH);
        return (uint8_t)(IRQ_PCI + (pin - 1 + slot) % 4);
}
