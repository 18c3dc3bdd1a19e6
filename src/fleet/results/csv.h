/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* Reads any comma-separated values as in RFC 4180, with fields of several lines: the files of results, which
 * may be cut off, or anything else. Nothing is refused. Pure. */

typedef struct CsvReader {
        const char *p, *end;
        GPtrArray *fields; /* char *: of the current line */
        GPtrArray *head;   /* char *: of the first line */
} CsvReader;

/* The text need not end with a NUL, and is the caller's. Reads the head. */
void csv_reader_init(CsvReader *reader, const char *text, size_t size);
void csv_reader_clear(CsvReader *reader);
#define _cleanup_csv_ __attribute__((cleanup(csv_reader_clear)))

/* The next line; false: there is none. */
bool csv_reader_next(CsvReader *reader);

/* The field of the current line below that name in the head; "" if there is none. */
const char *csv_reader_field(const CsvReader *reader, const char *name);
