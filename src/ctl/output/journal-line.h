/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

/* One entry of the journal, as "journalctl -o json" writes it, for people. Pure. */

/* journalctl's, as far as they are for what one reads of a unikernel. */
typedef enum LogFormat {
        LOG_FORMAT_SHORT,
        LOG_FORMAT_SHORT_ISO,
        LOG_FORMAT_SHORT_PRECISE,
        LOG_FORMAT_SHORT_UNIX,
        LOG_FORMAT_CAT,
        LOG_FORMAT_JSON,
        LOG_FORMAT_JSON_PRETTY,
        _LOG_FORMAT_MAX,
        _LOG_FORMAT_INVALID = -EINVAL,
} LogFormat;

const char *log_format_to_string(LogFormat format); /* "short", "short-iso", … */
LogFormat log_format_from_string(const char *text);

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
