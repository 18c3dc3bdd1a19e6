/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "body/body.h"

/* A request to a body, which shruthi-domain carries out: that links libvirt so that the resting runner need
 * not. Its standard error is the runner's. */

typedef struct BodyCall BodyCall;

typedef struct BodyCallHooks {
        void (*line)(void *userdata, const char *key, const char *value);
        /* After its last line. status: its exit status, or -1 when a signal or the time ended it. The call
         * may be freed here. */
        void (*ended)(void *userdata, int status);
} BodyCallHooks;

/* Has it done, see helper/call.h. After usec (UINT64_MAX: never) it is killed. */
int body_call_new(sd_event *event, const BodyRequest *request, uint64_t usec, const BodyCallHooks *hooks,
                void *userdata, BodyCall **ret_call);

/* Kills it if it still runs. */
void body_call_free(BodyCall *call);

/* Gives it so much longer from now, or shorter. */
void body_call_set_timeout(BodyCall *call, uint64_t usec);
