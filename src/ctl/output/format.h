/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Values in readable form. Free with g_free(). */

/* "alice", or "1000" if the user has no name. */
char *format_user(uid_t uid);

/* "Mon 2026-11-23 15:00:00 CET"; "" for 0. */
char *format_timestamp(uint64_t usec);

/* "5min 3s", "2 days 3h": at most two units, rounded like ages in systemd. */
char *format_span(uint64_t usec);

/* "Mon 2026-11-23 15:00:00 CET; 5min 3s ago"; now in µs since the epoch. "" for 0. */
char *format_since(uint64_t usec, uint64_t now);
