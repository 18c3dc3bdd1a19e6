/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* Releases the addresses of unikernels that no longer exist: whose definition somebody deleted by hand, or
 * whose removal was interrupted. Called at our start and at Reload(); asynchronous. */
void addresses_sweep(Manager *manager);
