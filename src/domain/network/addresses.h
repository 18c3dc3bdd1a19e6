/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>

#include "domain/plan/plan.h"

/* A unikernel's addresses from its definition to its arguments: leases, entries in DHCP and DNS of libvirt's
 * networks, and the arguments with placeholders filled in. A crash leaves a lease, which the device gets
 * again next time. Called by lifecycle.c. */

/* Acquires a lease for each device whose Address= asks for one, releases leases that are no longer needed,
 * and fills in plan->networks and plan->arguments. Errors: ADDRESS_IN_USE, NO_FREE_ADDRESS, NO_SUCH_NETWORK,
 * INVALID_ARGS. */
int addresses_acquire(virConnectPtr connection, Plan *plan, Error *ret_error);

/* The same for a unikernel that is being created: INVALID_NAME if another machine has its name in one of its
 * networks. */
int addresses_allocate(virConnectPtr connection, Plan *plan, Error *ret_error);

/* The same with the existing leases, changing nothing. INVALID_ARGS if the arguments need a lease that does
 * not exist. */
int addresses_read(virConnectPtr connection, Plan *plan, Error *ret_error);

/* Removes name from DHCP and DNS of libvirt's networks and releases its leases. Needs no definition. */
int addresses_release(virConnectPtr connection, const char *name, Error *ret_error);
