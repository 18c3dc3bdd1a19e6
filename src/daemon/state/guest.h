/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What the runner has written down about the guest of a run that goes on, which outlives the runner:
 * facts beside those of systemd's, whose unit comes and goes with the runner. */

typedef struct Guest {
        bool lives;          /* it began to run, and its unit is not over (unikernel/liveness.h) */
        char *health;        /* as in unikernel/run-state.h; NULL: nothing is checked */
        bool ready;          /* all that Ready= asks for has held */
        char *invocation_id; /* of the unit at the guest's start; "" where that is not known */
        uint64_t started_at; /* µs since the epoch, 0: not known */
        uint64_t changed_at; /* the same of its last pause or its going on, or else of its start */
        char *paused;        /* why it does not run, in words; NULL: it does */
} Guest;

void guest_clear(Guest *guest);
#define _cleanup_guest_ __attribute__((cleanup(guest_clear)))

/* Without a guest all is 0. */
void guest_read(const char *name, Guest *ret_guest);
