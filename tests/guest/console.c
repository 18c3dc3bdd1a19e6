/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * COM1: output by polling, byte by byte, a line feed sent as carriage return and line feed, like Solo5. A
 * console that nobody reads stops the guest here. Input only for images that ask for it.
 */

#include <stdarg.h>

#include "guest.h"

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
};

bool console_silent;

void console_init(void)
{
        outb(UART_INTERRUPTS, 0);
        outb(UART_LINE, 0x80); /* the divisor: 115200 bit/s */
        outb(UART_DATA, 1);
        outb(UART_INTERRUPTS, 0);
        outb(UART_LINE, 0x03); /* 8N1 */
        outb(UART_FIFO, 0x07);
        outb(UART_MODEM, 0x0b); /* OUT2 lets interrupts through */
}

static void uart_write(char c)
{
        while (!(inb(UART_STATUS) & STATUS_OUTPUT_EMPTY))
                __asm__ volatile("pause");
        outb(UART_DATA, (uint8_t)c);
}

void console_putc(char c)
{
        if (console_silent)
                return;
        if (c == '\n')
                uart_write('\r');
        uart_write(c);
}

void console_write(const char *s, size_t n)
{
        for (size_t i = 0; i < n; i++)
                console_putc(s[i]);
}

void console_listen(void)
{
        cpu_irq_enable(IRQ_COM1);
        outb(UART_INTERRUPTS, 0x01);
}

bool console_getc(char *ret_c)
{
        if (!(inb(UART_STATUS) & STATUS_INPUT))
                return false;

        *ret_c = (char)inb(UART_DATA);
        return true;
}

static void print_number(uint64_t value, unsigned base, unsigned width, char fill)
{
        char digits[24];
        unsigned n = 0;

        do
                digits[n++] = "0123456789abcdef"[value % base];
        while ((value /= base) != 0);

        for (unsigned i = n; i < width; i++)
                console_putc(fill);
        while (n > 0)
                console_putc(digits[--n]);
}

/* %s %c %d %u %x with a width, a fill of zeroes, and l; nothing else. */
void console_printf(const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        for (const char *p = format; *p != '\0'; p++) {
                unsigned width = 0;
                bool is_long = false;
                char fill = ' ';
                const char *s;
                long value;

                if (*p != '%') {
                        console_putc(*p);
                        continue;
                }
                if (*++p == '0')
                        fill = '0';
                for (; *p >= '0' && *p <= '9'; p++)
                        width = width * 10 + (unsigned)(*p - '0');
                for (; *p == 'l'; p++)
                        is_long = true;

                switch (*p) {
                case 's':
                        s = va_arg(ap, const char *);
                        console_write(s, strlen(s));
                        break;
                case 'c':
                        console_putc((char)va_arg(ap, int));
                        break;
                case 'd':
                        value = is_long ? va_arg(ap, long) : va_arg(ap, int);
                        if (value < 0)
                                console_putc('-');
                        print_number(value < 0 ? -(uint64_t)value : (uint64_t)value, 10, width, fill);
                        break;
                case 'u':
                case 'x':
                        print_number(is_long ? va_arg(ap, unsigned long) : va_arg(ap, unsigned),
                                        *p == 'x' ? 16 : 10, width, fill);
                        break;
                default:
                        va_end(ap);
                        PANIC("console_printf: unknown conversion");
                }
        }
        va_end(ap);
}
