/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A guest's processor on aarch64, in the state that Solo5's guests are entered in: EL1 with its own stack
 * pointer, virtual memory and caches on, floating point, no interrupts (Arm Architecture Reference Manual,
 * DDI 0487, of which the names are). */

#include <string.h>
#include <sys/ioctl.h>

#include "tender/hvt-machine.h"

/* Entries of page tables (D8.3). */
#define ENTRY_VALID      UINT64_C(0x1)
#define ENTRY_TABLE      UINT64_C(0x2) /* or, at the last level, a page */
#define ENTRY_MEMORY     (UINT64_C(0) << 2)
#define ENTRY_DEVICE     (UINT64_C(1) << 2)
#define ENTRY_READ_ONLY  (UINT64_C(1) << 7)
#define ENTRY_SHARED     (UINT64_C(3) << 8) /* with the host's other processors */
#define ENTRY_SEEN       (UINT64_C(1) << 10)
#define ENTRY_NO_EXECUTE (UINT64_C(1) << 53)
#define ENTRY_NO_USER    (UINT64_C(1) << 54) /* never executed at EL0 */
#define ENTRY_PAGE       (ENTRY_VALID | ENTRY_SHARED | ENTRY_SEEN | ENTRY_NO_USER)

/* ENTRY_MEMORY: cached, written back. ENTRY_DEVICE: nGnRE. */
#define MAIR UINT64_C(0x04ff)
/* Addresses of 40 bits by TTBR0, with 8 bits more that are ignored, and none by TTBR1; pages of 4 KiB;
 * tables cached, written back, and shared as their pages are; physical addresses of 40 bits. */
#define TCR                                                                                                 \
        (UINT64_C(24) | UINT64_C(1) << 8 | UINT64_C(1) << 10 | UINT64_C(3) << 12 | UINT64_C(1) << 23 |      \
                        UINT64_C(2) << 32 | UINT64_C(1) << 37)
#define SCTLR_MMU        (UINT64_C(1) << 0)
#define SCTLR_ALIGNED    (UINT64_C(1) << 1 | UINT64_C(1) << 3) /* all, stack */
#define SCTLR_CACHES     (UINT64_C(1) << 2 | UINT64_C(1) << 12)
#define CPACR_FP         (UINT64_C(3) << 20)
#define PSTATE_EL1       UINT64_C(0x3c5) /* with its own stack pointer, all interrupts masked */
#define PHYSICAL_DEFAULT 40

#define REGISTER_CORE(name)                                                                                 \
        (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(name))
#define REGISTER_SCTLR ARM64_SYS_REG(3, 0, 1, 0, 0)
#define REGISTER_CPACR ARM64_SYS_REG(3, 0, 1, 0, 2)
#define REGISTER_TTBR0 ARM64_SYS_REG(3, 0, 2, 0, 0)
#define REGISTER_TCR   ARM64_SYS_REG(3, 0, 2, 0, 2)
#define REGISTER_MAIR  ARM64_SYS_REG(3, 0, 10, 2, 0)

/* Newer than Debian 12's headers (Documentation/virt/kvm/devices/vm.rst of the kernel). */
#ifndef KVM_ARM_VM_SMCCC_CTRL
#define KVM_ARM_VM_SMCCC_CTRL   0
#define KVM_ARM_VM_SMCCC_FILTER 0
#endif
#define SMCCC_FORWARD 2 /* enum kvm_smccc_filter_action */

/* struct kvm_smccc_filter */
typedef struct CallFilter {
        uint32_t first;
        uint32_t n;
        uint8_t action;
        uint8_t unused[15];
} CallFilter;

const HvtCapability hvt_capabilities[] = {
                {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
                {KVM_CAP_ONE_REG, "KVM_CAP_ONE_REG"},
                {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
                {0, NULL},
};

const struct kvm_ioeventfd hvt_kick = {.addr = HVT_KICK_ADDRESS, .len = sizeof(uint32_t)};

uint64_t hvt_table_entry(uint64_t table)
{
        return table | ENTRY_VALID | ENTRY_TABLE;
}

uint64_t hvt_page_entry(uint64_t page, unsigned rights, bool is_large)
{
        return page | ENTRY_PAGE | ENTRY_MEMORY | (is_large ? 0 : ENTRY_TABLE) |
               ((rights & HVT_PAGE_WRITE) ? 0 : ENTRY_READ_ONLY) |
               ((rights & HVT_PAGE_EXECUTE) ? 0 : ENTRY_NO_EXECUTE);
}

/* Where calls are made, behind all memory that there can be. */
void hvt_tables_complete(uint64_t *gigabytes)
{
        gigabytes[HVT_ADDRESS >> 30] = HVT_ADDRESS | ENTRY_PAGE | ENTRY_DEVICE | ENTRY_NO_EXECUTE;
}

/* KVM answers some calls itself (hvc, smc): how to stop a processor, its own version, time. A guest has no
 * use for them; they become its end. Since Linux 6.4. */
static void calls_rule_out(int machine_fd)
{
        /* Between these are those of the architecture, which KVM keeps for itself. */
        static const CallFilter filters[] = {
                        {0, 0x80000000, SMCCC_FORWARD, {}},
                        {0x80010000, 0x3fff0000, SMCCC_FORWARD, {}},
                        {0xc0010000, 0x3fff0000, SMCCC_FORWARD, {}},
        };

        for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
                const struct kvm_device_attr attribute = {.group = KVM_ARM_VM_SMCCC_CTRL,
                                .attr = KVM_ARM_VM_SMCCC_FILTER,
                                .addr = (uintptr_t) &filters[i]};

                (void) ioctl(machine_fd, KVM_SET_DEVICE_ATTR, &attribute);
        }
}

int hvt_machine_create(int kvm_fd)
{
        /* Where a processor has fewer bits of addresses than the default, KVM wants them named. */
        int bits = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);
        unsigned long type = bits > 0 && bits < PHYSICAL_DEFAULT
                                             ? KVM_VM_TYPE_ARM_IPA_SIZE((unsigned long) bits)
                                             : 0;
        int fd = ioctl(kvm_fd, KVM_CREATE_VM, type);

        if (fd >= 0)
                calls_rule_out(fd);
        return fd;
}

