/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stddef.h>

#include "common/address.h"
#include "common/error.h"

/* Where this host's traffic goes: what a new network must not overlap with. */

/* Appends to routes (Address) the destinations of all the kernel's tables, the host's own addresses among
 * them. Default routes, the loopback's, one link's own (fe80::/10) and multicast are left out. */
int routes_read(GArray *routes, Error *ret_error);

/* A part of it, pure: as netlink_parse(). */
int routes_parse(const void *data, size_t size, GArray *routes);
