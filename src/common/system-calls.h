/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

/* Restricts which system calls a program of ours, and all programs that it executes, may make. systemd's
 * SystemCallFilter= does the same for a unit, but builds its filter anew at each start, which takes longer
 * than the rest of such a start. This one takes a fraction of a millisecond, allows less, and checks
 * arguments too: it repeats what RestrictAddressFamilies=AF_UNIX, RestrictNamespaces=, RestrictRealtime=,
 * RestrictSUIDSGID=, LockPersonality=, MemoryDenyWriteExecute= and SystemCallArchitectures=native do. */

#define SYSTEM_CALLS_PROGRAM_MAX 2048

/* Call it in the first lines of main(), before reading anything that others can write: it cannot be undone,
 * and no rights can be gained afterwards. with_scheduler: sched_setscheduler() is allowed, too. Returns 1,
 * or 0 where the kernel was built without filters, which systemd ignores as well. The caller must not ignore
 * a negative errno. */
int system_calls_restrict(bool with_scheduler);

/* The filter in the kernel's format; returns the number of instructions. Pure. */
size_t system_calls_program(
                bool with_scheduler, struct sock_filter ret_program[static SYSTEM_CALLS_PROGRAM_MAX]);
