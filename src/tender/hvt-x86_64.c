/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A guest's processor on x86_64, in the state that Solo5's guests are entered in: long mode, with paging on,
 * all segments flat, no interrupts. */

#include <glib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "tender/hvt-machine.h"

/* Entries of page tables (Intel SDM volume 3, 4.5; AMD APM volume 2, 5.3). */
#define ENTRY_PRESENT  UINT64_C(0x1)
#define ENTRY_WRITABLE UINT64_C(0x2)
/* Accessed, dirty: so that the processor has nothing to write there. */
#define ENTRY_SEEN       UINT64_C(0x60)
#define ENTRY_LARGE      UINT64_C(0x80)
#define ENTRY_NO_EXECUTE (UINT64_C(1) << 63)

#define CPUID_MAX          256
#define CPUID_HYPERVISOR   UINT32_C(0x40000000) /* to 0x4fffffff: what hypervisors say of themselves */
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

const HvtCapability hvt_capabilities[] = {
                {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
                {KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID"},
                {KVM_CAP_GET_TSC_KHZ, "KVM_CAP_GET_TSC_KHZ"},
                {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
                {0, NULL},
};

const struct kvm_ioeventfd hvt_kick = {
                .addr = HVT_KICK_PORT,
                .len = sizeof(uint32_t),
                .flags = KVM_IOEVENTFD_FLAG_PIO,
};

uint64_t hvt_table_entry(uint64_t table)
{
        return table | ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_SEEN;
}

uint64_t hvt_page_entry(uint64_t page, unsigned rights, bool is_large)
{
        return page | ENTRY_PRESENT | ENTRY_SEEN | ((rights & HVT_PAGE_WRITE) ? ENTRY_WRITABLE : 0) |
               ((rights & HVT_PAGE_EXECUTE) ? 0 : ENTRY_NO_EXECUTE) | (is_large ? ENTRY_LARGE : 0);
}

void hvt_tables_complete(uint64_t *gigabytes)
{
        (void) gigabytes; /* calls are made by ports */
}

int hvt_machine_create(int kvm_fd)
{
        struct kvm_enable_cap no_counters = {.cap = KVM_CAP_PMU_CAPABILITY, .args = {KVM_PMU_CAP_DISABLE}};
        int fd = ioctl(kvm_fd, KVM_CREATE_VM, 0UL);

        /* Since Linux 5.18; elsewhere the features below do not tell of them. */
        if (fd >= 0)
                (void) ioctl(fd, KVM_ENABLE_CAP, &no_counters);
        return fd;
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
                return hvt_refuse(errno, "KVM_GET_SUPPORTED_CPUID", ret_error);

        for (uint32_t i = 0; i < cpuid->nent; i++)
                if (feature_leaf_is_passed(cpuid->entries[i].function)) {
                        cpuid->entries[n] = cpuid->entries[i];
                        feature_leaf_restrict(&cpuid->entries[n++]);
                }
        cpuid->nent = n;
        if (ioctl(processor_fd, KVM_SET_CPUID2, cpuid) < 0)
                return hvt_refuse(errno, "KVM_SET_CPUID2", ret_error);

        /* Since Linux 5.10. */
        (void) ioctl(processor_fd, KVM_ENABLE_CAP, &enforce);
        return 0;
}

int hvt_processor_make(int kvm_fd, int machine_fd, int processor_fd, uint64_t *ret_hz, Error *ret_error)
{
        int khz, r = processor_set_features(kvm_fd, processor_fd, ret_error);

        (void) machine_fd;
        if (r < 0)
                return r;
        khz = ioctl(processor_fd, KVM_GET_TSC_KHZ, 0);
        if (khz <= 0)
                return error_set_errno(ret_error, khz < 0 ? errno : EIO,
                                "KVM has no clock for the guest: this host's time stamp counter is not "
                                "stable: " HVT_OTHERWISE);

        *ret_hz = (uint64_t) khz * 1000;
        return 0;
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

int hvt_processor_set(const HvtMachine *machine, uint64_t entry, Error *ret_error)
{
        const struct kvm_segment code = segment_flat(8, 11, true), data = segment_flat(16, 3, false);
        const struct kvm_regs registers = {
                        .rip = entry,
                        .rflags = RFLAGS_ALWAYS,
                        /* As after a call (psABI 3.2.2). */
                        .rsp = tender_memory_end(&machine->memory) - 8,
                        .rdi = HVT_BOOT_INFO,
        };
        struct kvm_sregs system;

        if (ioctl(machine->processor_fd, KVM_GET_SREGS, &system) < 0)
                return hvt_refuse(errno, "KVM_GET_SREGS", ret_error);

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
                return hvt_refuse(errno, "KVM_SET_SREGS", ret_error);
        if (ioctl(machine->processor_fd, KVM_SET_REGS, &registers) < 0)
                return hvt_refuse(errno, "KVM_SET_REGS", ret_error);

        return 0;
}

const char *hvt_processor_serve(const HvtMachine *machine)
{
        const struct kvm_run *run = machine->run;
        uint32_t address;

        switch (run->exit_reason) {
        case KVM_EXIT_IO:
                if (run->io.direction != KVM_EXIT_IO_OUT || run->io.size != sizeof address ||
                                run->io.count != 1 || run->io.port < HVT_PORT)
                        return "it used a port that does not exist";
                memcpy(&address, (const char *) run + run->io.data_offset, sizeof address);
                return hvt_call(machine, run->io.port - HVT_PORT, address);
        case KVM_EXIT_INTR:
                return NULL;
        case KVM_EXIT_SHUTDOWN:
                return "a trap that it did not handle";
        case KVM_EXIT_HLT:
                return "it halted its processor, which nothing wakes up";
        case KVM_EXIT_MMIO:
                return HVT_ELSEWHERE;
        case KVM_EXIT_INTERNAL_ERROR:
                return "KVM cannot carry out an instruction of it";
        default:
                return "its processor cannot go on";
        }
}

uint64_t hvt_processor_where(const HvtMachine *machine)
{
        struct kvm_regs registers = {};

        (void) ioctl(machine->processor_fd, KVM_GET_REGS, &registers);
        return registers.rip;
}

const void *hvt_check_code(size_t *ret_size)
{
        static const uint8_t code[] = {
                        0xb8, 0x00, 0x10, 0x10, 0x00, /* movl $0x101000, %eax */
                        0xba, 0x08, 0x05, 0x00, 0x00, /* movl $(HVT_PORT + HVT_CALL_HALT), %edx */
                        0xef,                         /* outl %eax, (%dx) */
        };

        *ret_size = sizeof code;
        return code;
}
