/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The console is written to by lines, which end as Unix's do. There is no input. */

#include "host.h"

static char line[512];
static size_t n_line;
static bool returned; /* a carriage return is held back */

void console_flush(void)
{
        for (size_t done = 0; done < n_line;) {
                long n = host_console_write(line + done, n_line - done);

                if (n <= 0)
                        break;
                done += (size_t)n;
        }
        n_line = 0;
}

static void put(char c)
{
        line[n_line++] = c;
        if (c == '\n' || n_line == sizeof(line))
                console_flush();
}

void uart_init(void)
{
}

void uart_write(char c)
{
        if (returned && c != '\n')
                put('\r');
        returned = c == '\r';
        if (!returned)
                put(c);
}

void uart_listen(void)
{
}

bool uart_has_input(void)
{
        return false;
}

char uart_read(void)
{
        return '\0';
}
