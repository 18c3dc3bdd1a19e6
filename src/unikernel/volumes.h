/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "unikernel/definition.h"
#include "volume/store.h"

/* Stored volumes as definitions use them: whose may be whose, and who runs with which. */

/* Whether a unikernel of that owner may have the volume: root's may have any, all others their owner's and
 * those of groups that they are in. Looks the groups up (NSS): not where nobody may be kept waiting. */
bool volume_is_for(const Volume *volume, uid_t owner);

/* Whether it is what Size= would have made: its owner's own. One that somebody of a group of theirs (or,
 * before root, anybody) made beforehand under that name would be taken for it, and read by them. */
bool volume_is_as_made(const Volume *volume, const DefinitionDevice *device, uid_t owner);

/* Whether a volume of owner may be made under that name. Names that begin with a unikernel's and '-' are for
 * the volumes of that one, whose devices they are called after; the longest that fits counts. ACCESS_DENIED
 * where it is somebody else's. */
int volume_check_reserved(const char *volume, uid_t owner, Error *ret_error);

/* The names of the unikernels that run right now and whose definitions name what holds a disk: a stored
 * volume's data, or a path; sorted. A definition that cannot be read names nothing. Free with
 * g_strfreev(). */
int volume_list_running(const char *path, char ***ret_unikernels, Error *ret_error);
