/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "volume/store.h"

/* With less left on a file system, it is taken for full: what is written at once is more than a block, and
 * file systems keep some for themselves. */
#define VOLUME_ROOM_LEAST (UINT64_C(64) * 1024)

/* Those of the volumes (their names, spaces between) that have not yet all the room that they may come to
 * need, where their file system has less than least bytes left. NULL if there are none, or where that cannot
 * be told. Free with g_free(). */
char *volume_list_without_room(const char *volumes, uint64_t least);
