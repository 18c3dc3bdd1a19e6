/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "ctl/cli/options.h"

/* One entry of the journal, as "journalctl -o json" writes it, for people. Pure. */

typedef struct JournalLine {
        uint64_t usec; /* since the epoch */
        int priority;  /* syslog's, 6 where there is none */
        char *message; /* as it is */
        char *text; /* "Nov 23 15:00:00 host ident[pid]: message" and the like, made harmless; further lines
                       are indented */
} JournalLine;

void journal_line_clear(JournalLine *line);
#define _cleanup_journal_line_ __attribute__((cleanup(journal_line_clear)))

/* text is JSON for the last two formats. -EBADMSG when it is no JSON object. */
int journal_line_parse(const char *json, size_t size, LogFormat format, JournalLine *ret_line);
