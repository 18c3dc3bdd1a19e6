/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/access/call.h"
#include "daemon/state/network.h"

/* Making and removing a network: the record first, then libvirt, then the answer. A crash leaves a record in
 * state "creating" or "removing", and network_change_repair() brings that to an end: what was never answered
 * is taken back. */

/* What CreateNetwork() asks for, as the caller wrote it; NULL: not named. */
typedef struct NetworkRequest {
        char *subnet, *subnet6, *mode, *group, *owner, *bridge;
} NetworkRequest;

NetworkRequest *network_request_free(NetworkRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetworkRequest, network_request_free)

/* The record that a request makes, and whether an administrator has to let the caller: for a thread, as it
 * looks users up. owned is how many networks the caller has already; administer: they have been let. When it
 * fails, *ret_needs_administer says whether one could let them. */
int network_request_record(const NetworkRequest *request, const char *name, const Conf *conf,
                const Call *call, unsigned owned, bool administer, NetworkRecord **ret_record,
                bool *ret_needs_administer, Error *ret_error);

/* Take call (and request), and answer it. */
void network_change_create(Call *call, const char *name, NetworkRequest *request);
void network_change_remove(Call *call, Network *network);

/* By ourselves, for a network that is not being changed. */
void network_change_repair(Network *network);
