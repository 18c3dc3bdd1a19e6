/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* Exit when idle: no client that ever called is still on the bus, nothing is in progress, and some time has
 * passed. */

int idle_start(Manager *manager);

/* Releases the bus name before the exit, so that calls that arrive meanwhile go to the next process and none
 * is lost. The event loop runs until the bus has released it. */
void idle_leave(Manager *manager);
