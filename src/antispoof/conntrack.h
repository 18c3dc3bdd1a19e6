/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "common/address.h"

/* Connections that the kernel remembers (conntrack). */

/* Forgets those that were translated to one of these addresses (Address), of either family: they would go on
 * although the port is no longer published. */
int conntrack_forget(const GArray *guests);
