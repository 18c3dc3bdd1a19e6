/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/* Watches how a domain ends. libvirt knows nothing about a transient domain that has ended, so register
 * before it starts. One per process: it needs libvirt's event loop. */

typedef enum WatchEnding {
        WATCH_SHUTDOWN,  /* the guest powered off or asked for a reset */
        WATCH_DESTROYED, /* somebody destroyed it through libvirt */
        WATCH_CRASHED,   /* the guest said that it crashed */
        WATCH_FAILED,    /* QEMU died */
        WATCH_SAVED,     /* libvirt saved it with its memory */
        WATCH_UNKNOWN,   /* it was gone when we checked */
        _WATCH_ENDING_MAX,
        _WATCH_ENDING_INVALID = -EINVAL,
} WatchEnding;

const char *watch_ending_to_string(WatchEnding ending);
WatchEnding watch_ending_from_string(const char *text);

typedef struct Watch Watch;

/* Listens on connection to all domains until watch_narrow(), so no end from now on is missed. name is the
 * unikernel's. */
int watch_new(virConnectPtr connection, const char *name, const char *uuid, Watch **ret_watch,
                Error *ret_error);

/* Call it when the domain exists: listens only to this domain, so that events of others do not wake the
 * process. */
int watch_narrow(Watch *watch, virDomainPtr domain, Error *ret_error);

/* Waits up to timeout_usec (UINT64_MAX is forever) for the end. Reconnects whenever the connection breaks.
 * Returns -ETIMEDOUT without an Error if the domain still runs, -EPIPE without an Error if nobody reads
 * standard output any more. */
int watch_wait(Watch *watch, const char *uri, uint64_t timeout_usec, WatchEnding *ret_ending,
                Error *ret_error);

/* Whether the domain was suspended, which QEMU does if the processor cannot continue. */
bool watch_saw_suspension(const Watch *watch);

Watch *watch_free(Watch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Watch, watch_free)
