/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/bus/client.h"

/* The journals of some unikernels, merged by time, onto standard output. */

typedef struct LogRequest {
        int lines; /* the last so many, or LINES_ALL */
        bool follow;
        bool quietly; /* never ask for a password */
        LogFormat format;
        uint64_t since, until; /* µs since the epoch; 0: not given */
        const char *invocation; /* of the unit: that run alone; NULL: not given */
        const char *boot;      /* journalctl's; NULL: the current one */
        int priority;          /* or -1 */
        GRegex *grep;          /* which messages; NULL: all */
        bool filtered;         /* it is said when nothing is left */
} LogRequest;

int log_print(Ctl *ctl, char **names, const LogRequest *request, Error *ret_error);
