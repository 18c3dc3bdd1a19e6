/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>

#include "common/error.h"

/* Networks of ours in libvirt: made to be as their records say. The verbs of shruthid's helper; each is done
 * again after a crash without harm. */

/* Chooses the record's subnet where it is to be chosen, refuses one that overlaps, and defines, autostarts
 * and starts the network. What is there already stays, but what a former version made is made anew where
 * nobody is on it. Speaks the protocol: "bridge=". */
int networks_create(const char *name, Error *ret_error);

/* Where the network of that name is one of ours that libvirt has lost or stopped: defines and starts it
 * again. 1: that was done; 0: it was there, or is none of ours. NETWORK_EXISTS where libvirt has another by
 * its name. */
int networks_restore(virConnectPtr connection, const char *name, Error *ret_error);

/* Removes it and forgets its leases' folder; NETWORK_IN_USE with who is on it. The record stays. That
 * libvirt has none of that name, or another's, is no error. */
int networks_remove(const char *name, Error *ret_error);
