/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The PL011 (Arm DDI 0183): output by polling; input when it is asked for. */

#include "guest.h"
#include "machine.h"

enum {
        UART_DATA = UART + 0x00,
        UART_FLAGS = UART + 0x18,
        UART_LINE = UART + 0x2c,
        UART_CONTROL = UART + 0x30,
        UART_INTERRUPTS = UART + 0x38,

        FLAG_INPUT_EMPTY = 1 << 4,
        FLAG_OUTPUT_FULL = 1 << 5,
        INTERRUPT_INPUT = 1 << 4,
};

static bool listening;

void uart_init(void)
{
        register_write(UART_INTERRUPTS, 0);
        register_write(UART_CONTROL, 0);
        register_write(UART_LINE, 3 << 5);                 /* 8N1, no queues: each byte interrupts */
        register_write(UART_CONTROL, 1 << 9 | 1 << 8 | 1); /* receive, transmit, on */
}

void uart_write(char c)
{
        while (register_read(UART_FLAGS) & FLAG_OUTPUT_FULL)
                __asm__ volatile("yield");
        register_write(UART_DATA, (uint8_t)c);
}

void uart_listen(void)
{
        listening = true;
        cpu_irq_enable(IRQ_UART);
        register_write(UART_INTERRUPTS, INTERRUPT_INPUT);
}

/* The line stays up until all is read, which is not done here. */
void uart_interrupt(void)
{
        register_write(UART_INTERRUPTS, 0);
}

bool uart_has_input(void)
{
        if (!(register_read(UART_FLAGS) & FLAG_INPUT_EMPTY))
                return true;
        if (listening)
                register_write(UART_INTERRUPTS, INTERRUPT_INPUT);
        return false;
}

char uart_read(void)
{
        return (char)register_read(UART_DATA);
}
