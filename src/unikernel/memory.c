/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The memory of guests. Called by shruthid when a definition is made or changed, and at each start. */

#include "unikernel/memory.h"

#include <glib.h>
#include <sys/sysinfo.h>

#include "common/size.h"


#define MIB UINT64_C(1048576)

/* QEMU puts the command line and a few tables after what it loads; on aarch64 the device tree, of 1 MiB, at
 * a multiple of 2 MiB (hw/arm/boot.c), and the initrd as far up as half of the memory, at most 128 MiB. */
#define LOAD_EXTRA         (64 * 1024)
#define LOAD_EXTRA_AARCH64 (4 * MIB)
#define INITRD_AARCH64     (128 * MIB)

/* What a guest gets beyond its image, if DefaultMemory= leaves it less. */
#define ROOM (16 * MIB)

/* Enough for a distribution's kernel to unpack itself and an initrd, with some room. */
#define LINUX_DEFAULT (256 * MIB)

static uint64_t add(uint64_t a, uint64_t b)
{
        return a + MIN(b, UINT64_MAX - a);
}

static uint64_t round_up(uint64_t bytes)
{
        return bytes > UINT64_MAX - MIB ? UINT64_MAX - UINT64_MAX % MIB : (bytes + MIB - 1) / MIB * MIB;
}

static uint64_t memory_needed_aarch64(const ImageInfo *info, uint64_t initrd_size)
{
        uint64_t behind = add(initrd_size, LOAD_EXTRA_AARCH64);
        uint64_t from_half = initrd_size == 0 ? 0 : add(behind, MIN(behind, INITRD_AARCH64));

        return round_up(MAX(add(info->loaded_end, behind), from_half));
}

/* The least memory in which the image can be loaded at all, in whole MiB; 0 if not known. */
static uint64_t memory_needed(const ImageInfo *info, uint64_t initrd_size)
{
        if (!info || info->loaded_end == 0)
                return 0;
        if (info->architecture == IMAGE_ARCHITECTURE_AARCH64)
                return memory_needed_aarch64(info, initrd_size);

        return round_up(add(add(info->loaded_end, initrd_size), LOAD_EXTRA));
}

uint64_t memory_effective(uint64_t asked, const ImageInfo *info, uint64_t initrd_size, const Conf *conf)
{
        uint64_t usual = conf->memory_default, needed = memory_needed(info, initrd_size);

        if (asked != 0)
                return asked;
        if (info && info->boot == IMAGE_BOOT_LINUX)
                usual = MAX(usual, LINUX_DEFAULT);

        return needed == 0 ? usual : MAX(usual, add(needed, ROOM));
}

uint64_t memory_overhead(const ImageInfo *info, const Conf *conf)
{
        return info && info->boot == IMAGE_BOOT_PROCESS ? MEMORY_OVERHEAD_PROCESS : conf->memory_overhead;
}

uint64_t memory_taken(bool process, const Conf *conf)
{
        return process ? MEMORY_TAKEN_PROCESS : conf->memory_overhead;
}

uint64_t memory_of_host(void)
{
        struct sysinfo info;

        if (sysinfo(&info) < 0)
                return UINT64_MAX;

        return ((uint64_t) info.totalram + info.totalswap) * info.mem_unit;
}

int memory_check(uint64_t memory, const ImageInfo *info, uint64_t initrd_size, uint64_t host,
                Error *ret_error)
{
        uint64_t needed = memory_needed(info, initrd_size);
        g_autofree char *shown = size_format(memory), *least = size_format(needed),
                        *most = size_format(host);

        if (memory < needed)
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "%s of memory (Memory=) is too little: loading the image%s takes %s, and "
                                "the guest needs more to run",
                                shown, initrd_size > 0 ? " with its initrd" : "", least);
        if (memory > host)
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "%s of memory (Memory=) is more than this host has: %s, swap included",
                                shown,
                                most);

        return 0;
}

int memory_check_use(uint64_t memory, const ImageInfo *info, Error *ret_error)
{
        g_autofree char *shown = size_format(memory);

        if (info->target == SOLO5_TARGET_VIRTIO && memory > MEMORY_SOLO5_MAX)
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "%s of memory (Memory=) is more than a Solo5 guest can use: the maximum is "
                                "1G",
                                shown);

        return 0;
}
