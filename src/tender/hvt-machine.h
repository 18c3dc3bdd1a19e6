/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/kvm.h>
#include <stdbool.h>

#include "tender/hvt-memory.h"

#ifdef __aarch64__
/* Solo5 has no virtio target there. */
#define HVT_OTHERWISE "build the image for spt (MirageOS: `mirage configure -t spt`)"
#else
#define HVT_OTHERWISE                                                                                       \
        "build the image for another target (MirageOS: `mirage configure -t virtio`, or `-t spt`)"
#endif

/* The ring of Solo5 0.11 and later (include/hvt_ring.h), by which a guest sends and receives frames without
 * leaving its machine: it puts requests into memory that it shares with a thread of this program, and wakes
 * that by a write which KVM turns into an event. A guest of before does not look at it and makes calls;
 * there is no mark in an image. Guest and thread wait for each other by looking: where they have to share a
 * processor that takes longer than calls, so it is offered on demand, and never where there is one only. */
typedef struct HvtRing {
        HvtRingMemory *memory; /* the guest's, who may write anything there at any time */
        uint32_t head;         /* what has been served, as only this program counts it … */
        uint32_t tail;         /* … and what has been answered */
        int kick_fd;           /* an event for each time that the guest wants to be looked after */
        bool locked;           /* while requests are served */
} HvtRing;

/* A virtual machine of KVM's with one processor, nothing but memory, and no devices: what Solo5's hvt target
 * expects. Called by main(). */

typedef struct HvtMachine {
        TenderMemory memory;
        const Solo5Manifest *manifest;
        int processor_fd;
        int epoll_fd, timer_fd;
        uint64_t tsc_hz;     /* of the counter that the guest has its time from */
        struct kvm_run *run; /* where the processor says why it stopped */
        HvtRing *ring;       /* NULL if it has none */
} HvtMachine;

/* kvm_fd: /dev/kvm, not needed any more afterwards. ring: filled in if the memory has one. The errors tell
 * what KVM lacks here. */
int hvt_machine_make(
                int kvm_fd, const TenderMemory *memory, HvtRing *ring, HvtMachine *ret, Error *ret_error);

/* The processor is where it enters the guest, and has been run for no instruction at all: what the kernel
 * makes only then (a thread of its own, for instance) it has made. */
int hvt_machine_prepare(const HvtMachine *machine, uint64_t entry, Error *ret_error);

/* Serves the ring in a thread of its own from now on, if there is one. What this thread has given up before,
 * that one has as well; system calls are filtered for both afterwards. */
int hvt_machine_start_ring(const HvtMachine *machine, Error *ret_error);

/* Gives up all that only the preparations needed, and runs the guest to its end, which is this process's.
 * Returns only if it cannot be started; the error is NOT_SUPPORTED if system calls cannot be filtered. */
int hvt_machine_run(const HvtMachine *machine, Error *ret_error);

/* The same without giving anything up. */
_Noreturn void hvt_machine_loop(const HvtMachine *machine);

/* hvt-calls.c: serves the guest's call of that number, with its arguments at that address. Returns NULL, or
 * what is wrong with the call, after which the guest cannot go on. Does not return from the call that ends
 * it. */
const char *hvt_call(const HvtMachine *machine, unsigned number, uint64_t address);

/* The calls for a frame, with what becomes of it in ret (and size). */
const char *hvt_net_write(const HvtMachine *machine, HvtNet *call);
const char *hvt_net_read(const HvtMachine *machine, HvtNet *call);

/* hvt-ring.c: what of the memory the guest is not told of, since the ring is there; 0: none is offered. */
uint64_t hvt_ring_size(int kvm_fd, const Solo5Manifest *manifest);

/* At that address of the memory, which is nothing but zeros. */
int hvt_ring_make(int machine_fd, const TenderMemory *memory, uint64_t address, HvtRing *ret,
                Error *ret_error);

/* Tells the processor that somebody else is waited for. */
static inline void hvt_relax(void)
{
#ifdef __aarch64__
        __asm__ volatile("yield" ::: "memory");
#else
        __asm__ volatile("pause" ::: "memory");
#endif
}

/* Without a system call, which the filter would have to let through. */
void hvt_ring_lock(HvtRing *ring);
void hvt_ring_unlock(HvtRing *ring);

/* Serves what is there now. *ret_served: whether there was any. Returns NULL, or what is wrong with the
 * guest, after which it cannot go on. Under the lock. */
const char *hvt_ring_serve(const HvtMachine *machine, bool *ret_served);

/* The guest ends: what it has sent is sent. It does not run any more. */
void hvt_ring_drain(const HvtMachine *machine);

/* hvt-x86_64.c, hvt-aarch64.c: what differs between the processors that the target exists for, beside page
 * tables (hvt-memory.h). One of the two is built. */

/* What KVM must be capable of, ended by a name that is NULL. */
typedef struct HvtCapability {
        int number;
        const char *name;
} HvtCapability;

extern const HvtCapability hvt_capabilities[];

/* The machine's descriptor, or -1 with errno. */
int hvt_machine_create(int kvm_fd);

/* Makes the new processor what a guest may know of it. *ret_hz: how fast the counter is that the guest has
 * its time from. */
int hvt_processor_make(int kvm_fd, int machine_fd, int processor_fd, uint64_t *ret_hz, Error *ret_error);

/* Where a guest is entered: virtual memory on, no interrupts, HvtBootInfo's address as the only argument. */
int hvt_processor_set(const HvtMachine *machine, uint64_t entry, Error *ret_error);

/* The processor has stopped: serves the guest's call, if that is why. Returns what is wrong with the guest
 * if it cannot go on, NULL if it can. */
const char *hvt_processor_serve(const HvtMachine *machine);

/* The address of the instruction. */
uint64_t hvt_processor_where(const HvtMachine *machine);

/* What of the guest's wakes the thread of its ring; without the event's descriptor. */
extern const struct kvm_ioeventfd hvt_kick;

/* A guest without anything but this code, at SOLO5_IMAGE_MIN, that ends with HvtHalt at 0x101000. */
const void *hvt_check_code(size_t *ret_size);

/* hvt-machine.c: a step that KVM refuses. */
int hvt_refuse(int r, const char *step, Error *ret_error);
