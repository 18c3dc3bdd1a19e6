/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of machines. */

#include "domain/xml/machine.h"

#include <glib.h>

/* Without ACPI a guest cannot power off. */
static const char *const features_pc[] = {"acpi", "apic", NULL};

/* It powers off by PSCI. libvirt enables ACPI only with a firmware, and there is none. */
static const char *const features_virt[] = {NULL};

static const DomainMachine machines[] = {
                {
                                .architecture = IMAGE_ARCHITECTURE_X86_64,
                                .arch = "x86_64",
                                /* pc: legacy virtio on bus 0, which Solo5 needs; q35 with libvirt's layout
                                 * is modern only. */
                                .type = "pc",
                                .emulator = "qemu-system-x86_64",
                                .packages = "qemu-system-x86 (Debian), qemu-system-x86-core (Fedora)",
                                .kvm_fix = "ls -l /dev/kvm; modprobe -a kvm_intel kvm_amd",
                                .features = features_pc,
                                .firmware = true,
                                /* QEMU's default, and the instruction for random numbers, without which
                                   guests have none. */
                                .cpu_model = "qemu64",
                                .cpu_feature = "rdrand",
                                .serial_type = "isa-serial",
                },
                {
                                .architecture = IMAGE_ARCHITECTURE_AARCH64,
                                .arch = "aarch64",
                                .type = "virt",
                                .emulator = "qemu-system-aarch64",
                                .packages = "qemu-system-arm (Debian), qemu-system-aarch64-core (Fedora)",
                                /* KVM is not a module there: it is missing if the kernel was not entered in
                                 * EL2. */
                                .kvm_fix = "ls -l /dev/kvm; journalctl -b -k --grep=kvm",
                                .features = features_virt,
                                .gic = true,
                                /* QEMU's default has 32 bits, and `max` computes pointer authentication in
                                 * software, which makes Linux take more than twice as long. Only `max` has
                                 * the instruction for random numbers; the device tree carries a seed
                                 * instead. */
                                .cpu_model = "cortex-a72",
                                .serial_type = "system-serial",
                                .serial_model = "pl011",
                },
};

const DomainMachine *domain_machine_for(ImageArchitecture architecture)
{
        for (size_t i = 0; i < G_N_ELEMENTS(machines); i++)
                if (machines[i].architecture == architecture)
                        return &machines[i];

        return NULL;
}

const DomainMachine *domain_machine_of_host(void)
{
        return domain_machine_for(guest_architecture_from_string(host_machine())) ?: &machines[0];
}
