/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/access/call.h"
#include "daemon/state/network.h"

/* Making and removing a network: the record first, then libvirt, then the answer. A crash leaves a record in
 * state "creating" or "removing", and network_change_repair() brings that to an end: what was never answered
 * is taken back. */

/* Where a change of a network is on its way.
 *
 *     create:  NEW ──► RECORDING ◄──► AUTHORIZING
 *                          ▼
 *     repair:  NEW ──► CREATING ──► READING ──► ENDED
 *                          │ taken back
 *                          ▼
 *              NEW ──► REMOVING ──► FORGETTING ──► ENDED
 *                        ▲ │ in use
 *     remove:  NEW ──► MARKING   └──► RESTORING ──► ENDED
 *
 * A repair begins with CREATING or with REMOVING, as the record says. Each step that fails otherwise leads
 * to ENDED. */
typedef enum NetworkChangeState {
        NETWORK_CHANGE_NEW,
        NETWORK_CHANGE_RECORDING,   /* a thread checks the request and writes the record */
        NETWORK_CHANGE_AUTHORIZING, /* polkit is asked for an administrator */
        NETWORK_CHANGE_CREATING,    /* libvirt */
        NETWORK_CHANGE_READING,     /* a thread reads what the record has become */
        NETWORK_CHANGE_MARKING,     /* a thread writes that it is being removed */
        NETWORK_CHANGE_REMOVING,    /* libvirt */
        NETWORK_CHANGE_FORGETTING,  /* a thread removes the record */
        NETWORK_CHANGE_RESTORING,   /* a thread writes that it is there as before */
        NETWORK_CHANGE_ENDED,
        _NETWORK_CHANGE_STATE_MAX,
        _NETWORK_CHANGE_STATE_INVALID = -EINVAL,
} NetworkChangeState;

typedef enum NetworkChangeEvent {
        NETWORK_CHANGE_EVENT_CREATE, /* the first four begin one */
        NETWORK_CHANGE_EVENT_REMOVE,
        NETWORK_CHANGE_EVENT_REPAIR,
        NETWORK_CHANGE_EVENT_TAKE_BACK, /* it was never answered, or cannot be made */
        NETWORK_CHANGE_EVENT_DONE,
        NETWORK_CHANGE_EVENT_FAILED,
        NETWORK_CHANGE_EVENT_NEEDS_ADMINISTER,
        NETWORK_CHANGE_EVENT_IN_USE, /* guests are on it, and it was there for others */
        _NETWORK_CHANGE_EVENT_MAX,
} NetworkChangeEvent;

/* _NETWORK_CHANGE_STATE_INVALID where nothing leads on. Pure. */
NetworkChangeState network_change_state_next(NetworkChangeState state, NetworkChangeEvent event);

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
