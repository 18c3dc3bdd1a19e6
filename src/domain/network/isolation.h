/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>

#include "domain/plan/plan.h"

/* Anti-spoofing: shruthi-antispoof if the addresses are known; otherwise, or if that does not answer,
 * libvirt's nwfilter. */

/* Called as early as possible in a start: starts shruthi-antispoof, which gets ready meanwhile. */
void isolation_prepare(const Plan *plan);

/* Chooses one of the two for each network device of the plan, after the addresses are known. With apply, for
 * a start, the interfaces are filtered before they exist. If neither is available, emits a notice, and the
 * guest starts without. */
int isolation_choose(virConnectPtr connection, Plan *plan, bool apply, Error *ret_error);

/* The same for a guest that is a process: shruthi-antispoof filters each of its interfaces and makes it, or
 * the guest is not started. */
int isolation_apply_to_process(Plan *plan, Error *ret_error);

/* What shruthi-antispoof has refused, as a failure of this host. */
int isolation_refuse(const DefinitionDevice *device, int r, Error *ret_error);

/* NULL if libvirt's filters can be used; otherwise the reason, in words, to be freed with g_free(), and how
 * to fix it. */
char *isolation_problem(virConnectPtr connection, const char **ret_fix);
