/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The way out of a console: ^] three times within a second, nothing else between. Pure. */

typedef struct Escape {
        unsigned seen;
        uint64_t first; /* µs, when the first of them came */
} Escape;

/* Looks at what was typed at now (µs, monotonic). True when it is to be left. */
bool escape_see(Escape *escape, const char *data, size_t size, uint64_t now);
