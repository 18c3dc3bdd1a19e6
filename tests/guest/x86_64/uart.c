/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* COM1: output by polling; input only for images that ask for it. */

#include "guest.h"
#include "ports.h"

enum {
        COM1 = 0x3f8,
        UART_DATA = COM1 + 0,
        UART_INTERRUPTS = COM1 + 1,
        UART_FIFO = COM1 + 2,
        UART_LINE = COM1 + 3,
        UART_MODEM = COM1 + 4,
        UART_STATUS = COM1 + 5,

        STATUS_INPUT = 0x01,
        STATUS_OUTPUT_EMPTY = 0x20,
        IRQ_COM1 = 4,
};

void uart_init(void)
{
        outb(UART_INTERRUPTS, 0);
        outb(UART_LINE, 0x80); /* the divisor: 115200 bit/s */
        outb(UART_DATA, 1);
        outb(UART_INTERRUPTS, 0);
        outb(UART_LINE, 0x03); /* 8N1 */
        outb(UART_FIFO, 0x07);
        outb(UART_MODEM, 0x0b); /* OUT2 lets interrupts through */
}

void uart_write(char c)
{
        while (!(inb(UART_STATUS) & STATUS_OUTPUT_EMPTY))
                __asm__ volatile("pause");
        outb(UART_DATA, (uint8_t)c);
}

void uart_listen(void)
{
        cpu_irq_enable(IRQ_COM1);
        outb(UART_INTERRUPTS, 0x01);
}

bool uart_has_input(void)
{
        return inb(UART_STATUS) & STATUS_INPUT;
}

char uart_read(void)
{
        return (char)inb(UART_DATA);
}
