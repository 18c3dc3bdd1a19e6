/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "ctl/cli/options.h"

/* Formats an entry of the journal from "journalctl -o json". Pure. */

typedef struct JournalLine {
        uint64_t usec; /* since the epoch */
        int priority;  /* of syslog; 6 if none */
        char *message; /* unchanged */
        char *identifier; /* who wrote it; of a console's line the name of the unikernel; NULL if none */
        char *text; /* "Nov 23 15:00:00 host ident[pid]: message" or similar, escaped; further lines are
                     * indented */
} JournalLine;

void journal_line_clear(JournalLine *line);
#define _cleanup_journal_line_ __attribute__((cleanup(journal_line_clear)))

/* text is JSON for the last two formats. -EBADMSG if json is not an object. */
int journal_line_parse(const char *json, size_t size, LogFormat format, JournalLine *ret_line);
