/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What the runner has written about the guest of the current run. The guest outlives the runner, but
 * systemd's facts follow the runner. */

typedef struct Guest {
        bool lives;          /* it began to run, and its unit has not ended (unikernel/liveness.h) */
        char *health;        /* as in unikernel/run-state.h; NULL if nothing is checked */
        bool ready;          /* all checks of Ready= have held */
        char *invocation_id; /* of the unit at the guest's start; "" if not known */
        uint64_t started_at; /* µs since the epoch, 0 if not known */
        uint64_t changed_at; /* the same for its last pause or resume, otherwise its start */
        char *paused;        /* why it does not run, in words; NULL if it runs */
} Guest;

void guest_clear(Guest *guest);
#define _cleanup_guest_ __attribute__((cleanup(guest_clear)))

/* All fields are 0 if there is no guest. */
void guest_read(const char *name, Guest *ret_guest);
