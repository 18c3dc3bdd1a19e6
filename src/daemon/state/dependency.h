/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* For a unikernel that was not started because a unit that it requires did not start: records which unit,
 * and why, as the result of its last run (unikernel/exit-record.h), because systemd records nothing about
 * such a start. done is called in any case. */
void dependency_note(Manager *manager, const char *name, void (*done)(void *userdata), void *userdata);
