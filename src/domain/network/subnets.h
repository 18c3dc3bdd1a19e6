/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>

#include "common/conf.h"
#include "unikernel/network.h"

/* Chooses the missing subnets of the record from NetworkPool=, and refuses those that overlap with a network
 * of libvirt or of ours, with a bridge of shruthi.conf, or with a route of this host. Called by networks.c,
 * under the lock of all records. */
int network_subnets_settle(
                virConnectPtr connection, const Conf *conf, NetworkRecord *record, Error *ret_error);
