/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* Whether a unikernel's unit is still on, for others to see: a FIFO /run/shruthi/lives/NAME whose reading
 * end the runner opens, locks (flock(2)) and puts into systemd's descriptor store. systemd keeps that while
 * the runner restarts and closes it when the unit is really over: also after a runner that hung or was
 * killed too often, and after a stop in the pause before a restart. Nothing is written to it.
 *
 * Who has the file open for writing sees that end as EPOLLERR (pipe(7)). The file goes when the domain has
 * gone: it is removed by the runner where that saw the domain's end, else by who sweeps. Only who holds the
 * lock works on the domain, so that nobody sweeps a guest that has been started meanwhile. */

/* The runner's: makes the file, or takes over one that nobody holds. -EBUSY: somebody does, or has just given
 * it up. */
int life_take(const char *name, int *ret_fd);

/* Whether fd, which systemd had stored, is the file's. */
bool life_is_held(const char *name, int fd);

/* For whoever holds the lock: the domain is gone. Removes what run-dir.h describes, too. */
int life_end(const char *name);

/* Opens it for writing. -ENXIO: the unit is over, and perhaps not its domain. -ENOENT: both are. -EAGAIN:
 * another is there meanwhile. */
int life_watch(const char *name, int *ret_fd);

/* Locks it where the unit is over, until *ret_fd is closed. -EBUSY: it is on. -ENOENT: the domain is gone,
 * too. */
int life_lock(const char *name, int *ret_fd);
