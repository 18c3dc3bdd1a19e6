/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The timestamps of a start. Taken by runner, helper and shruthid, shown by shruthictl. */

#include "unikernel/timestamps.h"

#include <string.h>

#include "common/string-util.h"


static const char *const timestamp_table[_TIMESTAMP_MAX] = {
                [TIMESTAMP_SENT] = "Sent",
                [TIMESTAMP_CALLED] = "Called",
                [TIMESTAMP_AUTHORIZED] = "Authorized",
                [TIMESTAMP_REQUESTED] = "Requested",
                [TIMESTAMP_JOB_MADE] = "JobMade",
                [TIMESTAMP_RUNNER_FORKED] = "RunnerForked",
                [TIMESTAMP_RUNNER_BEGAN] = "RunnerBegan",
                [TIMESTAMP_HELPER_ASKED] = "HelperAsked",
                [TIMESTAMP_HELPER_BEGAN] = "HelperBegan",
                [TIMESTAMP_PLANNED] = "Planned",
                [TIMESTAMP_CONNECTED] = "Connected",
                [TIMESTAMP_ADDRESSED] = "Addressed",
                [TIMESTAMP_PREPARED] = "Prepared",
                [TIMESTAMP_CREATED] = "Created",
                [TIMESTAMP_FIRST_BYTE] = "FirstByte",
                [TIMESTAMP_READY] = "Ready",
                [TIMESTAMP_UNIT_ACTIVE] = "UnitActive",
                [TIMESTAMP_ANSWERED] = "Answered",
};

DEFINE_STRING_TABLE(timestamp, Timestamp, timestamp_table, _TIMESTAMP_MAX)

void timestamps_record(Timestamps *timestamps, Timestamp timestamp)
{
        timestamps->at[timestamp] = (uint64_t) g_get_monotonic_time();
}

int timestamps_parse(Timestamps *timestamps, const char *value)
{
        const char *space = strchr(value, ' ');
        g_autofree char *name = NULL;
        uint64_t usec;
        Timestamp timestamp;

        if (!space || !g_ascii_string_to_unsigned(space + 1, 10, 1, INT64_MAX, &usec, NULL))
                return -EBADMSG;

        name = g_strndup(value, (size_t) (space - value));
        timestamp = timestamp_from_string(name);
        if ((int) timestamp >= 0)
                timestamps->at[timestamp] = usec;
        return 0;
}

void timestamps_format(const Timestamps *timestamps, const char *key, GString *text)
{
        for (Timestamp timestamp = 0; timestamp < _TIMESTAMP_MAX; timestamp++)
                if (timestamps->at[timestamp] > 0)
                        g_string_append_printf(text, "%s=%s %" G_GUINT64_FORMAT "\n", key,
                                        timestamp_to_string(timestamp), timestamps->at[timestamp]);
}

void timestamps_merge(Timestamps *to, const Timestamps *from)
{
        for (Timestamp timestamp = 0; timestamp < _TIMESTAMP_MAX; timestamp++)
                if (to->at[timestamp] == 0)
                        to->at[timestamp] = from->at[timestamp];
}
