/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "uplink/protocol.h"

/* The client of shruthi-uplink, which gives a user's own unikernel its network. When it returns, ports are
 * published, and frames are read from *ret_fd and written to it, one at a time. FAILED, NOT_SUPPORTED with
 * the reason. */
int uplink_make(const UplinkRequest *request, int *ret_fd, Error *ret_error);
