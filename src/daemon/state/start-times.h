/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/state/unikernel.h"

/* When what happened in a start: what we saw of it ourselves, kept here, and put together with what systemd
 * and the runner know for GetStartTimes(). */

/* A start of NAME that we asked for has ended. What we noted belongs to the run that is there now, unless
 * that is the one that was there before (before: its invocation ID, or NULL). */
void start_times_keep(Manager *manager, const char *name, const char *before, const Timestamps *timestamps);

StartTimes *start_times_free(StartTimes *times);
