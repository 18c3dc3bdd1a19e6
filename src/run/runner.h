/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The runner of one unikernel: supervises its guest from start to end. Its life is the table in
 * runner-state.h; runner.c feeds that and has its actions carried out, runner-start.c starts or adopts a
 * guest, runner-guest.c follows it while it runs, runner-ready.c, runner-health.c and
 * runner-checks.c check whether it is ready and healthy, runner-events.c reads what libvirt reports about
 * its domain, runner-store.c keeps descriptors in systemd, and runner-end.c stops it and reports how it
 * ended. */

typedef struct Runner Runner;

int runner_new(const char *name, Runner **ret_runner);
void runner_free(Runner *runner);

/* Starts the guest, or adopts that of a runner that died, and returns when it has ended: the unit's exit
 * status. */
int runner_run(Runner *runner);
