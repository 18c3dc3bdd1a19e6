/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stddef.h>

#include "common/address.h"
#include "common/error.h"

/* Which addresses of a bridge's network are known to be in use: from the kernel's neighbour table and the
 * bridge's own addresses. The result is for lease_acquire(). The table knows who was talked to recently, not
 * who is there. */

/* Appends to seen (elements SeenAddress) what the kernel knows about bridge: over rtnetlink, or, where
 * AF_NETLINK is forbidden, from /proc/net/arp and /proc/net/if_inet6. -ENODEV: no such interface in this
 * network namespace. */
int neighbours_read(const char *bridge, GArray *seen, Error *ret_error);

/* Its parts, pure. The first appends what belongs to the interface ifindex, and returns what netlink_parse()
 * does. */
int neighbours_parse_netlink(const void *data, size_t size, int ifindex, GArray *seen);
void neighbours_parse_arp(const char *text, const char *bridge, GArray *seen);
void neighbours_parse_if_inet6(const char *text, const char *bridge, GArray *seen);
