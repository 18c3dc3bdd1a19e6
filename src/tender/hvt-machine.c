/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes a machine with KVM (kernel documentation, virt/kvm/api.rst), in the state that Solo5's guests are
 * entered in: long mode, with paging on, all segments flat, no interrupts. */

#include "tender/hvt-machine.h"

#include <glib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/io.h"

#define KVM_VERSION      12
#define CPUID_MAX        256
#define CPUID_HYPERVISOR UINT32_C(0x40000000) /* to 0x4fffffff: what hypervisors say of themselves */
#define CPUID_COUNTERS     0xaU
#define CPUID_ENCLAVES     0x12U
#define CPUID_SVM          0x8000000aU
#define CPUID_AMD_COUNTERS 0x80000022U

/* Newer than Debian 12's headers may be. */
#ifndef KVM_CAP_ENFORCE_PV_FEATURE_CPUID
#define KVM_CAP_ENFORCE_PV_FEATURE_CPUID 190
#endif

/* Of the processor's manual (Intel SDM volume 3, 2.5; AMD APM volume 2, 3.1). */
#define CR0_PROTECTED  (UINT64_C(1) << 0)
#define CR0_EXTENSION  (UINT64_C(1) << 4)
#define CR0_FPU_ERRORS (UINT64_C(1) << 5)
#define CR0_READ_ONLY  (UINT64_C(1) << 16) /* holds for the kernel, too */
#define CR0_PAGING     (UINT64_C(1) << 31)
#define CR4_PAE        (UINT64_C(1) << 5)
#define CR4_SSE        (UINT64_C(3) << 9) /* saved by the system, with exceptions */
#define EFER_LONG_MODE (UINT64_C(5) << 8) /* enabled, active */
#define EFER_NX        (UINT64_C(1) << 11)
#define RFLAGS_ALWAYS  UINT64_C(2)

#define WITHOUT ": build the image for another target (MirageOS: `mirage configure -t virtio`, or `-t spt`)"

static int machine_refuse(int r, const char *step, Error *ret_error)
{
        return error_set_errno(ret_error, r, "KVM does not work here (%s)" WITHOUT, step);
}

