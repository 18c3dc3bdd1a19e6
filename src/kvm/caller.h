/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Who may have /dev/kvm. All runners and what they start have the same user, and one that was broken out of
 * could ask as well: so the user does not count, but what systemd says of the process. */

/* What it says. */
typedef struct Caller {
        const char *unit;
        const char *state; /* ActiveState= of the unit */
        pid_t main;        /* its main process */
} Caller;

/* Whether pid is a runner that starts its guest: the process that systemd executed for the unit of a
 * unikernel, and has not been told of yet that the guest runs. Pure. */
bool caller_is_starting(const Caller *caller, pid_t pid);

/* The same of the process that made the connection, which waits. Asks systemd. Negative if it does not
 * answer. */
int caller_check(int connection);
