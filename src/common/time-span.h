/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* Times as systemd.time(7) writes them. Pure. */

/* Parses "10", "10s", "1min 30s", "500ms": seconds if no unit is given. -EINVAL if text is no time span,
 * -ERANGE beyond 64 bits of µs. */
int time_span_parse(const char *text, uint64_t *ret_usec);

/* "1min 30s", "500ms". Free with g_free(). */
char *time_span_format(uint64_t usec);
