/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* Which running unikernels are cut off from a network, kept true by inotify: shruthi-domain writes it down
 * (unikernel/cut-off.h). */

typedef struct CutOffWatch CutOffWatch;

/* NULL where it cannot be watched: then it is seen when something else changes of the unikernel. */
CutOffWatch *cut_off_watch_new(Manager *manager);
CutOffWatch *cut_off_watch_free(CutOffWatch *watch);
