/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

/* Text of guests and users in the formats of a fleet's results. Bytes that are not UTF-8 become U+FFFD.
 * Pure. */

/* Appends it in double quotes, as in JSON; NULL: null. */
void fleet_append_json(GString *out, const char *text);

/* Appends a field of CSV (RFC 4180): in quotes where it needs them. A text that a spreadsheet would take for
 * a formula is not changed: readers of CSV are programs. */
void fleet_append_csv(GString *out, const char *text);

/* Appends it for the content of an element or the value of an attribute in HTML, SVG and XML: characters
 * that no XML may have become U+FFFD, too. */
void fleet_append_html(GString *out, const char *text);

/* Appends microseconds as seconds: "1.250". */
void fleet_append_seconds(GString *out, int64_t usec);
