/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "antispoof/links.h"
#include "antispoof/protocol.h"

/* Makes the tap of an interface that has a filter, a port of its bridge that is up, without a header before
 * each frame (IFF_NO_PI). It is there for as long as somebody has *ret_fd open, which does not block.
 * ADDRESS_IN_USE where there is an interface of that name; FAILED with why it cannot be made. Called by
 * main.c. */
int tap_make(Links *links, const AntispoofTap *tap, int *ret_fd, unsigned *ret_mtu, Error *ret_error);