/* Of what a processor need not have, KVM adds nothing that is not asked for. */
int hvt_processor_make(int kvm_fd, int machine_fd, int processor_fd, uint64_t *ret_hz, Error *ret_error)
{
        struct kvm_vcpu_init init = {};
        uint64_t hz;

        (void) kvm_fd;
        if (ioctl(machine_fd, KVM_ARM_PREFERRED_TARGET, &init) < 0)
                return hvt_refuse(errno, "KVM_ARM_PREFERRED_TARGET", ret_error);
        if (ioctl(processor_fd, KVM_ARM_VCPU_INIT, &init) < 0)
                return hvt_refuse(errno, "KVM_ARM_VCPU_INIT", ret_error);

        /* The guest's counter is the host's, from another beginning. */
        __asm__("mrs %0, cntfrq_el0" : "=r"(hz));
        if (hz == 0)
                return error_set(ret_error, ERROR_FAILED,
                                "This host's firmware does not say how fast its counter is, so the guest "
                                "would have no clock: " HVT_OTHERWISE);

        *ret_hz = hz;
        return 0;
}

static int register_set(int processor_fd, uint64_t id, uint64_t value)
{
        const struct kvm_one_reg request = {.id = id, .addr = (uintptr_t) &value};

        return ioctl(processor_fd, KVM_SET_ONE_REG, &request);
}

static uint64_t register_get(int processor_fd, uint64_t id)
{
        uint64_t value = 0;
        const struct kvm_one_reg request = {.id = id, .addr = (uintptr_t) &value};

        (void) ioctl(processor_fd, KVM_GET_ONE_REG, &request);
        return value;
}

int hvt_processor_set(const HvtMachine *machine, uint64_t entry, Error *ret_error)
{
        /* As after a reset, which also has those bits right that newer processors gave a meaning to. */
        uint64_t control = register_get(machine->processor_fd, REGISTER_SCTLR);
        const struct {
                uint64_t id, value;
                const char *name;
        } registers[] = {
                        {REGISTER_MAIR, MAIR, "MAIR_EL1"},
                        {REGISTER_TCR, TCR, "TCR_EL1"},
                        {REGISTER_TTBR0, HVT_TABLES, "TTBR0_EL1"},
                        {REGISTER_CPACR, CPACR_FP, "CPACR_EL1"},
                        {REGISTER_SCTLR, (control & ~SCTLR_ALIGNED) | SCTLR_MMU | SCTLR_CACHES, "SCTLR_EL1"},
                        {REGISTER_CORE(regs.pstate), PSTATE_EL1, "PSTATE"},
                        {REGISTER_CORE(sp_el1), tender_memory_end(&machine->memory) - 16, "SP_EL1"},
                        {REGISTER_CORE(regs.regs[0]), HVT_BOOT_INFO, "X0"},
                        {REGISTER_CORE(regs.pc), entry, "PC"},
        };

        for (size_t i = 0; i < sizeof registers / sizeof *registers; i++)
                if (register_set(machine->processor_fd, registers[i].id, registers[i].value) < 0)
                        return hvt_refuse(errno, registers[i].name, ret_error);

        return 0;
}

static const char *call_serve(const HvtMachine *machine)
{
        const struct kvm_run *run = machine->run;
        uint64_t at = run->mmio.phys_addr;
        uint32_t address;

        if (!run->mmio.is_write || run->mmio.len != sizeof address || at < HVT_ADDRESS ||
                        at >= HVT_ADDRESS + HVT_ADDRESSES_SIZE || at % HVT_ADDRESS_STEP != 0)
                return HVT_ELSEWHERE;

        memcpy(&address, run->mmio.data, sizeof address);
        return hvt_call(machine, (unsigned) ((at - HVT_ADDRESS) / HVT_ADDRESS_STEP), address);
}

const char *hvt_processor_serve(const HvtMachine *machine)
{
        switch (machine->run->exit_reason) {
        case KVM_EXIT_MMIO:
                return call_serve(machine);
        case KVM_EXIT_INTR:
                return NULL;
        case KVM_EXIT_HYPERCALL:
                return "it called a hypervisor, which it has no use for";
        case KVM_EXIT_INTERNAL_ERROR:
                return "KVM cannot carry out an instruction of it";
        default:
                return "its processor cannot go on";
        }
}

uint64_t hvt_processor_where(const HvtMachine *machine)
{
        return register_get(machine->processor_fd, REGISTER_CORE(regs.pc));
}

const void *hvt_check_code(size_t *ret_size)
{
        static const uint32_t code[] = {
                        0xd2a00200, /* movz x0, #0x10, lsl #16 */
                        0xf2820000, /* movk x0, #0x1000 */
                        0xd2c00021, /* movz x1, #(HVT_ADDRESS >> 32), lsl #32 */
                        0xb9004020, /* str w0, [x1, #(HVT_CALL_HALT * HVT_ADDRESS_STEP)] */
        };

        *ret_size = sizeof code;
        return code;
}
