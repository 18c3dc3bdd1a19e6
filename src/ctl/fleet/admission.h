/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fleet/expansion/expand.h"

/* Whether the host has the memory that a fleet needs, before anything of it is made. What a member needs is
 * its Memory= (or DefaultMemory= of shruthi.conf), and what its body needs besides (unikernel/memory.h). */

typedef struct FleetAdmission {
        uint64_t memory_default;
        uint64_t taken[2]; /* besides: by a domain, by a process */
        uint64_t needed;
        guint n_members;
        guint n_fit; /* of the members in their order, with what is available */
        uint64_t available;
} FleetAdmission;

/* MemAvailable of /proc/meminfo, in bytes; UINT64_MAX if it is not known. */
uint64_t fleet_memory_available(void);

int fleet_admission_begin(FleetAdmission *admission, Error *ret_error);

/* Adds the members of a group; process: they are processes, without a virtual machine. */
void fleet_admission_add(FleetAdmission *admission, const FleetExpansion *expansion, const FleetGroup *group,
                bool process);

/* LIMIT_EXCEEDED with how many would fit. */
int fleet_admission_check(const FleetAdmission *admission, Error *ret_error);
