/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "probe/protocol.h"

/* The runner's side of shruthi-probe: it has that ask the guest over the network, and asks again where that
 * service has died or is being replaced. While nothing is asked there is no connection, and while the guest
 * is well nothing wakes the runner. */

typedef struct ProbeClient ProbeClient;

typedef struct ProbeClientHooks {
        void (*answer)(void *userdata, const ProbeAnswer *answer);
        /* The service is not there; it is tried again after a while. reason: why, in words. */
        void (*lost)(void *userdata, const char *reason);
} ProbeClientHooks;

ProbeClient *probe_client_new(sd_event *event, const ProbeClientHooks *hooks, void *userdata);
void probe_client_free(ProbeClient *client);

/* Asks until it is forgotten; takes what is in request. One of the same number takes the place of the other.
 * None of the hooks is called from within. */
void probe_client_watch(ProbeClient *client, ProbeRequest *request);

/* Also from within a hook. */
void probe_client_forget(ProbeClient *client, unsigned number);
