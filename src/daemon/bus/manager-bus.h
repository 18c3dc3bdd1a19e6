/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* How the bus sees the manager: interface org.dream.Shruthi.Manager.
 *
 * bus/ owns the objects that clients see: a file for each interface with its methods and properties, and
 * what is read for their answers. It may call all other rooms; only daemon.c, which puts the objects on a
 * connection, calls it. */

extern const sd_bus_vtable manager_vtable[];
