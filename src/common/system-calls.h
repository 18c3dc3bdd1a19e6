/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/filter.h>
#include <stddef.h>

/* Which system calls a program of ours and all that it executes may make. systemd's SystemCallFilter= says
 * the same for a unit, but makes its filter anew at each start, which takes longer than all the rest of such
 * a start. This one takes a fraction of a millisecond, allows less, and looks at arguments too: it does once
 * more what RestrictAddressFamilies=AF_UNIX, RestrictNamespaces=, RestrictRealtime=, RestrictSUIDSGID=,
 * LockPersonality=, MemoryDenyWriteExecute= and SystemCallArchitectures=native do. */

#define SYSTEM_CALLS_PROGRAM_MAX 2048

/* To be called in the first lines of main(), before anything is read that others can write: from then on
 * there is no way back, and no way to gain rights. Returns 1, or 0 where the kernel was built without
 * filters, which systemd passes over as well. A negative errno is for the caller to take seriously. */
int system_calls_restrict(void);

/* The filter as the kernel takes it; returns how many instructions. Pure. */
size_t system_calls_program(struct sock_filter ret_program[static SYSTEM_CALLS_PROGRAM_MAX]);
