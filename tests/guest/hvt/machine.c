/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The ways out, and what a hostile guest tries beside what solo5/machine.c says:
 *
 *     --break=call:N[:A…]     calls the tender by number N with these arguments, and prints what it makes of
 * them
 *     --break=at:N:ADDRESS    the same with arguments that are at that address
 *     --break=port:N          writes to another port
 *     --break=tables          maps all of its machine for itself, and 1 GiB behind, without protection
 *     --break=hlt             halts the processor
 *     --break=ring:N          puts N requests into the ring at once
 *     --break=ring-at:ADDRESS has what is at that address sent by the ring
 */

#include "calls.h"

enum {
        TABLE_ENTRIES = 512,
        TABLE_USABLE = 0x3,
        TABLE_LARGE = 0x83,
        GIB = 1 << 30,
};

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

void triple_fault(void)
{
        static const struct {
                uint16_t limit;
                uint64_t base;
        } __attribute__((packed)) no_handlers;

        console_flush();
        __asm__ volatile("lidt %0; ud2" ::"m"(no_handlers));
}

void break_call(long number, long *a)
{
        call((unsigned)number, a);
        console_printf("break: %ld %ld %ld %ld %ld\n", a[0], a[1], a[2], a[3], a[4]);
}

static void break_at(const char *s)
{
        unsigned number = (unsigned)number_parse(s, &s);
        uintptr_t address = *s == ':' ? (uintptr_t)number_parse(s + 1, &s) : 0;

        console_flush();
        call(number, (void *)address);
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

/* The tender ends it. */
static void break_ring(uint32_t more, const void *data)
{
        Ring *ring = ring_offered();

        if (!ring)
                PANIC("--break=ring needs a ring");
        console_flush();
        ring->request_tail += more;
        ring_ask(ring, RING_WRITE, 0, data, 64);
        for (;;)
                __asm__ volatile("pause");
}

bool break_otherwise(const char *what)
{
        const char *value;

        if ((value = startswith(what, "at:")))
                break_at(value);
        else if ((value = startswith(what, "port:"))) {
                __asm__ volatile("outl %0, %1" ::"a"(0), "d"((uint16_t)number_parse(value, &value)));
                console_printf("break: came back\n");
        } else if (streq(what, "tables"))
                break_tables();
        else if ((value = startswith(what, "ring:")))
                break_ring((uint32_t) number_parse(value, &value) - 1, 0);
        else if ((value = startswith(what, "ring-at:")))
                break_ring(0, (const void *) (uintptr_t) number_parse(value, &value));
        else if (streq(what, "hlt"))
                __asm__ volatile("hlt");
        else
                return false;
        return true;
}
