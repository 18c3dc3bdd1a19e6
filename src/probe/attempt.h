/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "probe/ping.h"
#include "probe/protocol.h"

/* One try of a probe, from its first packet to its end: within its time limit, bounded in what is read, and
 * bound to the interface of its request, so that it reaches nobody else. */

typedef struct ProbeAttempt ProbeAttempt;

/* reason: NULL: the guest has answered as it should; else why not. The attempt may be freed here, and has to
 * be by then or later. */
typedef void (*ProbeAttemptDone)(void *userdata, const char *reason);

/* done is called once, never from within this. request and its path stay the caller's for as long. */
int attempt_new(sd_event *event, Ping *ping, const ProbeRequest *request, ProbeAttemptDone done,
                void *userdata, ProbeAttempt **ret_attempt);

/* Takes NULL; an attempt that is not over is given up. */
void attempt_free(ProbeAttempt *attempt);
