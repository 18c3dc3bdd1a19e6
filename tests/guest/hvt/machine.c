/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The ways out, and what a hostile guest tries:
 *
 *     --break=text:TEXT       puts TEXT into a buffer
 *     --break=call:N[:A…]     calls the tender by number N with these arguments, of which "b" is the buffer, and prints
 *                             what it makes of them
 *     --break=at:N:ADDRESS    the same with arguments that are at that address
 *     --break=read:ADDRESS    reads a byte there, and prints it
 *     --break=write:ADDRESS   writes one
 *     --break=jump:heap       executes memory that was written before
 *     --break=jump:stack      the same, on the stack
 *     --break=port:N          writes to another port
 *     --break=tables          maps all of its machine for itself, and 1 GiB behind, without protection
 *     --break=hlt             halts the processor
 */

#include "calls.h"

enum {
        BUFFER_SIZE = 64 * 1024,
        ARGUMENTS = 5,
        TABLE_ENTRIES = 512,
        TABLE_USABLE = 0x3,
        TABLE_LARGE = 0x83,
        GIB = 1 << 30,
};

static char buffer[BUFFER_SIZE];

void power_off(bool quiet)
{
        volatile struct {
                void *cookie;
                int status;
        } halt = {0, power_status};

        (void)quiet;
        console_flush();
        for (;;)
                call(CALL_HALT, &halt);
}

void reset(void)
{
        power_status = 255;
        power_off(true);
}

void triple_fault(void)
{
        static const struct {
                uint16_t limit;
                uint64_t base;
        } __attribute__((packed)) no_handlers;

        console_flush();
        __asm__ volatile("lidt %0; ud2" ::"m"(no_handlers));
}

static void break_call(const char *s)
{
        volatile long arguments[ARGUMENTS] = {};
        unsigned number = (unsigned)number_parse(s, &s);

        for (unsigned i = 0; i < ARGUMENTS && *s == ':'; i++) {
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
        call(number, arguments);
        console_printf("break: %ld %ld %ld %ld %ld\n", arguments[0], arguments[1], arguments[2], arguments[3],
                        arguments[4]);
}

static void break_at(const char *s)
{
        unsigned number = (unsigned)number_parse(s, &s);
        uintptr_t address = *s == ':' ? (uintptr_t)number_parse(s + 1, &s) : 0;

        console_flush();
        call(number, (void *)address);
        console_printf("break: came back\n");
}

static void break_jump(void *code)
{
        static const uint8_t instruction = 0xc3; /* returns at once */
        void (*function)(void) = (void (*)(void))(uintptr_t)code;

        memcpy(code, &instruction, sizeof(instruction));
        console_flush();
        function();
        console_printf("break: came back\n");
}

/* Its stack stays where it is: everything is mapped one to one, as before. */
static void break_tables(void)
{
        uint64_t *top = memory_take(4096, 4096), *gigabytes = memory_take(4096, 4096);

        top[0] = (uintptr_t)gigabytes | TABLE_USABLE;
        for (unsigned i = 0; i < 2; i++) {
                uint64_t *directory = memory_take(4096, 4096);

                gigabytes[i] = (uintptr_t)directory | TABLE_USABLE;
                for (uint64_t j = 0; j < TABLE_ENTRIES; j++)
                        directory[j] = (i * GIB + j * (GIB / TABLE_ENTRIES)) | TABLE_LARGE;
        }
        console_flush();
        __asm__ volatile("movq %0, %%cr3" ::"r"(top) : "memory");
        console_printf("break: mapped\n");
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
                break_call(value);
        else if ((value = startswith(what, "at:")))
                break_at(value);
        else if ((value = startswith(what, "read:")))
                console_printf("break: read %u\n", *(volatile uint8_t *)(uintptr_t)number_parse(value, &value));
        else if ((value = startswith(what, "write:"))) {
                *(volatile uint8_t *)(uintptr_t)number_parse(value, &value) = 1;
                console_printf("break: written\n");
        } else if (streq(what, "jump:heap"))
                break_jump(memory_take(16, 16));
        else if (streq(what, "jump:stack"))
                break_jump(on_stack);
        else if ((value = startswith(what, "port:"))) {
                __asm__ volatile("outl %0, %1" ::"a"(0), "d"((uint16_t)number_parse(value, &value)));
                console_printf("break: came back\n");
        } else if (streq(what, "tables"))
                break_tables();
        else if (streq(what, "hlt"))
                __asm__ volatile("hlt");
        else
                PANIC("--break cannot do that");
        return true;
}
