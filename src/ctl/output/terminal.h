/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/error.h"

/* The folder output/ owns all output: tables, values as text and JSON (value.h), lines of the journal, the
 * pager, progress, advice (next-steps.h), and here the abilities of the terminal, and the escaping of
 * untrusted text for it. It makes no calls; bus/, verbs/ and remote/ use it. */

typedef enum Color {
        COLOR_NONE,
        COLOR_BOLD,
        COLOR_GREEN,
        COLOR_YELLOW,
        COLOR_RED,
        COLOR_GREY,
        _COLOR_MAX,
} Color;

/* Call before anything is printed, and before a pager takes standard output. */
void terminal_init(void);

/* Whether standard output shows colors: a terminal that is not dumb, without NO_COLOR and
 * SYSTEMD_COLORS=0. */
bool terminal_has_colors(void);

/* Whether standard output was a terminal at the start. */
bool terminal_is_output(void);

/* The sequences to write before and after; empty without colors. */
const char *color_on(Color color);
const char *color_off(Color color);

/* Whether the locale uses UTF-8. */
bool terminal_has_utf8(void);

/* The color of a state, and its dot ("●", "○", "×", "↻"; in ASCII if the locale is not UTF-8). */
Color state_color(const char *state);
const char *state_dot(const char *state);

/* The width of text in columns: wide characters take two, combining ones none. */
size_t text_width(const char *text);

/* Escapes untrusted text of several lines, keeping tabs. Free with g_free(). */
char *lines_for_display(const char *text);

/* Escapes JSON without changing its meaning: characters that are not printable (such as C1 control
 * characters) become \uXXXX. Free with g_free(). */
char *json_for_display(const char *json);

/* Writes untrusted text to standard output: unchanged to a file or pipe, escaped to a terminal. Adds a
 * newline at the end if missing. */
void print_foreign(const char *text);

/* Prints an error to standard error, escaped line by line. */
void terminal_print_error(const Error *error, int r);
