/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* Which running unikernels are cut off from a network. shruthi-domain writes this to files
 * (unikernel/cut-off.h), which are watched by inotify. */

typedef struct CutOffWatch CutOffWatch;

/* Returns NULL if the files cannot be watched: then it is noticed when something else of the unikernel
 * changes. */
CutOffWatch *cut_off_watch_new(Manager *manager);
CutOffWatch *cut_off_watch_free(CutOffWatch *watch);
