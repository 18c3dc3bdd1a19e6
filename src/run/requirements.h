/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* The unikernels that this one requires and is to start after: UNIT_FILES_AWAITED of unikernel/unit-files.h.
 *
 * systemd has started them before, but a first start may have failed, and be about to be tried again by
 * Restart=. Then the runner waits for it here, as RestartMode=direct of systemd 254 and later does, but on
 * each release. */

typedef struct RequirementsHooks {
        bool (*is_stopped)(void);        /* whether to stop waiting */
        void (*waits)(const char *name); /* called every few seconds, so that systemd does not give up */
} RequirementsHooks;

/* Waits until each of names (separated by spaces; NULL: none) is up, or was up and has ended. -ENOLINK: one
 * has failed for good; -EINTR: is_stopped(); ret_reason says why, in words. Free it with g_free(). */
int requirements_await(const char *names, const RequirementsHooks *hooks, char **ret_reason);
