/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* What to do about a unikernel that failed: what status prints below its properties. Pure. */

/* For one that failed or is broken: lines of indented commands with a word on each; NULL where there is
 * nothing to do. origin and path are the definition's, "" where not known. Free with g_free(). */
char *next_steps_for(const char *name, const char *state, const char *result, int64_t exit_status,
                const char *origin, const char *path);
