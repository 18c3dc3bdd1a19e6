/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stddef.h>

#include "common/error.h"

/* Matrix= of [Regions]: a table of comma-separated values whose first line and first column name places, and
 * whose numbers are round trips between them in milliseconds. It may have more places than a plan has
 * regions, and cells of which the plan needs none may be empty. Pure. */

#define FLEET_RTT_MAX_MS 3600000.0

/* The round trips among names (const char *, n of them), n rows and columns. INVALID_DEFINITION with
 * "PATH:LINE: …". Free with g_free(). */
int fleet_matrix_parse(const char *path, const char *text, size_t size, const char *const *names, guint n,
                double **ret_rtt, Error *ret_error);
