/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* Has systemd read its units again where it does not know what a definition made through the bus says: who
 * changed it may have been killed before systemd was told. Once, when systemd can be reached. */
void units_repair(Manager *manager);
