/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* shruthid as a whole: connects all rooms. Only main() calls it. */

int daemon_new(Manager **ret_manager, Error *ret_error);

/* Takes NULL and returns NULL. */
Manager *daemon_free(Manager *manager);
static inline void daemon_cleanup(Manager **manager)
{
        daemon_free(*manager);
}
#define _cleanup_daemon_ __attribute__((cleanup(daemon_cleanup)))

/* Serves until it is idle or told to end. Returns the exit status of the program or a negative errno. */
int daemon_run(Manager *manager);
