/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/cli/ctl.h"

/* Shows on a terminal what a long call is waiting for. */

typedef struct Progress {
        uint64_t begun; /* µs, monotonic; 0 if not begun */
        bool shown;
} Progress;

/* How long to wait for an answer before progress_show(), in µs; UINT64_MAX if not on a terminal. */
uint64_t progress_interval(Progress *progress);

/* Prints "stop web: 7 s … QEMU does not end" in a line of its own on standard error, replacing the
 * previous one. what and name describe the call; others is how many more calls are in progress. */
void progress_show(Progress *progress, Ctl *ctl, const char *what, const char *name, unsigned others);

/* Removes the line, before anything else is printed. */
void progress_clear(Progress *progress);
