/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The ways out, and what a hostile guest tries beside what solo5/machine.c says:
 *
 *     --break=call:N[:A…]     calls the tender by number N with these arguments, and prints what it makes of them
 *     --break=at:N:ADDRESS    the same with arguments that are at that address
 *     --break=tables          maps all of its machine for itself, and 1 GiB behind, without protection
 *     --break=ring:N          puts N requests into the ring at once
 *     --break=ring-at:ADDRESS has what is at that address sent by the ring
 *     --break=port:N          writes to another port (x86_64)
 *     --break=address:N       writes to an address behind those of calls, and N bytes (aarch64)
 *     --break=pair:N          the same with two registers at once, as no call is made (aarch64)
 *     --break=hlt             halts the processor (x86_64)
 *     --break=hvc             calls a hypervisor (aarch64)
 */

#include "calls.h"

enum {
        TABLE_ENTRIES = 512,
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

        top[0] = table_entry(gigabytes);
        for (unsigned i = 0; i < 2; i++) {
                uint64_t *directory = memory_take(4096, 4096);

                gigabytes[i] = table_entry(directory);
                for (uint64_t j = 0; j < TABLE_ENTRIES; j++)
                        directory[j] = page_entry(i * GIB + j * (GIB / TABLE_ENTRIES));
        }
        console_flush();
        tables_use(top, gigabytes);
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
                relax();
}

bool break_otherwise(const char *what)
{
        const char *value;

        if ((value = startswith(what, "at:")))
                break_at(value);
        else if (streq(what, "tables"))
                break_tables();
        else if ((value = startswith(what, "ring:")))
                break_ring((uint32_t) number_parse(value, &value) - 1, 0);
        else if ((value = startswith(what, "ring-at:")))
                break_ring(0, (const void *) (uintptr_t) number_parse(value, &value));
        else
                return break_processor(what);
        return true;
}
