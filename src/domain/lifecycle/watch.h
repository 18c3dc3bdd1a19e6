/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/* Being told how a domain ended. After a transient domain has ended nothing can be asked about it, so
 * whoever wants to know registers before it begins. One per process: it needs libvirt's event loop. */

typedef enum WatchEnding {
        WATCH_SHUTDOWN,  /* the guest powered off or asked for a reset */
        WATCH_DESTROYED, /* somebody destroyed it through libvirt */
        WATCH_CRASHED,   /* the guest said that it crashed */
        WATCH_FAILED,    /* QEMU died */
        WATCH_UNKNOWN,   /* it was gone when we looked */
        _WATCH_ENDING_MAX,
        _WATCH_ENDING_INVALID = -EINVAL,
} WatchEnding;

const char *watch_ending_to_string(WatchEnding ending);
WatchEnding watch_ending_from_string(const char *text);

typedef struct Watch Watch;

/* Listens on connection to all domains, until watch_narrow(): an end from now on is not missed. name is the
 * unikernel's. */
int watch_new(virConnectPtr connection, const char *name, const char *uuid, Watch **ret_watch,
                Error *ret_error);

/* The domain is there now: listens to it alone, so that other domains' events wake nobody. */
int watch_narrow(Watch *watch, virDomainPtr domain, Error *ret_error);

/* Waits up to timeout_usec (UINT64_MAX: for ever) for the end. -ETIMEDOUT without an Error when it still
 * runs. A connection that breaks is made again, as often as it takes. Returns -EPIPE without an Error when
 * nobody reads standard output any more. */
int watch_wait(Watch *watch, const char *uri, uint64_t timeout_usec, WatchEnding *ret_ending,
                Error *ret_error);

/* Whether the domain was seen suspended: by QEMU, when the processor cannot go on. */
bool watch_saw_suspension(const Watch *watch);

Watch *watch_free(Watch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Watch, watch_free)
