/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "body/body.h"

/* A request to a body, which shruthi-domain carries out: that links libvirt, so that the resting runner need
 * not. Its standard error is the runner's. */

typedef struct BodyCall BodyCall;

typedef struct BodyCallHooks {
        void (*line)(void *userdata, const char *key, const char *value);
        /* Descriptors for the guest that the caller is to execute, see helper/call.h. NULL: none. */
        void (*handed)(void *userdata, const int *fds, unsigned n_fds);
        /* Called after the last line. status: its exit status, or -1 if a signal or the timeout ended it.
         * The call may be freed here. */
        void (*ended)(void *userdata, int status);
} BodyCallHooks;

/* Makes the request, see helper/call.h. After usec (UINT64_MAX: never) it is killed. */
int body_call_new(sd_event *event, const BodyRequest *request, uint64_t usec, const BodyCallHooks *hooks,
                void *userdata, BodyCall **ret_call);

/* Kills the call if it still runs. */
void body_call_free(BodyCall *call);

/* Sets the timeout to usec from now, longer or shorter than before. */
void body_call_set_timeout(BodyCall *call, uint64_t usec);
