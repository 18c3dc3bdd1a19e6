/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What is printed: byte by byte, a line feed sent as carriage return and line feed, like Solo5. A console that
 * nobody reads stops the guest in uart_write().
 */

#include <stdarg.h>

#include "guest.h"

bool console_silent;

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
