/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "image/architecture.h"

/* What is different from one of QEMU's machines to the other: a row for each architecture that guests can
 * have. */

typedef struct DomainMachine {
        ImageArchitecture architecture;
        const char *arch; /* as libvirt calls it */
        const char *type; /* the machine */
        const char *emulator;
        const char *packages;        /* that bring it, for messages */
        const char *kvm_fix;         /* what to try on a host of that architecture without KVM */
        const char *const *features; /* of <features>, without attributes; ended by NULL */
        bool firmware;               /* runs before the guest, for some 40 ms */
        bool gic;
        const char *cpu_model;                  /* under emulation: what costs least, with … */
        const char *cpu_feature;                /* … what guests cannot do without, or NULL */
        const char *serial_type, *serial_model; /* of the console; model NULL: the type says it */
} DomainMachine;

/* NULL for what guests cannot have. */
const DomainMachine *domain_machine_for(ImageArchitecture architecture);

/* That of this host's own guests; of a host whose own processor runs none of them, x86_64's. */
const DomainMachine *domain_machine_of_host(void);
