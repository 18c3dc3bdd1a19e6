/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The ports of PCI's devices, which are memory here. */

#include "machine.h"

static inline void outb(uint16_t port, uint8_t value)
{
        register_write_byte(PCI_PORTS + port, value);
}

static inline void outw(uint16_t port, uint16_t value)
{
        __asm__ volatile("strh %w0, [%1]" ::"r"((uint32_t)value), "r"((uintptr_t)PCI_PORTS + port) : "memory");
}

static inline void outl(uint16_t port, uint32_t value)
{
        register_write(PCI_PORTS + port, value);
}

static inline uint8_t inb(uint16_t port)
{
        return register_read_byte(PCI_PORTS + port);
}

static inline uint16_t inw(uint16_t port)
{
        uint32_t value;

        __asm__ volatile("ldrh %w0, [%1]" : "=r"(value) : "r"((uintptr_t)PCI_PORTS + port) : "memory");
        return (uint16_t)value;
}

static inline uint32_t inl(uint16_t port)
{
        return register_read(PCI_PORTS + port);
}
