/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/change/rolling.h"

/* Shared by rolling.c, which takes a twin from state to state, and rolling-ports.c, which leads ports. */

/* Leaves the state; may free rolling. The second: FAILED or DONE, by r. */
void rolling_advance(Rolling *rolling, RollingEvent event);
void rolling_advance_by(Rolling *rolling, int r);

void rolling_set_failure(Rolling *rolling, const char *failure);

/* Whether that one, the unikernel itself or its twin, is up. */
bool rolling_one_serves(Manager *manager, const char *name);

/* The unikernel ends, and whether somebody has stopped it is known only afterwards. */
bool rolling_is_undecided(const Rolling *rolling);

/* rolling-ports.c: MOVING leads new connections to the twin, LEAVING to the unikernel itself; DRAINING and
 * EMPTYING wait for an end of those that the other one has. Each leaves its state. */
void rolling_move(Rolling *rolling);
void rolling_leave(Rolling *rolling);
void rolling_drain(Rolling *rolling);
