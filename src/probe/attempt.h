/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "probe/ping.h"
#include "probe/protocol.h"

/* One attempt of a probe, from its first packet to its end: limited in time and in what it reads, and bound
 * to the interface of its request, so that it reaches nobody else. */

typedef struct ProbeAttempt ProbeAttempt;

/* reason: NULL if the guest has answered as it should, else why not. The attempt may be freed here, and must
 * be freed then or later. */
typedef void (*ProbeAttemptDone)(void *userdata, const char *reason);

/* Calls done once, never from within this function. request and its path stay the caller's and must live as
 * long. */
int attempt_new(sd_event *event, Ping *ping, const ProbeRequest *request, ProbeAttemptDone done,
                void *userdata, ProbeAttempt **ret_attempt);

/* attempt may be NULL; an attempt in progress is abandoned. */
void attempt_free(ProbeAttempt *attempt);
