/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* How the bus sees the manager: interface org.dream.Shruthi.Manager. */

extern const sd_bus_vtable manager_vtable[];
