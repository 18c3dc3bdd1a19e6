/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* The methods of a unikernel about its key material (unikernel-bus.h). Contents pass by as descriptors, from
 * the caller to shruthi-seal, and are never read here. */

/* Whether something is being done to the keys of that name: then it is neither made nor removed, so that no
 * key meets another unikernel than the one that it was meant for. */
bool credentials_busy(const Manager *manager, const char *name);
