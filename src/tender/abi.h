/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/image.h"

/* What Solo5's spt target finds in its memory, version 2 (include/spt_abi.h and include/mft_abi.h of Solo5),
 * and where. A guest's address is the process's own. */

#define SPT_MEMORY_BASE  UINT64_C(0x10000) /* the lowest that an ordinary user can map (vm.mmap_min_addr) */
#define SPT_BOOT_INFO    UINT64_C(0x11000)
#define SOLO5_CMDLINE_SIZE 8192             /* with its NUL */
#define TIMER_EVENT        ((uint32_t) ~1U) /* the timer's data in the epoll set; a network's is its index */

/* The only argument of the guest's entry. */
typedef struct SptBootInfo {
        uint64_t memory_size;
        uint64_t kernel_end;
        uint64_t cmdline;  /* an address */
        uint64_t manifest; /* an address */
        int32_t epoll_fd;
        int32_t timer_fd;
} SptBootInfo;

enum {
        SOLO5_MANIFEST_VERSION = 1,
        SOLO5_ENTRY_BLOCK = 1,
        SOLO5_ENTRY_NETWORK = 2,
        SOLO5_ENTRY_RESERVED_FIRST = 1 << 30,
};

typedef struct Solo5ManifestEntry {
        char name[MANIFEST_NAME_MAX + 1];
        uint32_t type;
        union {
                struct {
                        uint64_t capacity;
                        uint16_t block_size;
                } block;
                struct {
                        uint8_t mac[6];
                        uint16_t mtu;
                } network;
        };
        int32_t fd;
        bool attached __attribute__((aligned(8)));
} Solo5ManifestEntry;

typedef struct Solo5Manifest {
        uint32_t version;
        uint32_t n_entries;
        Solo5ManifestEntry entries[MANIFEST_DEVICES_MAX + 1];
} Solo5Manifest;

_Static_assert(sizeof(SptBootInfo) == 40, "as in spt_abi.h");
_Static_assert(offsetof(Solo5ManifestEntry, block) == 72, "as in mft_abi.h");
_Static_assert(offsetof(Solo5ManifestEntry, fd) == 88, "as in mft_abi.h");
_Static_assert(offsetof(Solo5ManifestEntry, attached) == 96, "as in mft_abi.h");
_Static_assert(sizeof(Solo5ManifestEntry) == 104, "as in mft_abi.h");
_Static_assert(offsetof(Solo5Manifest, entries) == 8, "as in mft_abi.h");

/* What stands from SPT_BOOT_INFO on. */
typedef struct SptLowMemory {
        SptBootInfo boot_info;
        Solo5Manifest manifest;
        char cmdline[SOLO5_CMDLINE_SIZE];
} SptLowMemory;

_Static_assert(offsetof(SptLowMemory, manifest) % 8 == 0, "the guest reads it in place");
