/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a hostile guest tries, with either tender (further ways: spt/machine.c, hvt/machine.c):
 *
 *     --break=text:TEXT       puts TEXT into a buffer
 *     --break=call:N[:A…]     makes call N with these numbers, of which "b" is the buffer, see there
 *     --break=read:ADDRESS    reads a byte there, and prints it
 *     --break=write:ADDRESS   writes one
 *     --break=jump:heap       executes memory that was written before
 *     --break=jump:stack      the same, on the stack
 */

#include "host.h"

enum {
        BUFFER_SIZE = 64 * 1024,
};

static char buffer[BUFFER_SIZE];

void reset(void)
{
        power_status = 255;
        power_off(true);
}

static void parse_call(const char *s)
{
        long number = number_parse(s, &s), arguments[BREAK_ARGUMENTS] = {};

        for (unsigned i = 0; i < BREAK_ARGUMENTS && *s == ':'; i++) {
                s++;
                if (*s == 'b') {
                        arguments[i] = (long)buffer;
                        s++;
                } else
                        arguments[i] = number_parse(s, &s);
        }
        if (*s != '\0')
                PANIC("--break=call needs numbers");

        console_flush();
        break_call(number, arguments);
}

static void break_jump(void *code)
{
        /* Returns at once. */
#ifdef __x86_64__
        static const uint8_t instruction[] = {0xc3};
#else
        static const uint8_t instruction[] = {0xc0, 0x03, 0x5f, 0xd6};
#endif
        void (*function)(void) = (void (*)(void))(uintptr_t)code;

        memcpy(code, instruction, sizeof(instruction));
#ifdef __aarch64__
        __asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb" ::"r"(code) : "memory");
#endif
        console_flush();
        function();
        console_printf("break: came back\n");
}

bool machine_obey(const char *argument)
{
        const char *what = startswith(argument, "--break="), *value;
        uint64_t on_stack[2];

        if (!what)
                return false;

        console_flush();
        if ((value = startswith(what, "text:")))
                memcpy(buffer, value, strlen(value) + 1);
        else if ((value = startswith(what, "call:")))
                parse_call(value);
        else if ((value = startswith(what, "read:")))
                console_printf("break: read %u\n", *(volatile uint8_t *)(uintptr_t)number_parse(value, &value));
        else if ((value = startswith(what, "write:"))) {
                *(volatile uint8_t *)(uintptr_t)number_parse(value, &value) = 1;
                console_printf("break: written\n");
        } else if (streq(what, "jump:heap"))
                break_jump(memory_take(16, 16));
        else if (streq(what, "jump:stack"))
                break_jump(on_stack);
        else if (!break_otherwise(what))
                PANIC("--break cannot do that");
        return true;
}
