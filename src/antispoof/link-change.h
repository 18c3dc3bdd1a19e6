/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "antispoof/protocol.h"

/* Changes to one interface of the host, by rtnetlink(7). When one of these returns, the kernel has made it.
 * A negative errno is the kernel's. Called by links.c and tap.c. */

/* Makes it a port of the bridge, isolated where port says so, or else leaves it without a bridge. FAILED
 * with why it cannot be done. */
int link_join(int index, int bridge, const AntispoofPort *port, Error *ret_error);

/* What is set of a tap before it is a port. The host gives itself no IPv6 address on it. */
int link_prepare(int index, const uint8_t mac[static 6], unsigned mtu);

int link_set_up(int index);
