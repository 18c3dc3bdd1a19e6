/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "unikernel/timestamps.h"

/* The timestamps of a start as the phases between them, and in words. Pure. */

typedef struct StartPhase {
        Timestamp timestamp; /* with which it ends */
        const char *what;    /* in words */
        uint64_t began;      /* µs after the first timestamp that is known */
        uint64_t took;       /* µs */
} StartPhase;

/* In the order in which they ended; elements StartPhase. A phase begins with the last timestamp that has to
 * come before it and did: the guest boots while systemd and shruthid are told that it is there, so phases
 * overlap at the end, and their sum is more than the whole. */
GArray *start_timing_of(const Timestamps *timestamps);

/* Of all timestamps, and how long after it one was; UINT64_MAX: not known. */
Timestamp start_timing_first(const Timestamps *timestamps);
uint64_t start_timing_after(const Timestamps *timestamps, Timestamp timestamp);

/* Where in the whole it lies, and how long it is. Free with g_free(), as the following. */
char *start_phase_bar(const StartPhase *phase, uint64_t whole, bool utf8);

/* "   12.3 ms" */
char *start_timing_format_time(uint64_t usec);

/* "first byte 143.2 ms after the call, …", and what took longest. */
char *start_timing_sum(const Timestamps *timestamps, const GArray *phases);

/* What is not known and why, a message a line; "" if all is known. */
char *start_timing_notes(const Timestamps *timestamps);
