/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stddef.h>

#include "common/error.h"

/* Values=FILE.csv of a group: a table of text with a head, as in RFC 4180 (commas, quotes, lines that end
 * with LF or CR LF). The head names the fields, and each further line is for one member. Pure. */

#define FLEET_COLUMNS_MAX 64

/* Any table of such text: lines with as many fields each, at least one line. Elements char **. */
int fleet_table_parse(
                const char *path, const char *text, size_t size, GPtrArray **ret_rows, Error *ret_error);

/* ret_columns: char *; ret_rows: char **, each with as many as there are columns. INVALID_DEFINITION with
 * "PATH:LINE: …". */
int fleet_values_parse(const char *path, const char *text, size_t size, GPtrArray **ret_columns,
                GPtrArray **ret_rows, Error *ret_error);
