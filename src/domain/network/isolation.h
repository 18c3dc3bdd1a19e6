/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>

#include "domain/plan/plan.h"

/* What keeps a guest from sending from another's MAC or IP address: shruthi-antispoof where the addresses
 * are known, else, and where that does not answer, libvirt's nwfilter. */

/* For a start, as early as can be: what will be asked for gets ready meanwhile. */
void isolation_prepare(const Plan *plan);

/* Chooses that for each network device of the plan, whose addresses are known; with apply, for a start,
 * which filters the interfaces before they are there. Where neither can be had there is a notice, and the
 * guest starts without. */
int isolation_choose(virConnectPtr connection, Plan *plan, bool apply, Error *ret_error);

/* NULL where this libvirt has filters; else why not, in words, to be freed with g_free(), and how to mend
 * it. */
char *isolation_problem(virConnectPtr connection, const char **ret_fix);
