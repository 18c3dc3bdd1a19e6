/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a unikernel does with storage: its first sector holds a counter of boots, and the rest can be filled
 * until a write fails. A first sector that holds anything else is left alone.
 */

#include "guest.h"

typedef struct Counter {
        char magic[12];
        uint32_t boots;
        uint8_t rest[SECTOR_SIZE - 16];
} Counter;

_Static_assert(sizeof(Counter) == SECTOR_SIZE, "the counter is one sector");

static const char counter_magic[12] = "guest-boots";

static bool counter_read(Block *device, Counter *ret)
{
        static const Counter nothing;

        if (block_sectors(device) == 0) {
                console_printf("%s: is empty\n", block_name(device));
                return false;
        }
        if (!block_read(device, 0, ret, 1)) {
                console_printf("%s: cannot be read\n", block_name(device));
                return false;
        }
        if (memcmp(ret, &nothing, sizeof(nothing)) == 0)
                memcpy(ret->magic, counter_magic, sizeof(counter_magic));
        if (memcmp(ret->magic, counter_magic, sizeof(counter_magic)) != 0) {
                console_printf("%s: holds something else, left alone\n", block_name(device));
                return false;
        }
        return true;
}

void volume_count_boot(Block *device)
{
        Counter counter, written;

        if (!counter_read(device, &counter))
                return;
        if (block_is_read_only(device)) {
                console_printf("%s: is read-only, the last was boot %u\n", block_name(device), counter.boots);
                return;
        }

        counter.boots++;
        if (!block_write(device, 0, &counter, 1) || !block_flush(device)) {
                console_printf("%s: cannot be written\n", block_name(device));
                return;
        }
        if (!block_read(device, 0, &written, 1) || memcmp(&written, &counter, sizeof(counter)) != 0) {
                console_printf("%s: does not hold what was written\n", block_name(device));
                return;
        }
        console_printf("boot %u\n", counter.boots);
}

/* Each sector is full of its own number, so that it is seen which of them were written; none is zero, which
 * a host may leave as a hole. */
static void pattern_make(uint64_t *words, uint64_t sector, size_t n_sectors)
{
        for (size_t i = 0; i < n_sectors * SECTOR_SIZE / sizeof(*words); i++)
                words[i] = sector + i * sizeof(*words) / SECTOR_SIZE;
}

void volume_fill(Block *device, uint64_t n_bytes)
{
        static uint64_t data[BLOCK_SECTORS_MAX * SECTOR_SIZE / sizeof(uint64_t)];
        uint64_t end = block_sectors(device), sector = 1;

        if (n_bytes > 0 && n_bytes / SECTOR_SIZE + 1 < end)
                end = n_bytes / SECTOR_SIZE + 1;

        while (sector < end) {
                size_t n = end - sector < BLOCK_SECTORS_MAX ? end - sector : BLOCK_SECTORS_MAX;

                pattern_make(data, sector, n);
                if (!block_write(device, sector, data, n)) {
                        console_printf("%s: a write failed at sector %lu, %lu bytes were written\n",
                                        block_name(device), sector, (sector - 1) * SECTOR_SIZE);
                        return;
                }
                sector += n;
        }
        if (!block_flush(device))
                console_printf("%s: a flush failed, %lu bytes were written\n", block_name(device),
                                (sector - 1) * SECTOR_SIZE);
        else
                console_printf("%s: filled, %lu bytes were written\n", block_name(device),
                                (sector - 1) * SECTOR_SIZE);
}
