/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>

#include "domain/plan/plan.h"

/* A unikernel's addresses from its definition to its arguments: leases, what DHCP and DNS of libvirt's
 * networks are told of them, and the arguments with all filled in. A crash anywhere leaves a lease, which is
 * the device's own next time. Called by lifecycle.c. */

/* Acquires a lease for each device that Address= gives one, gives back those that it no longer has, and
 * fills in plan->networks and plan->arguments. ADDRESS_IN_USE, NO_FREE_ADDRESS, NO_SUCH_NETWORK,
 * INVALID_ARGS. */
int addresses_acquire(virConnectPtr connection, Plan *plan, Error *ret_error);

/* The same for one that is being created: INVALID_NAME where its name is another machine's in one of its
 * networks. */
int addresses_allocate(virConnectPtr connection, Plan *plan, Error *ret_error);

/* The same with the leases that there are, changing nothing. INVALID_ARGS where the arguments need one that
 * is not. */
int addresses_read(virConnectPtr connection, Plan *plan, Error *ret_error);

/* Takes NAME out of DHCP and DNS of libvirt's networks and gives back its leases. It needs no definition. */
int addresses_release(virConnectPtr connection, const char *name, Error *ret_error);
