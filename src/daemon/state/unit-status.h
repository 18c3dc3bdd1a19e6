/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "unikernel/timestamps.h"

/* What systemd says about the unit. */
typedef struct UnitStatus {
        char *active_state, *sub_state, *result;
        char *invocation_id;                                 /* "" if none */
        uint64_t state_change, active_enter, inactive_enter; /* µs since the epoch */
        bool condition_result;
        int32_t exit_status;   /* of the main process; known if result is "exit-code" */
        uint32_t restarts;     /* automatic restarts since the last requested start; known if it is failed */
        Timestamps timestamps; /* the ones from systemd */
} UnitStatus;

void unit_status_clear(UnitStatus *status);

/* Whether systemd waits before it restarts the unit by itself, or (since 254) has queued that restart. */
bool unit_status_is_in_pause(const UnitStatus *status);

/* Reads an a{sv} of properties of either interface of a service unit; missing ones stay as they were.
 * Pure. */
int unit_status_read(UnitStatus *status, sd_bus_message *m);

/* Reads the variant of key; skips it if key is none of the above. */
int unit_status_read_property(UnitStatus *status, const char *key, sd_bus_message *m);
