/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <stdint.h>

#include "ctl/cli/ctl.h"

/* All unikernels with their properties, kept up to date by shruthid's signals, with a callback for each
 * change. Used by wait and events. */

typedef struct Follow Follow;

typedef enum FollowKind {
        FOLLOW_NEW,
        FOLLOW_REMOVED,
        FOLLOW_CHANGED,    /* properties */
        FOLLOW_DEFINITION, /* a change that no property shows */
} FollowKind;

/* before is NULL for FOLLOW_NEW, now for FOLLOW_REMOVED. Returns 0 to continue, or the value that
 * follow_run() must return: 1, or an error. */
typedef int (*FollowFunction)(Follow *follow, FollowKind kind, const char *name, JsonObject *before,
                JsonObject *now, void *userdata, Error *ret_error);

/* Listens before it reads, so that no change is missed. */
int follow_open(Ctl *ctl, FollowFunction function, void *userdata, Follow **ret_follow, Error *ret_error);
Follow *follow_free(Follow *follow);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Follow, follow_free)

/* The properties of a unikernel; NULL if there is none with that name. follow keeps owning the object. */
JsonObject *follow_find(const Follow *follow, const char *name);

/* NO_SUCH_UNIKERNEL for a name among names and patterns that none has. */
int follow_check_names(const Follow *follow, char *const *names, Error *ret_error);

/* Waits for changes until deadline (CLOCK_MONOTONIC in µs, UINT64_MAX for none), then returns 0. If
 * shruthid restarts meanwhile, waits for it, and reports what has changed since. */
int follow_run(Follow *follow, uint64_t deadline, Error *ret_error);
