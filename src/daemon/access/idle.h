/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* When shruthid may go: nobody who has ever called is on the bus any more, nothing is under way, and some
 * time has passed. */

int idle_start(Manager *manager);

/* Gives the name back before the end, so that calls that come meanwhile go to the next process and none is
 * lost: the event loop runs until the bus has taken it. */
void idle_leave(Manager *manager);
