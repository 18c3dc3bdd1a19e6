/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Admission by memory. */

#include "ctl/fleet/admission.h"

#include <stdio.h>
#include <string.h>

#include "common/conf.h"
#include "common/size.h"
#include "unikernel/memory.h"

uint64_t fleet_memory_available(void)
{
        g_autofree char *text = NULL;
        const char *line;

        if (!g_file_get_contents("/proc/meminfo", &text, NULL, NULL))
                return UINT64_MAX;

        line = strstr(text, "\nMemAvailable:");
        return line ? g_ascii_strtoull(line + strlen("\nMemAvailable:"), NULL, 10) * 1024 : UINT64_MAX;
}

int fleet_admission_begin(FleetAdmission *admission, Error *ret_error)
{
        g_autoptr(Conf) conf = NULL;
        int r;

        r = conf_load(&conf, ret_error);
        if (r < 0)
                return r;

        *admission = (FleetAdmission){.memory_default = conf->memory_default,
                        .taken = {memory_taken(false, conf), memory_taken(true, conf)},
                        .available = fleet_memory_available()};
        return 0;
}

void fleet_admission_add(FleetAdmission *admission, const FleetExpansion *expansion, const FleetGroup *group,
                bool process)
{
        for (guint i = 0; i < group->count; i++) {
                const FleetMember *member = fleet_member_find(expansion, group, i);

                admission->needed += (member->memory ?: admission->memory_default) +
                                     admission->taken[process];
                admission->n_members++;
                if (admission->needed <= admission->available)
                        admission->n_fit = admission->n_members;
        }
}

int fleet_admission_check(const FleetAdmission *admission, Error *ret_error)
{
        g_autofree char *needed = size_format(admission->needed),
                        *available = size_format(admission->available);

        if (admission->needed <= admission->available)
                return 0;

        return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                        "The %u members need %s of memory, and this host has %s available: the first %u "
                        "would fit. "
                        "Write a smaller Count= or Memory= in the plan",
                        admission->n_members, needed, available, admission->n_fit);
}
