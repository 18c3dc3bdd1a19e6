/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes a machine with KVM (kernel documentation, virt/kvm/api.rst), whatever its processor is. */

#include "tender/hvt-machine.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/io.h"

#define KVM_VERSION 12

int hvt_refuse(int r, const char *step, Error *ret_error)
{
        return error_set_errno(ret_error, r, "KVM does not work here (%s): " HVT_OTHERWISE, step);
}

static int kvm_check(int kvm_fd, Error *ret_error)
{
        int version = ioctl(kvm_fd, KVM_GET_API_VERSION, 0);

        if (version < 0)
                return error_set_errno(ret_error, errno,
                                "Descriptor %d for --kvm= cannot be used: open /dev/kvm for reading and "
                                "writing before this program is executed, without close-on-exec",
                                kvm_fd);
        if (version != KVM_VERSION)
                return error_set(ret_error, ERROR_FAILED,
                                "KVM has version %d here, only version %d is supported: " HVT_OTHERWISE,
                                version, KVM_VERSION);
        for (const HvtCapability *needed = hvt_capabilities; needed->name; needed++)
                if (ioctl(kvm_fd, KVM_CHECK_EXTENSION, needed->number) <= 0)
                        return error_set(ret_error, ERROR_FAILED,
                                        "This kernel's KVM lacks %s: " HVT_OTHERWISE, needed->name);

        return 0;
}

static int processor_make(int kvm_fd, int machine_fd, HvtMachine *ret, Error *ret_error)
{
        _cleanup_close_ int fd = ioctl(machine_fd, KVM_CREATE_VCPU, 0UL);
        int size = ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0), r;

        if (fd < 0)
                return hvt_refuse(errno, "KVM_CREATE_VCPU", ret_error);
        if (size < (int) sizeof *ret->run)
                return hvt_refuse(size < 0 ? errno : EPROTO, "KVM_GET_VCPU_MMAP_SIZE", ret_error);
        ret->run = mmap(NULL, (size_t) size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (ret->run == MAP_FAILED)
                return hvt_refuse(errno, "the processor's memory", ret_error);

        r = hvt_processor_make(kvm_fd, machine_fd, fd, &ret->tsc_hz, ret_error);
        if (r < 0)
                return r;

        ret->processor_fd = TAKE_FD(fd);
        return 0;
}

int hvt_machine_make(
                int kvm_fd, const TenderMemory *memory, HvtRing *ring, HvtMachine *ret, Error *ret_error)
{
        _cleanup_close_ int machine_fd = -1;
        const struct kvm_userspace_memory_region region = {
                        .memory_size = memory->size,
                        .userspace_addr = (uintptr_t) memory->base,
        };
        int r;

        r = kvm_check(kvm_fd, ret_error);
        if (r < 0)
                return r;
        machine_fd = hvt_machine_create(kvm_fd);
        if (machine_fd < 0)
                return hvt_refuse(errno, "KVM_CREATE_VM", ret_error);
        if (ioctl(machine_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
                return hvt_refuse(errno, "KVM_SET_USER_MEMORY_REGION", ret_error);

        if (memory->ring > 0) {
                r = hvt_ring_make(machine_fd, memory, memory->ring, ring, ret_error);
                if (r < 0)
                        return r;
                ret->ring = ring;
        }

        /* The machine lives as long as its processor's descriptor. */
        ret->memory = *memory;
        return processor_make(kvm_fd, machine_fd, ret, ret_error);
}

int hvt_machine_prepare(const HvtMachine *machine, uint64_t entry, Error *ret_error)
{
        int r = hvt_processor_set(machine, entry, ret_error);

        if (r < 0)
                return r;

        machine->run->immediate_exit = 1;
        if (ioctl(machine->processor_fd, KVM_RUN, 0) >= 0)
                return hvt_refuse(EPROTO, "KVM_RUN", ret_error);
        if (errno != EINTR)
                return hvt_refuse(errno, "KVM_RUN", ret_error);
        machine->run->immediate_exit = 0;
        return 0;
}
