/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* Gives back the addresses of unikernels that are no more: whose definition somebody has deleted by hand, or
 * whose removal was cut off. At the start and at Reload; goes on by itself. */
void addresses_sweep(Manager *manager);
