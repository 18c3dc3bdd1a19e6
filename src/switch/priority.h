/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Real time priority for a process that has to send at exact times, on a host whose processors are busy:
 * there, with an ordinary one, packets leave when other programs have had their turn. Guests can make the
 * process work as much as they like, and must not take a processor from all others in this way: so it has
 * that priority only as long as a processor is idle for a part of the time. See sched(7). */

#define PRIORITY_WINDOW_NSEC UINT64_C(100000000)
#define PRIORITY_PAUSE_NSEC  UINT64_C(1000000000)
#define PRIORITY_SHARE       90 /* per cent of a processor */

typedef struct Priority {
        bool is_urgent, is_refused;
        uint64_t begin_nsec, begin_processor_nsec; /* of the window */
        uint64_t paused_until_nsec;
} Priority;

/* Whether it is to be urgent from now on: not after a window in which more than PRIORITY_SHARE was used, and
 * then not for PRIORITY_PAUSE_NSEC. Pure. */
bool priority_decide(Priority *priority, uint64_t now_nsec, uint64_t processor_nsec);

/* To be called often: gives this thread the priority that is decided. Threads that it makes do not inherit
 * it. Where the kernel does not allow it (RLIMIT_RTPRIO), that is said once, and nothing changes. */
void priority_keep(Priority *priority, uint64_t now_nsec);
