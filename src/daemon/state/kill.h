/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/access/call.h"

/* Sends a signal to the runner; takes call and answers it. Waits for a runner that was just killed and is
 * being restarted. */
void kill_run(Call *call, int signal);
