/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "unikernel/timestamps.h"

/* The phases between the timestamps of a start, and a summary in words. Pure. */

typedef struct StartPhase {
        Timestamp timestamp; /* that ends the phase */
        const char *what;    /* in words */
        uint64_t began;      /* µs after the first known timestamp */
        uint64_t took;       /* µs */
} StartPhase;

/* The phases in the order in which they ended; elements StartPhase. A phase begins with the last known
 * timestamp that must precede it. The guest boots while systemd and shruthid are told that it runs, so
 * phases overlap at the end, and their sum is more than the total. */
GArray *start_timing_of(const Timestamps *timestamps);

/* The first of all timestamps, and the time from it to another one; UINT64_MAX if not known. */
Timestamp start_timing_first(const Timestamps *timestamps);
uint64_t start_timing_after(const Timestamps *timestamps, Timestamp timestamp);

/* A bar that shows the position and length of the phase in the whole start. Free with g_free(), like the
 * following. */
char *start_phase_bar(const StartPhase *phase, uint64_t whole, bool utf8);

/* "   12.3 ms" */
char *start_timing_format_time(uint64_t usec);

/* "first byte 143.2 ms after the call, …", and the longest phase. */
char *start_timing_sum(const Timestamps *timestamps, const GArray *phases);

/* Which timestamps are missing and why, one message per line; "" if none is missing. */
char *start_timing_notes(const Timestamps *timestamps);
