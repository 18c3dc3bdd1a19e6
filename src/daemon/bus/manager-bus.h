/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* The manager on the bus: interface org.dream.Shruthi.Manager.
 *
 * bus/ owns the objects that clients see: a file for each interface with its methods and properties, and the
 * code that reads the data for answers. It may call all other rooms; only daemon.c, which adds the objects
 * to a connection, calls it. */

extern const sd_bus_vtable manager_vtable[];
