/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* QEMU's machine "virt" (its hw/arm/virt.c; the device tree says the same), and access to its registers. */

#include <stdbool.h>
#include <stdint.h>

enum {
        GIC_DISTRIBUTOR = 0x08000000,
        GIC_CPU = 0x08010000,           /* GIC version 2 */
        GIC_REDISTRIBUTOR = 0x080a0000, /* version 3: of the first processor */
        UART = 0x09000000,
        PCI_PORTS = 0x3eff0000,
        MEMORY_START = 0x40000000,

        IRQ_TIMER = 27, /* the virtual timer's */
        IRQ_UART = 32 + 1,
        IRQ_PCI = 32 + 3, /* and three more */
};

/* boot.c */
extern bool boot_gic_v3;
extern uint64_t boot_pci; /* PCI's configuration */
void uart_interrupt(void);

/* By one plain instruction each: a hypervisor cannot emulate those that a compiler may choose for arrays. */
static inline uint32_t register_read(uintptr_t address)
{
        uint32_t value;

        __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
        return value;
}

static inline void register_write(uintptr_t address, uint32_t value)
{
        __asm__ volatile("str %w0, [%1]" ::"r"(value), "r"(address) : "memory");
}

static inline uint8_t register_read_byte(uintptr_t address)
{
        uint32_t value;

        __asm__ volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
        return (uint8_t)value;
}

static inline void register_write_byte(uintptr_t address, uint8_t value)
{
        __asm__ volatile("strb %w0, [%1]" ::"r"((uint32_t)value), "r"(address) : "memory");
}
