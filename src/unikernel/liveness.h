/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether a unikernel's unit is still on, for others to see: a FIFO /run/shruthi/lives/NAME whose reading
 * end the runner opens, locks (flock(2)) and puts into systemd's descriptor store. systemd keeps that while
 * the runner restarts and closes it when the unit is really over: also after a runner that hung or was
 * killed too often, and after a stop in the pause before a restart.
 *
 * What is written to it is for the runner, and waits there for the next one: what shruthi-domain.service
 * hears of libvirt about the domain, as the words below.
 *
 * Who has the file open for writing sees that end as EPOLLERR (pipe(7)). The file goes when the domain has
 * gone: it is removed by the runner where that saw the domain's end, else by who sweeps. Only who holds the
 * lock works on the domain, so that nobody sweeps a guest that has been started meanwhile. */

/* The runner's: makes the file, or takes over one that nobody holds. -EBUSY: somebody does, or has just
 * given it up. */
int liveness_acquire(const char *name, int *ret_fd);

/* Whether fd, which systemd had stored, is the file's. */
bool liveness_is_stored(const char *name, int fd);

/* For whoever holds the lock: the domain is gone. Removes what run-dir.h describes, too. */
int liveness_remove(const char *name);

/* Opens it for writing. -ENXIO: the unit is over, and perhaps not its domain. -ENOENT: both are. -EAGAIN:
 * another is there meanwhile. */
int liveness_watch(const char *name, int *ret_fd);

/* Whether the unit is not over, for who only wants to know it now. */
bool liveness_is_active(const char *name);

/* What has become of the domain. "running TIME", "paused REASON TIME", "ended HOW TIME" as a line; the
 * time is CLOCK_MONOTONIC's, in µs. REASON is "user" (through libvirt), "io-error", "watchdog",
 * "crashed", "saving" or "unknown". The latest says how it is, after whatever came before. */
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
#define DOMAIN_END_UNKNOWN     "unknown"

#define DOMAIN_EVENT_LINE_MAX 64 /* bytes */

/* Without a newline. detail: NULL where there is none. Pure. */
void domain_event_format(DomainEvent word, const char *detail, uint64_t usec,
                char ret_text[static DOMAIN_EVENT_LINE_MAX]);

/* Splits text. ret_detail: "" where there is none. Pure. */
DomainEvent domain_event_parse(char *text, const char **ret_detail, uint64_t *ret_usec);

/* Writes text as a line to who holds the file, fd being of liveness_watch(). Nobody waits: where there is no
 * room the word is lost. */
void liveness_notify(int fd, const char *text);

/* Locks it where the unit is over, until *ret_fd is closed. -EBUSY: it is on. -ENOENT: the domain is gone,
 * too. */
int liveness_lock(const char *name, int *ret_fd);
