/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "probe/protocol.h"

/* The runner's side of shruthi-probe: has it query the guest over the network, and asks again if that
 * service has died or is being replaced. While nothing is watched there is no connection, and while the
 * guest is healthy nothing wakes the runner. */

typedef struct ProbeClient ProbeClient;

typedef struct ProbeClientHooks {
        void (*answer)(void *userdata, const ProbeAnswer *answer);
        /* The service is not there, and is tried again after a while. reason: why, in words. */
        void (*lost)(void *userdata, const char *reason);
} ProbeClientHooks;

ProbeClient *probe_client_new(sd_event *event, const ProbeClientHooks *hooks, void *userdata);
void probe_client_free(ProbeClient *client);

/* Watches until probe_client_forget(); takes the content of request. A request replaces an earlier one of
 * the same number. Calls none of the hooks. */
void probe_client_watch(ProbeClient *client, ProbeRequest *request);

/* May also be called from within a hook. */
void probe_client_forget(ProbeClient *client, unsigned number);
