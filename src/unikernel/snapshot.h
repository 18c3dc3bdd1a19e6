/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "unikernel/definition.h"

/* The snapshot of a unikernel: its guest with the memory and the state of its devices, as libvirt saved it,
 * from which it can continue. There is one at most, below paths_snapshots():
 *
 *     NAME.saving/  while it is written, or where a shruthi-domain that was killed has left it
 *     NAME.saved/   once it is whole
 *     NAME.lock     locked (flock(2)) by whoever makes or removes it
 *
 * with "memory", which only libvirt reads and writes, "definition", which says what the guest was started
 * with (started.h), and "volumes", which says what its volumes were then. The volumes are not in it.
 *
 * It is used by one start only, which is asked for by a file below paths_restores(). */

typedef struct Snapshot {
        uint64_t time; /* µs since 1970, when it was complete */
        uint64_t size; /* bytes */
} Snapshot;

/* Returns 1, or 0 if there is none. */
int snapshot_find(const char *name, Snapshot *ret_snapshot);

/* For whoever makes or removes it, until *ret_fd is closed. BUSY if somebody else does. */
int snapshot_lock(const char *name, int *ret_fd, Error *ret_error);

/* For the holder of the lock, while the guest runs: makes the folder with the text of what that was started
 * with. ret_path is where libvirt shall write the memory; free with g_free(). */
int snapshot_begin(const char *name, const char *started, char **ret_path, Error *ret_error);
/* Once the guest is gone: records its volumes. */
int snapshot_note_volumes(const char *name, const Definition *definition, Error *ret_error);
/* Then it replaces the former snapshot, or is dropped. */
int snapshot_complete(const char *name, Error *ret_error);
void snapshot_abandon(const char *name);

/* Removes it, whatever state it is in. NO_SUCH_SNAPSHOT, BUSY. */
int snapshot_remove(const char *name, Error *ret_error);

/* For shruthid: the next start restores it, if that comes within minutes. NO_SUCH_SNAPSHOT. */
int snapshot_request(const char *name, Error *ret_error);
/* Withdraws that. Returns whether no start had taken it yet. */
bool snapshot_withdraw(const char *name);
bool snapshot_is_requested(const char *name);

/* For shruthi-domain, at a start: whether it is to be restored, which counts for this start only. */
bool snapshot_take_request(const char *name);

/* The path of its memory: of the one that is whole, or the one that was left while it was saved. NULL if
 * there is none. Free with g_free(). */
char *snapshot_memory(const char *name, bool whole);

/* Whether a start with definition would give the guest what it had when it was saved, also its volumes.
 * SNAPSHOT_UNUSABLE. */
int snapshot_check(const char *name, const Definition *definition, Error *ret_error);
