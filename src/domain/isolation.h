/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>

#include "domain/plan.h"

/* What keeps a guest from sending from another's MAC or IP address: libvirt's nwfilter. */

/* Chooses the filter of each network device of the plan, whose addresses are known. Where this libvirt has
 * no filters there is a notice, and the guest starts without. */
int isolation_choose(virConnectPtr connection, Plan *plan, Error *ret_error);

/* NULL where this libvirt can do that; else why not, in words, to be freed with g_free(), and how to mend
 * it. */
char *isolation_problem(virConnectPtr connection, const char **ret_fix);
