/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* What to do about a unikernel that failed, as status prints it below the properties. Pure. */

/* For a unikernel that failed or is broken: indented commands, one per line, each with a short explanation;
 * NULL if there is nothing to do. origin and path are those of the definition, "" if not known. Free with
 * g_free(). */
char *next_steps_for(const char *name, const char *state, const char *result, int64_t exit_status,
                const char *origin, const char *path);
