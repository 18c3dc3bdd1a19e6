/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* shruthid.socket: the same objects, peer to peer on /run/shruthi/private, for root when there is no bus. */

/* Takes the listening descriptor (non-blocking). */
int private_listen(Manager *manager, int fd);
