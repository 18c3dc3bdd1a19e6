/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The ways out, which are one here, and what a hostile guest tries beside what solo5/machine.c says:
 *
 *     --break=call:N[:A…]     makes system call N with these arguments, and prints the result
 *     --break=int80           makes a system call as programs of 32 bits do
 */

#include "calls.h"

void power_off(bool quiet)
{
        (void)quiet;
        console_flush();
        for (;;)
                call(CALL_EXIT_GROUP, power_status, 0, 0, 0, 0);
}

void triple_fault(void)
{
        cpu_invalid_instruction();
}

void break_call(long number, long *a)
{
        console_printf("break: %ld\n", call(number, a[0], a[1], a[2], a[3], a[4]));
}

bool break_otherwise(const char *what)
{
#ifdef __x86_64__
        if (streq(what, "int80")) {
                __asm__ volatile("int $0x80" ::"a"(1), "b"(0) : "memory");
                return true;
        }
#else
        (void)what;
#endif
        return false;
}
