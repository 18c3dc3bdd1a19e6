/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/kvm.h>

#include "tender/hvt-memory.h"

/* A virtual machine of KVM's with one processor, nothing but memory, and no devices: what Solo5's hvt target
 * expects. Called by main(). */

typedef struct HvtMachine {
        TenderMemory memory;
        const Solo5Manifest *manifest;
        int processor_fd;
        int epoll_fd, timer_fd;
        uint64_t tsc_hz;
        struct kvm_run *run; /* where the processor says why it stopped */
} HvtMachine;

/* kvm_fd: /dev/kvm, not needed any more afterwards. The errors tell what KVM lacks here. */
int hvt_machine_make(int kvm_fd, const TenderMemory *memory, HvtMachine *ret, Error *ret_error);

/* The processor is where it enters the guest, and has been run for no instruction at all: what the kernel
 * makes only then (a thread of its own, for instance) it has made. */
int hvt_machine_prepare(const HvtMachine *machine, uint64_t entry, Error *ret_error);

/* Gives up all that only the preparations needed, and runs the guest to its end, which is this process's.
 * Returns only if it cannot be started; the error is NOT_SUPPORTED if system calls cannot be filtered. */
int hvt_machine_run(const HvtMachine *machine, Error *ret_error);

/* The same without giving anything up. */
_Noreturn void hvt_machine_loop(const HvtMachine *machine);

/* hvt-calls.c: serves the guest's call of that number, with its arguments at that address. Returns NULL, or
 * what is wrong with the call, after which the guest cannot go on. Does not return from the call that ends
 * it. */
const char *hvt_call(const HvtMachine *machine, unsigned number, uint64_t address);
