/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "volume/store.h"

/* What the files of the store share: how a volume lies on disk, and the lock of all. */

#define VOLUME_TEMPORARY_PREFIX ".new-"
#define VOLUME_DATA             "data"
#define VOLUME_RECORD           "volume"

/* There as long as somebody may have an exported descriptor. Its lock is the open file description's, and
 * whoever has that can take the lock off: so from the first export on it is looked whether the data is open
 * at all, until it is seen that it is not. */
#define VOLUME_EXPORTED         "exported"

/* Locks the store against other changes, until the descriptor (of its directory) is closed. */
int volume_store_lock(int *ret_fd, Error *ret_error);

/* The folder's content; name is a volume's or a temporary one. -ENOENT without an Error where it is none. */
int volume_read(int store_fd, const char *name, Volume **ret_volume);

/* Whether more bytes and volumes are within the owner's limit, to which those being made count too. Under
 * the lock. */
int volume_check_limits(int store_fd, const char *name, uid_t owner, uint64_t more_size,
                unsigned more_volumes, const VolumeLimits *limits, Error *ret_error);

/* Removes a folder and the files in it. */
int volume_folder_remove(int store_fd, const char *name);

int error_set_no_such_volume(Error *ret_error, const char *name);
