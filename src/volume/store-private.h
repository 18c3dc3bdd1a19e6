/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "volume/store.h"

/* Shared by the files of the store: how a volume is stored on disk, and the lock of the store. */

#define VOLUME_TEMPORARY_PREFIX ".new-"
#define VOLUME_DATA             "data"
#define VOLUME_RECORD           "volume"

/* Exists as long as somebody may have an exported descriptor. The lock of an export belongs to the open file
 * description, and every holder of that can release it: so from the first export on we check whether the
 * data is open at all, until we see that it is not. */
#define VOLUME_EXPORTED         "exported"

/* Locks the store against other changes, until the descriptor (of its directory) is closed. */
int volume_store_lock(int *ret_fd, Error *ret_error);

/* Reads a folder; name is a volume's or a temporary one. -ENOENT without an Error if it is no volume. */
int volume_read(int store_fd, const char *name, Volume **ret_volume);

/* Whether the owner's limits allow that many more bytes and volumes; those being made count too. Under the
 * lock. */
int volume_check_limits(int store_fd, const char *name, uid_t owner, uint64_t more_size,
                unsigned more_volumes, const VolumeLimits *limits, Error *ret_error);

/* Removes a folder and the files in it. */
int volume_folder_remove(int store_fd, const char *name);

int error_set_no_such_volume(Error *ret_error, const char *name);
