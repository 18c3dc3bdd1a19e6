/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/cli/ctl.h"

/* Tells who sits at a terminal what a call that takes long waits for. */

typedef struct Progress {
        uint64_t begun; /* µs, monotonic; 0: not yet */
        bool shown;
} Progress;

/* How long to wait for an answer before progress_show(), in µs; UINT64_MAX: nobody looks. */
uint64_t progress_interval(Progress *progress);

/* "stop web: 7 s … QEMU does not end" in a line of its own on standard error, in place of the one before.
 * what and name are what was called for; others: how many more are waited for. */
void progress_show(Progress *progress, Ctl *ctl, const char *what, const char *name, unsigned others);

/* Before anything else is printed: takes the line away. */
void progress_clear(Progress *progress);
