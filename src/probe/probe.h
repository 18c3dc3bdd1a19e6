/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "probe/ping.h"
#include "probe/protocol.h"

/* A probe: attempts that are repeated at an interval. The first begins at once, the next somewhere within
 * the first interval, so that the probes of a thousand guests that were started together do not run all at
 * once. */

typedef struct Probe Probe;

/* Called after the first attempt, after each that fails, and after the first success that follows
 * failures. */
typedef void (*ProbeTell)(void *userdata, const ProbeAnswer *answer);

/* Takes the content of request, even on failure. */
int probe_new(sd_event *event, Ping *ping, ProbeRequest *request, ProbeTell tell, void *userdata,
                Probe **ret_probe);
void probe_free(Probe *probe);
unsigned probe_number(const Probe *probe);
