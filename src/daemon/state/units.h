/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* Makes systemd reload its units if it does not know a definition made through the bus: the shruthid that
 * changed it may have been killed before it told systemd. Called once, when systemd can be reached. */
void units_repair(Manager *manager);
