/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "unikernel/definition.h"
#include "volume/store.h"

/* Stored volumes as definitions use them: who may use which, and which running unikernels do. */

/* Whether a unikernel of that owner may use the volume: root's may use any, all others their owner's and
 * those of groups that their owner is in. Looks up the groups (NSS): do not call it where nobody may be kept
 * waiting. */
bool volume_is_for(const Volume *volume, uid_t owner);

/* Whether the volume is what Size= would have made: its owner's own. Otherwise a volume that somebody in
 * their group (or, for root, anybody) made beforehand under that name would be used in its place, and they
 * could read it. */
bool volume_is_as_made(const Volume *volume, const DefinitionDevice *device, uid_t owner);

/* Whether owner may make a volume under that name. Names that begin with a unikernel's and '-' are reserved
 * for the volumes of that unikernel, which are named after its devices; the longest that fits counts.
 * ACCESS_DENIED if the name is reserved for somebody else. */
int volume_check_reserved(const char *volume, uid_t owner, Error *ret_error);

/* The names of the unikernels that run right now and whose definitions name that disk: a stored volume's
 * data, or a path; sorted. A definition that cannot be read names nothing. Free with g_strfreev(). */
int volume_list_running(const char *path, char ***ret_unikernels, Error *ret_error);
