/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "unikernel/definition.h"

/* The snapshot of a unikernel: its guest with the memory and the state of its devices, as libvirt saved it,
 * from which it can continue. There is one at most, a folder below paths_snapshots():
 *
 *     NAME.saving/     while it is written
 *     NAME.saved/      once it is whole
 *     NAME.restoring/  the same one, from the request of a start that uses it until that start
 *
 * with "memory", which only libvirt reads and writes, and "definition", which says what the guest was
 * started with (started.h). The volumes are not in it. */

typedef struct Snapshot {
        uint64_t time; /* µs since 1970, when it was complete */
        uint64_t size; /* bytes */
} Snapshot;

/* Finds it, also one that is being restored. Returns 1, or 0 if there is none. */
int snapshot_find(const char *name, Snapshot *ret_snapshot);

/* For shruthi-domain, which makes one of a running guest: a new folder with what that was started with, and
 * the path that libvirt shall write; then it replaces the former snapshot, or is dropped. The path is freed
 * with g_free(). */
int snapshot_begin(const char *name, char **ret_path, Error *ret_error);
int snapshot_complete(const char *name, Error *ret_error);
void snapshot_abandon(const char *name);

/* For shruthid: the next start restores it, or does not any more. NO_SUCH_SNAPSHOT. */
int snapshot_request(const char *name, Error *ret_error);
void snapshot_withdraw(const char *name);

/* NO_SUCH_SNAPSHOT. */
int snapshot_remove(const char *name, Error *ret_error);

/* For shruthi-domain, at a start: the path that libvirt shall read if it is to be restored, else NULL. Free
 * with g_free(). */
char *snapshot_requested(const char *name);

/* Whether a start with definition would give the guest what it had when it was saved. SNAPSHOT_UNUSABLE. */
int snapshot_check_definition(const char *name, const Definition *definition, Error *ret_error);
