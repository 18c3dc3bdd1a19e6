/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/bus/client.h"

/* Prints the journals of some unikernels, merged by time, on standard output. */

typedef struct LogRequest {
        int lines; /* number of last lines, or LINES_ALL */
        bool follow;
        bool quietly; /* never ask for a password */
        LogFormat format;
        uint64_t since, until; /* µs since the epoch; 0 if not given */
        const char *invocation; /* of the unit, to show only that run; NULL if not given */
        const char *boot;      /* as for journalctl; NULL for the current one */
        int priority;          /* or -1 */
        GRegex *grep;          /* matching messages; NULL for all */
        bool filtered;         /* print a note if no lines remain */
} LogRequest;

int log_print(Ctl *ctl, char **names, const LogRequest *request, Error *ret_error);
