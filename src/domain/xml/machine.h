/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "image/architecture.h"

/* The differences between QEMU's machines: one row for each architecture that guests can have. */

typedef struct DomainMachine {
        ImageArchitecture architecture;
        const char *arch; /* libvirt's name for it */
        const char *type; /* of the machine */
        const char *emulator;
        const char *packages;        /* that provide it, for messages */
        const char *kvm_fix;         /* what to try on a host of that architecture without KVM */
        const char *const *features; /* of <features>, without attributes; terminated by NULL */
        bool firmware;               /* runs before the guest, for some 40 ms */
        bool gic;
        const char *cpu_model;                  /* under emulation: the cheapest, with … */
        const char *cpu_feature;                /* … the feature that guests need, or NULL */
        const char *serial_type, *serial_model; /* of the console; model is NULL if the type implies it */
} DomainMachine;

/* Returns NULL for an architecture that guests cannot have. */
const DomainMachine *domain_machine_for(ImageArchitecture architecture);

/* The machine for the host's own architecture; that of x86_64 if guests cannot have it. */
const DomainMachine *domain_machine_of_host(void);
