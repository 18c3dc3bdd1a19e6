/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a console → lines of the journal. Pure. */

/* The length that journald accepts as one line of a stream by default (LineMax=48K), and that leaves room in
 * a pipe of 64 KiB for the guest to go on writing. */
#define CONSOLE_LINE_MAX (48 * 1024)

typedef struct ConsoleLine {
        const char *text; /* within the data, any bytes but '\n' */
        size_t size;      /* without the "\n" or "\r\n" that ended it */
        size_t consumed;  /* bytes of the data that it takes */
} ConsoleLine;

/* Returns the first line of data. A line longer than CONSOLE_LINE_MAX comes in pieces of that size. complete
 * says that nothing will be added to data: then the rest is a line too. Returns false if there is no whole
 * line yet. */
bool console_line_next(const char *data, size_t size, bool complete, ConsoleLine *ret_line);
