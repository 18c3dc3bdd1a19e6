/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bytes of a console → lines of the journal. */

#include "run/console-lines.h"

#include <string.h>

bool console_line_next(const char *data, size_t size, bool complete, ConsoleLine *ret_line)
{
        /* A line of exactly the largest size must not be split, whatever ends it. */
        size_t window = size < CONSOLE_LINE_MAX + 2 ? size : CONSOLE_LINE_MAX + 2;
        const char *newline = window > 0 ? memchr(data, '\n', window) : NULL;

        if (newline) {
                size_t length = (size_t) (newline - data);
                size_t text = length > 0 && data[length - 1] == '\r' ? length - 1 : length;

                if (text <= CONSOLE_LINE_MAX) {
                        *ret_line = (ConsoleLine){.text = data, .size = text, .consumed = length + 1};
                        return true;
                }
        } else if (size == 0 || (!complete && window < CONSOLE_LINE_MAX + 2))
                return false;

        window = size < CONSOLE_LINE_MAX ? size : CONSOLE_LINE_MAX;
        *ret_line = (ConsoleLine){.text = data, .size = window, .consumed = window};
        return true;
}
