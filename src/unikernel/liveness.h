/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

/* The liveness token, which shows others whether a unikernel's unit is still active: a FIFO
 * /run/shruthi/lives/NAME whose reading end the runner opens, locks (flock(2)) and puts into systemd's
 * descriptor store. systemd keeps it while the runner restarts and closes it when the unit is really over:
 * also after a runner that hung or was killed too often, and after a stop in the pause before a restart.
 *
 * What is written to it is for the runner, and waits there for the next one: the events that libvirt reports
 * about the domain to shruthi-domain.service, in the words below.
 *
 * A process that has the file open for writing sees the reading end close as EPOLLERR (pipe(7)). The file is
 * removed when the domain is gone: by the runner if it saw the domain's end, else by whoever sweeps. Only
 * the holder of the lock works on the domain, so that nobody sweeps a guest that has been started
 * meanwhile. */

/* For the runner: makes the file, or takes over one that nobody holds. -EBUSY: somebody holds it, or has
 * just released it. */
int liveness_acquire(const char *name, int *ret_fd);

/* Whether fd, which systemd had stored, is that file. */
bool liveness_is_stored(const char *name, int fd);

/* For the holder of the lock: the domain is gone. Also removes what run-dir.h describes. */
int liveness_remove(const char *name);

/* Opens the file for writing. -ENXIO: the unit is over, but perhaps not its domain. -ENOENT: both are.
 * -EAGAIN: another file has taken its place meanwhile. */
int liveness_watch(const char *name, int *ret_fd);

/* Whether the unit is active, for callers that only need to know it now. */
bool liveness_is_active(const char *name);

/* An event of the domain, as a line: "running TIME", "paused REASON TIME", "ended HOW TIME"; the time is
 * CLOCK_MONOTONIC's, in µs. REASON is "user" (through libvirt), "signal" (to a process), "io-error",
 * "watchdog", "crashed", "saving" or "unknown". The latest line gives the current state, whatever came
 * before. */
typedef enum DomainEvent {
        DOMAIN_EVENT_RUNNING,
        DOMAIN_EVENT_PAUSED,
        DOMAIN_EVENT_ENDED,
        _DOMAIN_EVENT_MAX,
        _DOMAIN_EVENT_INVALID = -EINVAL,
} DomainEvent;

#define DOMAIN_END_POWERED_OFF "powered-off" /* by the guest */
#define DOMAIN_END_RESET       "reset"       /* the guest reset itself */
#define DOMAIN_END_DESTROYED   "destroyed"   /* or QEMU died */
#define DOMAIN_END_SAVED       "saved"       /* by libvirt, with its memory */
#define DOMAIN_END_UNKNOWN     "unknown"

#define DOMAIN_EVENT_LINE_MAX 64 /* bytes */

/* Formats without a newline. detail: NULL if none. Pure. */
void domain_event_format(DomainEvent word, const char *detail, uint64_t usec,
                char ret_text[static DOMAIN_EVENT_LINE_MAX]);

/* Splits text. ret_detail: "" if none. Pure. */
DomainEvent domain_event_parse(char *text, const char **ret_detail, uint64_t *ret_usec);

/* Writes text as a line to the holder of the file; fd is from liveness_watch(). Does not block: if there is
 * no room, the line is lost. */
void liveness_notify(int fd, const char *text);

/* Locks the file of a unit that is over, until *ret_fd is closed. -EBUSY: the unit is active. -ENOENT: the
 * domain is gone, too. */
int liveness_lock(const char *name, int *ret_fd);
