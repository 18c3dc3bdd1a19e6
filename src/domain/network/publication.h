/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>

#include "domain/plan/plan.h"

/* The published ports of a start: shruthi-antispoof has the host's ports lead to the guest. It withdraws
 * them by itself when the guest's interface goes. */

/* Before the guest runs, and after all that may take an interface of an earlier one away. The devices have
 * their addresses, and isolation_choose() was called. NO_SUCH_NETWORK, NO_FREE_ADDRESS, ADDRESS_IN_USE,
 * NOT_SUPPORTED. */
int publication_apply(virConnectPtr connection, const Plan *plan, Error *ret_error);

/* Verbs: have new connections go to NAME and not to its twin, or the other way round; and print how many
 * connections through its ports are open. */
int publication_lead(const char *name, Error *ret_error);
int publication_report_connections(const char *name, Error *ret_error);

/* Where the guest was not made after that. */
void publication_withdraw(const Plan *plan);
