/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The entry, and what the tender says. */

#include "calls.h"

enum {
        STACK_SIZE = 64 * 1024, /* at the end of memory */
};

char boot_cmdline[CMDLINE_MAX];
bool boot_cmdline_cut;
uint64_t boot_memory_size;
uint64_t boot_memory_end;
const void *boot_manifest;
BootInfo boot_info;

void start(const BootInfo *info);

void start(const BootInfo *info)
{
        guest_main(0, (uintptr_t)info);
}

void boot_read(uint64_t magic, uint64_t info)
{
        size_t n;

        (void)magic;
        memcpy(&boot_info, (const void *)(uintptr_t)info, sizeof(boot_info));
        boot_manifest = boot_info.manifest;
        n = strlen(boot_info.cmdline);
        boot_cmdline_cut = n >= CMDLINE_MAX;
        memcpy(boot_cmdline, boot_info.cmdline, boot_cmdline_cut ? CMDLINE_MAX - 1 : n);
        boot_memory_size = boot_info.memory_size;
        boot_memory_end = boot_memory_size - STACK_SIZE;
}
