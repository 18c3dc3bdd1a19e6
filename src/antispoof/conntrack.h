/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "common/address.h"

/* Connections that the kernel remembers (conntrack). */

/* Forgets those that were translated to one of these addresses (Address), of either family: they would go on
 * although the port is no longer published. */
int conntrack_forget(const GArray *guests);

/* How many TCP connections that were translated to one of these addresses are open: neither ended nor in the
 * time in which a late packet of an ended one may still come. */
int conntrack_count(const GArray *guests, unsigned *ret_count);
