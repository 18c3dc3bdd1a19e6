/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The escape from a console: ^] three times within a second, with nothing in between. Pure. */

typedef struct Escape {
        unsigned seen;
        uint64_t first; /* µs, when the first of them came */
} Escape;

/* Processes input typed at now (µs, monotonic). Returns true if the console must be left. */
bool escape_see(Escape *escape, const char *data, size_t size, uint64_t now);
