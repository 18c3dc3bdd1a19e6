/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* Guests whose bridge went while they ran: a network that was stopped and started, a bridge that was deleted
 * and made again. Where it is there again they are put back on it, a network of ours is started again for
 * that, and what is cut off still is told in the journal and noted (unikernel/cut-off.h). Looks at whatever
 * shruthi-antispoof says is without a bridge. A verb of shruthi-domain's own service. */
int reattach(Error *ret_error);
