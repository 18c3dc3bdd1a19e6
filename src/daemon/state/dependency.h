/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* A unikernel that was not started since a unit that it requires did not start: which one, and why. Kept as
 * the result of its last run (unikernel/exit-record.h), since systemd keeps nothing of such a start. done is
 * called in any case. */
void dependency_note(Manager *manager, const char *name, void (*done)(void *userdata), void *userdata);
