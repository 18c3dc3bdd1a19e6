/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "antispoof/protocol.h"

/* Limits what passes the tap, whose index that is, to its rates; of a tap without any nothing is changed.
 * FAILED with what the kernel lacks for it, or else with why it cannot be done. Called by tap.c. */
int bandwidth_set(int index, const AntispoofTap *tap, unsigned mtu, Error *ret_error);
