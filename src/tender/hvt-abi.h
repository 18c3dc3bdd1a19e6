/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tender/abi.h"

/* What Solo5's hvt target finds in its memory, and how it calls (include/hvt_abi.h of Solo5, version 2). The
 * machine's addresses begin at 0 and are mapped one to one. A call is a write of 32 bits, the address where
 * its arguments are: on x86_64 to a port, HVT_PORT and the call's number; on aarch64, which has none, to an
 * address behind all memory, HVT_ADDRESS and HVT_ADDRESS_STEP for each number. */

#define HVT_BOOT_INFO UINT64_C(0x10000)
#define HVT_PORT      0x500
#define HVT_KICK_PORT 0x600 /* of the ring */

#define HVT_ADDRESS        UINT64_C(0x100000000)
#define HVT_ADDRESS_STEP   8
#define HVT_ADDRESSES_SIZE UINT64_C(0x40000000) /* what is mapped there */
#define HVT_KICK_ADDRESS   (HVT_ADDRESS + 0x100)

/* What is wrong with a guest that left its memory by another address, or to no call. */
#define HVT_ELSEWHERE "it used an address that is not in its memory"

enum {
        HVT_CALL_WALLTIME = 1,
        HVT_CALL_PUTS,
        HVT_CALL_POLL,
        HVT_CALL_BLOCK_WRITE,
        HVT_CALL_BLOCK_READ,
        HVT_CALL_NET_WRITE,
        HVT_CALL_NET_READ,
        HVT_CALL_HALT,
        HVT_CALLS_END,

        /* What calls come to (solo5_result_t of include/solo5.h). */
        HVT_OK = 0,
        HVT_AGAIN = 1,
        HVT_INVALID = 2,
        HVT_UNSPECIFIED = 3,
};

/* host_features */
#define HVT_FEATURE_RING 1U

/* The only argument of the guest's entry. */
typedef struct HvtBootInfo {
        uint64_t memory_size;
        uint64_t kernel_end;
        uint64_t tsc_hz;   /* of the time stamp counter, or on aarch64 of cntvct_el0 */
        uint64_t cmdline;  /* an address */
        uint64_t manifest; /* an address */
        uint32_t host_features;
        uint32_t guest_features;
        uint64_t net_ring; /* an address */
} HvtBootInfo;

/* What stands from HVT_BOOT_INFO on. */
typedef struct HvtLowMemory {
        HvtBootInfo boot_info;
        Solo5Manifest manifest;
        char cmdline[SOLO5_CMDLINE_SIZE];
} HvtLowMemory;

typedef struct HvtWalltime {
        uint64_t ret_ns;
} HvtWalltime;

typedef struct HvtPuts {
        uint64_t data;
        uint64_t size;
} HvtPuts;

typedef struct HvtPoll {
        uint64_t timeout_ns;
        uint64_t ret_ready; /* bits by entry of the manifest */
        int32_t ret_n;
} HvtPoll;

typedef struct HvtBlock {
        uint64_t entry; /* of the manifest */
        uint64_t offset;
        uint64_t data;
        uint64_t size;
        int32_t ret;
} HvtBlock;

typedef struct HvtNet {
        uint64_t entry;
        uint64_t data;
        uint64_t size; /* of what was read, too */
        int32_t ret;
} HvtNet;

typedef struct HvtHalt {
        uint64_t cookie;
        int32_t status;
} HvtHalt;

/* The ring (include/hvt_ring.h): requests of the guest, answers to those that read. Each counter goes up for
 * ever, and is written by one side only. */
enum {
        HVT_RING_SIZE = 1024,
        HVT_RING_WRITE = 1,
        HVT_RING_READ = 2,
};

typedef struct HvtRingRequest {
        uint32_t operation;
        uint32_t entry; /* of the manifest */
        uint64_t data;
        uint32_t size;
        uint32_t id;
        uint64_t unused;
} HvtRingRequest;

typedef struct HvtRingAnswer {
        uint32_t id;
        int32_t ret;
        uint32_t size;
        uint32_t unused;
} HvtRingAnswer;

typedef struct HvtRingMemory {
        uint32_t request_tail; /* the guest's */
        uint32_t answer_head;
        uint32_t request_head __attribute__((aligned(64))); /* ours */
        uint32_t answer_tail;
        uint32_t needs_kick;
        HvtRingRequest requests[HVT_RING_SIZE] __attribute__((aligned(64)));
        HvtRingAnswer answers[HVT_RING_SIZE];
} HvtRingMemory;

_Static_assert(sizeof(HvtRingRequest) == 32, "as in hvt_ring.h");
_Static_assert(sizeof(HvtRingAnswer) == 16, "as in hvt_ring.h");
_Static_assert(offsetof(HvtRingMemory, request_head) == 64, "as in hvt_ring.h");
_Static_assert(offsetof(HvtRingMemory, needs_kick) == 72, "as in hvt_ring.h");
_Static_assert(offsetof(HvtRingMemory, requests) == 128, "as in hvt_ring.h");
_Static_assert(offsetof(HvtRingMemory, answers) == 128 + 1024 * 32, "as in hvt_ring.h");
_Static_assert(sizeof(HvtBootInfo) == 56, "as in hvt_abi.h");
_Static_assert(offsetof(HvtLowMemory, manifest) % 8 == 0, "the guest reads it in place");
_Static_assert(sizeof(HvtPoll) == 24, "as in hvt_abi.h");
_Static_assert(sizeof(HvtBlock) == 40, "as in hvt_abi.h");
_Static_assert(sizeof(HvtNet) == 32, "as in hvt_abi.h");
_Static_assert(sizeof(HvtHalt) == 16, "as in hvt_abi.h");
