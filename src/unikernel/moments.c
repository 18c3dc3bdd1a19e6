/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The moments of a start. Noted by runner, helper and shruthid, shown by shruthictl. */

#include "unikernel/moments.h"

#include <string.h>

#include "common/string-util.h"

static const char *const moment_table[_MOMENT_MAX] = {
        [MOMENT_SENT]          = "Sent",
        [MOMENT_CALLED]        = "Called",
        [MOMENT_AUTHORIZED]    = "Authorized",
        [MOMENT_REQUESTED]     = "Requested",
        [MOMENT_JOB_MADE]      = "JobMade",
        [MOMENT_RUNNER_FORKED] = "RunnerForked",
        [MOMENT_RUNNER_BEGAN]  = "RunnerBegan",
        [MOMENT_HELPER_ASKED]  = "HelperAsked",
        [MOMENT_HELPER_BEGAN]  = "HelperBegan",
        [MOMENT_PLANNED]       = "Planned",
        [MOMENT_CONNECTED]     = "Connected",
        [MOMENT_ADDRESSED]     = "Addressed",
        [MOMENT_PREPARED]      = "Prepared",
        [MOMENT_CREATED]       = "Created",
        [MOMENT_FIRST_BYTE]    = "FirstByte",
        [MOMENT_READY]         = "Ready",
        [MOMENT_UNIT_ACTIVE]   = "UnitActive",
        [MOMENT_ANSWERED]      = "Answered",
};

DEFINE_STRING_TABLE(moment, Moment, moment_table, _MOMENT_MAX)

void moments_note(Moments *moments, Moment moment)
{
        moments->at[moment] = (uint64_t) g_get_monotonic_time();
}

int moments_take(Moments *moments, const char *value)
{
        const char *space = strchr(value, ' ');
        g_autofree char *name = NULL;
        uint64_t usec;
        Moment moment;

        if (!space || !g_ascii_string_to_unsigned(space + 1, 10, 1, INT64_MAX, &usec, NULL))
                return -EBADMSG;

        name = g_strndup(value, (size_t) (space - value));
        moment = moment_from_string(name);
        if ((int) moment >= 0)
                moments->at[moment] = usec;
        return 0;
}

void moments_format(const Moments *moments, const char *key, GString *text)
{
        for (Moment moment = 0; moment < _MOMENT_MAX; moment++)
                if (moments->at[moment] > 0)
                        g_string_append_printf(text, "%s=%s %" G_GUINT64_FORMAT "\n", key,
                                        moment_to_string(moment), moments->at[moment]);
}

void moments_add(Moments *to, const Moments *from)
{
        for (Moment moment = 0; moment < _MOMENT_MAX; moment++)
                if (to->at[moment] == 0)
                        to->at[moment] = from->at[moment];
}
