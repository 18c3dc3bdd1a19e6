/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* The unikernels that this one requires and is to start after: UNIT_FILES_AWAITED of unikernel/unit-files.h.
 *
 * systemd has started them before, and a first start may have failed that is about to be tried again by
 * Restart=. Then it is waited for here, as RestartMode=direct of systemd 254 and later has it, but on each
 * release. */

typedef struct RequirementsHooks {
        bool (*is_stopped)(void);        /* whether to wait no longer */
        void (*waits)(const char *name); /* each few seconds, so that systemd does not give up */
} RequirementsHooks;

/* Until each of names (separated by spaces; NULL: none) is up, or has been and ended. -ENOLINK: one has
 * failed for good, -EINTR: is_stopped(); ret_reason in words. Free it with g_free(). */
int requirements_await(const char *names, const RequirementsHooks *hooks, char **ret_reason);
