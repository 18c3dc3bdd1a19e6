/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <stdint.h>

#include "ctl/cli/ctl.h"

/* All unikernels with their properties, kept up to date by shruthid's signals, and a call for each change.
 * Used by wait and events. */

typedef struct Follow Follow;

typedef enum FollowKind {
        FOLLOW_NEW,
        FOLLOW_REMOVED,
        FOLLOW_CHANGED,    /* properties */
        FOLLOW_DEFINITION, /* nothing that a property tells */
} FollowKind;

/* before is NULL for FOLLOW_NEW, now for FOLLOW_REMOVED. Returns 0 to go on, or what follow_run() is to
 * return: 1, or an error. */
typedef int (*FollowFunction)(Follow *follow, FollowKind kind, const char *name, JsonObject *before,
                JsonObject *now, void *userdata, Error *ret_error);

/* Listens first and reads then, so that no change is missed. */
int follow_open(Ctl *ctl, FollowFunction function, void *userdata, Follow **ret_follow, Error *ret_error);
Follow *follow_free(Follow *follow);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Follow, follow_free)

/* The properties of one; NULL: there is none of that name. The object stays the follower's. */
JsonObject *follow_find(const Follow *follow, const char *name);

/* Waits for changes until deadline (CLOCK_MONOTONIC in µs, UINT64_MAX: none): then 0. A shruthid that is
 * restarted meanwhile is waited for, and what has changed then is told. */
int follow_run(Follow *follow, uint64_t deadline, Error *ret_error);
