/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/error.h"

/* The folder output/ owns what is printed: tables, values as text and JSON (value.h), lines of the journal,
 * the pager, progress, advice (next-steps.h), and here what the terminal can show, and text of unknown
 * origin made safe for it. It makes no calls; bus/, verbs/ and remote/ use it. */

typedef enum Color {
        COLOR_NONE,
        COLOR_BOLD,
        COLOR_GREEN,
        COLOR_YELLOW,
        COLOR_RED,
        COLOR_GREY,
        _COLOR_MAX,
} Color;

/* Before anything is printed, and before a pager takes standard output. */
void terminal_init(void);

/* Colours, on standard output: a terminal that is not dumb, and neither NO_COLOR nor SYSTEMD_COLORS=0 say
 * no. */
bool terminal_has_colors(void);

/* Standard output, as it was at the start. */
bool terminal_is_output(void);

/* The sequences to write before and after; empty without colours. */
const char *color_on(Color color);
const char *color_off(Color color);

/* Whether the locale has more than ASCII. */
bool terminal_has_utf8(void);

/* The colour of a state, and its dot ("●", "○", "×", "↻"; in ASCII where the locale has no UTF-8). */
Color state_color(const char *state);
const char *state_dot(const char *state);

/* Columns that text takes: wide characters two, combining ones none. */
size_t text_width(const char *text);

/* Several lines of foreign text, each made harmless, tabs kept. Free with g_free(). */
char *lines_for_display(const char *text);

/* JSON that stays the same JSON, with what is not printable (C1 control characters, for one) as \uXXXX. Free
 * with g_free(). */
char *json_for_display(const char *json);

/* Writes foreign text to standard output: as it is into a file or pipe, made harmless onto a terminal. Ends
 * it with a newline where there is none. */
void print_foreign(const char *text);

/* Prints an error to standard error, made harmless line by line. */
void terminal_print_error(const Error *error, int r);
