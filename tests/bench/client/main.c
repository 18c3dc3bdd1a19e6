/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line of bench-client, and what its files share. */

#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void die(const char *format, ...)
{
        va_list ap;

        (void) fputs("bench-client: ", stderr);
        va_start(ap, format);
        (void) vfprintf(stderr, format, ap);
        va_end(ap);
        (void) fputc('\n', stderr);
        exit(1);
}

uint64_t now_usec(void)
{
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * G_USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

char *fill_in(const char *text, const char *item)
{
        g_auto(GStrv) pieces = g_strsplit(text, "{}", -1);

        return g_strjoinv(item, pieces);
}

static int usage(FILE *file)
{
        (void) fputs("bench-client work [OPTION…] PEER OPERATION ITEM… [-- COMMAND…]\n"
                     "bench-client calls [OPTION…] KIND ARGUMENT NAME…\n\n"
                     "work: does OPERATION (start, stop, define, remove) with each ITEM. PEER is shruthi and "
                     "systemd (items\n"
                     "are unikernels), libvirt and libvirt-dbus (domains), unit+libvirt (a unit and then a "
                     "domain),\n"
                     "or command (COMMAND, in which {} is the item).\n"
                     "  --at-once=N     so many at the same time [1]\n"
                     "  --fifo=PATH     make this pair of FIFOs and say when the first byte came\n"
                     "  --socket=PATH   the same for a console's socket, which will be there\n"
                     "  --xml=FILE      the domain XML\n"
                     "  --digest=DIGEST the image\n"
                     "  --network=NAME  what a definition gets an address on\n"
                     "  --unit=UNIT     the unit\n"
                     "  --trace=FILE    tell the messages on the bus, and when FILE was opened; may be "
                     "repeated\n\n"
                     "calls: asks each bus NAME in turn. KIND is list, get, property or managed; ARGUMENT "
                     "a\n"
                     "unikernel's name, \"-\" where there is none. Of libvirt-dbus KIND is domains, or "
                     "domain with a\n"
                     "domain's object path.\n"
                     "  --count=N       so many calls to each [100]\n"
                     "  --rate=N        so many rounds a second [as many as there are]\n",
                        file);
        return file == stdout ? EXIT_SUCCESS : 2;
}

int main(int argc, char *argv[])
{
        if (argc > 1 && strcmp(argv[1], "work") == 0)
                return verb_work(argc - 1, argv + 1);
        if (argc > 1 && strcmp(argv[1], "calls") == 0)
                return verb_calls(argc - 1, argv + 1);

        return usage(argc > 1 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
}