static int kvm_check(int kvm_fd, Error *ret_error)
{
        static const struct {
                int capability;
                const char *name;
        } needed[] = {
                        {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
                        {KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID"},
                        {KVM_CAP_GET_TSC_KHZ, "KVM_CAP_GET_TSC_KHZ"},
                        {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
        };
        int version = ioctl(kvm_fd, KVM_GET_API_VERSION, 0);

        if (version < 0)
                return error_set_errno(ret_error, errno,
                                "Descriptor %d for --kvm= cannot be used: open /dev/kvm for reading and "
                                "writing before this program is executed, without close-on-exec",
                                kvm_fd);
        if (version != KVM_VERSION)
                return error_set(ret_error, ERROR_FAILED,
                                "KVM has version %d here, only version %d is supported" WITHOUT, version,
                                KVM_VERSION);
        for (size_t i = 0; i < G_N_ELEMENTS(needed); i++)
                if (ioctl(kvm_fd, KVM_CHECK_EXTENSION, needed[i].capability) <= 0)
                        return error_set(ret_error, ERROR_FAILED, "This kernel's KVM lacks %s" WITHOUT,
                                        needed[i].name);

        return 0;
}

/* What a guest has no use for, and what is large behind it: virtual machines of its own, enclaves, counters
 * of events, sleeping, and timers that it has no interrupts for. */
static bool feature_leaf_is_passed(uint32_t function)
{
        return (function & 0xf0000000) != CPUID_HYPERVISOR && function != CPUID_COUNTERS &&
               function != CPUID_ENCLAVES && function != CPUID_SVM && function != CPUID_AMD_COUNTERS;
}

static void feature_leaf_restrict(struct kvm_cpuid_entry2 *entry)
{
        enum {
                MONITOR = 1 << 3,
                VMX = 1 << 5,
                SMX = 1 << 6,
                PDCM = 1 << 15,
                X2APIC = 1 << 21,
                TSC_DEADLINE = 1 << 24,
                SGX = 1 << 2,
                SGX_LAUNCH = 1 << 30,
                SVM = 1 << 2,
                AMD_COUNTERS = 3 << 23,
        };

        if (entry->function == 1)
                entry->ecx &= ~(uint32_t) (MONITOR | VMX | SMX | PDCM | X2APIC | TSC_DEADLINE);
        else if (entry->function == 7 && entry->index == 0) {
                entry->ebx &= ~(uint32_t) SGX;
                entry->ecx &= ~(uint32_t) SGX_LAUNCH;
        } else if (entry->function == 0x80000001)
                entry->ecx &= ~(uint32_t) (SVM | AMD_COUNTERS);
}

/* The processor's own features as far as KVM passes them on and a guest may have use for them, and nothing
 * of KVM's own. */
static int processor_set_features(int kvm_fd, int processor_fd, Error *ret_error)
{
        g_autofree struct kvm_cpuid2 *cpuid =
                        g_malloc0(sizeof *cpuid + CPUID_MAX * sizeof(struct kvm_cpuid_entry2));
        struct kvm_enable_cap enforce = {.cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID, .args = {1}};
        uint32_t n = 0;

        cpuid->nent = CPUID_MAX;
        if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid) < 0)
                return machine_refuse(errno, "KVM_GET_SUPPORTED_CPUID", ret_error);

        for (uint32_t i = 0; i < cpuid->nent; i++)
                if (feature_leaf_is_passed(cpuid->entries[i].function)) {
                        cpuid->entries[n] = cpuid->entries[i];
                        feature_leaf_restrict(&cpuid->entries[n++]);
                }
        cpuid->nent = n;
        if (ioctl(processor_fd, KVM_SET_CPUID2, cpuid) < 0)
                return machine_refuse(errno, "KVM_SET_CPUID2", ret_error);

        /* Since Linux 5.10. */
        (void) ioctl(processor_fd, KVM_ENABLE_CAP, &enforce);
        return 0;
}

static int processor_make(int kvm_fd, int machine_fd, HvtMachine *ret, Error *ret_error)
{
        _cleanup_close_ int fd = ioctl(machine_fd, KVM_CREATE_VCPU, 0UL);
        int size = ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0), khz, r;

        if (fd < 0)
                return machine_refuse(errno, "KVM_CREATE_VCPU", ret_error);
        if (size < (int) sizeof *ret->run)
                return machine_refuse(size < 0 ? errno : EPROTO, "KVM_GET_VCPU_MMAP_SIZE", ret_error);
        ret->run = mmap(NULL, (size_t) size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (ret->run == MAP_FAILED)
                return machine_refuse(errno, "the processor's memory", ret_error);

        r = processor_set_features(kvm_fd, fd, ret_error);
        if (r < 0)
                return r;
        khz = ioctl(fd, KVM_GET_TSC_KHZ, 0);
        if (khz <= 0)
                return error_set_errno(ret_error, khz < 0 ? errno : EIO,
                                "KVM has no clock for the guest: this host's time stamp counter is not "
                                "stable" WITHOUT);

        ret->tsc_hz = (uint64_t) khz * 1000;
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
        struct kvm_enable_cap no_counters = {.cap = KVM_CAP_PMU_CAPABILITY, .args = {KVM_PMU_CAP_DISABLE}};
        int r;

        r = kvm_check(kvm_fd, ret_error);
        if (r < 0)
                return r;
        machine_fd = ioctl(kvm_fd, KVM_CREATE_VM, 0UL);
        if (machine_fd < 0)
                return machine_refuse(errno, "KVM_CREATE_VM", ret_error);
        /* Since Linux 5.18; elsewhere the features above do not tell of them. */
        (void) ioctl(machine_fd, KVM_ENABLE_CAP, &no_counters);
        if (ioctl(machine_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
                return machine_refuse(errno, "KVM_SET_USER_MEMORY_REGION", ret_error);

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

static struct kvm_segment segment_flat(uint16_t selector, uint8_t type, bool is_code)
{
        return (struct kvm_segment){
                        .limit = UINT32_MAX,
                        .selector = selector,
                        .type = type,
                        .present = 1,
                        .s = 1,
                        .l = is_code,
                        .db = !is_code,
                        .g = 1,
        };
}

static int processor_set_registers(const HvtMachine *machine, uint64_t entry, Error *ret_error)
{
        const struct kvm_segment code = segment_flat(8, 11, true), data = segment_flat(16, 3, false);
        const struct kvm_regs registers = {
                        .rip = entry,
                        .rflags = RFLAGS_ALWAYS,
                        .rsp = machine->memory.size - 8, /* as after a call, psABI 3.2.2 */
                        .rdi = HVT_BOOT_INFO,
        };
        struct kvm_sregs system;

        if (ioctl(machine->processor_fd, KVM_GET_SREGS, &system) < 0)
                return machine_refuse(errno, "KVM_GET_SREGS", ret_error);

        system.cr0 = CR0_PROTECTED | CR0_EXTENSION | CR0_FPU_ERRORS | CR0_READ_ONLY | CR0_PAGING;
        system.cr3 = HVT_TABLES;
        system.cr4 = CR4_PAE | CR4_SSE;
        system.efer = EFER_LONG_MODE | EFER_NX;
        system.cs = code;
        system.ds = system.es = system.fs = system.gs = system.ss = data;
        system.tr = (struct kvm_segment){.type = 11, .present = 1};
        system.ldt = (struct kvm_segment){.unusable = 1};
        /* None: Solo5's bindings bring their own, and a trap before that is the guest's end. */
        system.gdt = (struct kvm_dtable){};
        system.idt = (struct kvm_dtable){};
        if (ioctl(machine->processor_fd, KVM_SET_SREGS, &system) < 0)
                return machine_refuse(errno, "KVM_SET_SREGS", ret_error);
        if (ioctl(machine->processor_fd, KVM_SET_REGS, &registers) < 0)
                return machine_refuse(errno, "KVM_SET_REGS", ret_error);

        return 0;
}

int hvt_machine_prepare(const HvtMachine *machine, uint64_t entry, Error *ret_error)
{
        int r = processor_set_registers(machine, entry, ret_error);

        if (r < 0)
                return r;

        machine->run->immediate_exit = 1;
        if (ioctl(machine->processor_fd, KVM_RUN, 0) >= 0)
                return machine_refuse(EPROTO, "KVM_RUN", ret_error);
        if (errno != EINTR)
                return machine_refuse(errno, "KVM_RUN", ret_error);
        machine->run->immediate_exit = 0;
        return 0;
}
