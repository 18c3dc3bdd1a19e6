/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What a runner asks systemd about its own unit. */

/* How often systemd has restarted the unit by itself since somebody last started or restarted it: NRestarts
 * in org.freedesktop.systemd1(5). Waits for the answer, at most timeout_usec: -ETIMEDOUT. */
int unit_query_restarts(const char *unit, uint64_t timeout_usec, uint32_t *ret_restarts);

/* Whether nobody waits for this start: systemd restarts the unit by itself, or the host is booting
 * (SystemState, ibidem). */
int unit_query_unbidden(const char *unit, uint64_t timeout_usec, bool *ret_unbidden);
