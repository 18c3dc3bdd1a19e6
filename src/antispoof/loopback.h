/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* Reaching published ports by the host's own 127.0.0.1 and ::1: packets with such a source leave the host
 * only by a bridge that was told to let them. */

/* Tells the bridge, or takes it back. One that is made anew has to be told again. -ENODEV. */
int loopback_set_routed(const char *bridge, bool routed);
