/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/access/call.h"
#include "daemon/state/network.h"

/* Creates and removes networks: the record first, then libvirt, then the answer. A crash leaves a record in
 * state "creating" or "removing", which network_change_repair() finishes: a creation that was never answered
 * is undone. */

/* The states of a change of a network.
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
 * A repair begins with CREATING or REMOVING, depending on the record. Any other failure leads to ENDED. */
typedef enum NetworkChangeState {
        NETWORK_CHANGE_NEW,
        NETWORK_CHANGE_RECORDING,   /* a thread checks the request and writes the record */
        NETWORK_CHANGE_AUTHORIZING, /* polkit is asked for an administrator */
        NETWORK_CHANGE_CREATING,    /* libvirt */
        NETWORK_CHANGE_READING,     /* a thread reads the record again */
        NETWORK_CHANGE_MARKING,     /* a thread sets the record to "removing" */
        NETWORK_CHANGE_REMOVING,    /* libvirt */
        NETWORK_CHANGE_FORGETTING,  /* a thread removes the record */
        NETWORK_CHANGE_RESTORING,   /* a thread sets the record back to ready */
        NETWORK_CHANGE_ENDED,
        _NETWORK_CHANGE_STATE_MAX,
        _NETWORK_CHANGE_STATE_INVALID = -EINVAL,
} NetworkChangeState;

typedef enum NetworkChangeEvent {
        NETWORK_CHANGE_EVENT_CREATE, /* the first four begin one */
        NETWORK_CHANGE_EVENT_REMOVE,
        NETWORK_CHANGE_EVENT_REPAIR,
        NETWORK_CHANGE_EVENT_TAKE_BACK, /* it was never answered, or cannot be created */
        NETWORK_CHANGE_EVENT_DONE,
        NETWORK_CHANGE_EVENT_FAILED,
        NETWORK_CHANGE_EVENT_NEEDS_ADMINISTER,
        NETWORK_CHANGE_EVENT_IN_USE, /* guests use it, and it was announced */
        _NETWORK_CHANGE_EVENT_MAX,
} NetworkChangeEvent;

/* Returns _NETWORK_CHANGE_STATE_INVALID if the event is not valid in that state. Pure. */
NetworkChangeState network_change_state_next(NetworkChangeState state, NetworkChangeEvent event);

/* The arguments of CreateNetwork(), as the caller wrote them; NULL if not given. */
typedef struct NetworkRequest {
        char *subnet, *subnet6, *mode, *group, *owner, *bridge;
        char *emulated; /* "yes" or "no" */
        char *fleet;
} NetworkRequest;

NetworkRequest *network_request_free(NetworkRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetworkRequest, network_request_free)

/* Makes the record for a request and checks whether it needs an administrator. For a thread, because it
 * looks users up. owned is the number of networks that the caller already has; administer says that polkit
 * has authorized the caller as an administrator. On failure, *ret_needs_administer says whether an
 * administrator could do it. */
int network_request_record(const NetworkRequest *request, const char *name, const Conf *conf,
                const Call *call, unsigned owned, bool administer, NetworkRecord **ret_record,
                bool *ret_needs_administer, Error *ret_error);

/* These take call (and request), and answer it. */
void network_change_create(Call *call, const char *name, NetworkRequest *request);
void network_change_remove(Call *call, Network *network);

/* Repairs a network that is not being changed, without a caller. */
void network_change_repair(Network *network);
