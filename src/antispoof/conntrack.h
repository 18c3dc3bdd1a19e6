/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/address.h"

/* Connections that the kernel remembers (conntrack). */

/* Forgets those that were translated to that address: they would go on although the port is published no
 * longer. */
int conntrack_forget(const Address *guest);
