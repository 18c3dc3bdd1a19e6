/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stddef.h>

#include "common/address.h"
#include "common/error.h"

/* Where this host's traffic goes: a new network must not overlap with it. */

/* Appends to routes (Address) the destinations in all the kernel's routing tables, including the host's own
 * addresses. Default routes, those of loopback, link-local ones (fe80::/10) and multicast are left out. */
int routes_read(GArray *routes, Error *ret_error);

/* A part of it, pure; returns what netlink_parse() does. */
int routes_parse(const void *data, size_t size, GArray *routes);
