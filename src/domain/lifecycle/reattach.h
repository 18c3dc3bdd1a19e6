/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* Reattaches guests whose bridge was removed while they ran: a network that was stopped and started, a
 * bridge that was deleted and created again. If the bridge exists again, guests are attached to it; a
 * network of ours is started for that. Devices that are still cut off are logged and recorded
 * (unikernel/cut-off.h). Handles the taps that have no bridge according to shruthi-antispoof. A verb of
 * shruthi-domain's own service. */
int reattach(Error *ret_error);
