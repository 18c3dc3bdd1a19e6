/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the boot loader left in memory, copied before anything else may be written over it: the Multiboot
 * information (Multiboot Specification 0.6.96, section 3.3) or PVH's hvm_start_info (Xen's
 * include/public/arch-x86/hvm/start_info.h).
 */

#include "guest.h"

enum {
        MULTIBOOT_LOADER_MAGIC = 0x2badb002,
        MULTIBOOT_HAS_MEMORY = 1 << 0,
        MULTIBOOT_HAS_CMDLINE = 1 << 2,
        PVH_MAGIC = 0x336ec578,
        PVH_MEMORY_RAM = 1,
        MEMORY_START = 1 << 20,
        MEMORY_MAX = 1 << 30,
};

typedef struct MultibootInfo {
        uint32_t flags;
        uint32_t memory_lower;
        uint32_t memory_upper; /* KiB from 1 MiB on */
        uint32_t boot_device;
        uint32_t cmdline;
} MultibootInfo;

typedef struct PvhInfo {
        uint32_t magic;
        uint32_t version;
        uint32_t flags;
        uint32_t n_modules;
        uint64_t modules;
        uint64_t cmdline;
        uint64_t rsdp;
        uint64_t memory_map; /* version 1 */
        uint32_t n_memory_map;
} PvhInfo;

typedef struct PvhMemory {
        uint64_t start;
        uint64_t size;
        uint32_t type;
        uint32_t reserved;
} PvhMemory;

char boot_cmdline[CMDLINE_MAX];
bool boot_cmdline_cut;
uint64_t boot_memory_size;
uint64_t boot_memory_end;

static void cmdline_copy(const char *s)
{
        size_t n = strlen(s);

        boot_cmdline_cut = n >= CMDLINE_MAX;
        memcpy(boot_cmdline, s, boot_cmdline_cut ? CMDLINE_MAX - 1 : n);
}

static void multiboot_read(const MultibootInfo *info)
{
        if (info->flags & MULTIBOOT_HAS_CMDLINE) {
                const char *s = (const char *)(uintptr_t)info->cmdline;

                /* The first word is the kernel's own name: whatever stands before the first space, like
                 * Solo5. */
                while (*s != '\0' && *s++ != ' ')
                        compiler_barrier();
                cmdline_copy(s);
        }
        if (info->flags & MULTIBOOT_HAS_MEMORY)
                boot_memory_size = MEMORY_START + (uint64_t)info->memory_upper * 1024;
}

static void pvh_read(const PvhInfo *info)
{
        const PvhMemory *map = (const PvhMemory *)info->memory_map;

        if (info->cmdline)
                cmdline_copy((const char *)info->cmdline);
        for (uint32_t i = 0; info->version >= 1 && i < info->n_memory_map; i++)
                if (map[i].start == MEMORY_START && map[i].type == PVH_MEMORY_RAM)
                        boot_memory_size = map[i].start + map[i].size;
}

void boot_read(uint64_t magic, uint64_t info)
{
        if (magic == MULTIBOOT_LOADER_MAGIC)
                multiboot_read((const MultibootInfo *)info);
        else if (info && *(const uint32_t *)info == PVH_MAGIC)
                pvh_read((const PvhInfo *)info);

        if (boot_memory_size > MEMORY_MAX)
                boot_memory_size = MEMORY_MAX;
        boot_memory_end = boot_memory_size;
}
