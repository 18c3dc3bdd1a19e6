/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>

#include "common/error.h"

/* Our networks in libvirt, made to match their records. Verbs that shruthid requests; each can be repeated
 * after a crash. */

/* Chooses the record's subnet if it has none, refuses one that overlaps, and defines, autostarts and starts
 * the network. An existing network stays, except that one created by a former version is created again if
 * nobody is on it. Speaks the protocol: "bridge=". */
int networks_create(const char *name, Error *ret_error);

/* Defines and starts the network again if it is one of ours that libvirt has lost or stopped. Returns 1 if
 * that was done, 0 if it was active, or is none of ours. NETWORK_EXISTS if libvirt has a foreign one with
 * its name. */
int networks_restore(virConnectPtr connection, const char *name, Error *ret_error);

/* Removes the network and the folder of its leases. NETWORK_IN_USE, with its users, if it is used. The
 * record stays. No error if libvirt has no network with that name, or a foreign one. */
int networks_remove(const char *name, Error *ret_error);
