/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How the guest ends, in the words and the order of Solo5's bindings (exit.c, abort.c, virtio/platform.c): a
 * line that says why, the machine's soft off as since 0.12, and "Halted" for where that does not work. The halt
 * after a power-off that does work may still get a word out: Solo5 does the same.
 */

#include "guest.h"

bool power_off_works = true;
int power_status;

_noreturn_ static void end(void)
{
        if (power_off_works)
                power_off(false);
        console_printf("Solo5: Halted\n");
        cpu_halt();
}

void guest_exit(int status)
{
        console_printf("Solo5: solo5_exit(%d) called\n", status);
        power_status = status;
        end();
}

void guest_abort(void)
{
        console_printf("Solo5: solo5_abort() called\n");
        power_status = 255;
        end();
}

void guest_panic(const char *file, int line, const char *message)
{
        for (const char *p = file; *p != '\0'; p++)
                if (*p == '/')
                        file = p + 1;
        console_printf("Solo5: ABORT: %s:%d: %s\n", file, line, message);
        power_status = 255;
        end();
}
