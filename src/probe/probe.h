/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "probe/ping.h"
#include "probe/protocol.h"

/* A probe: attempts that are repeated at an interval, beginning at once and then somewhere within the first
 * interval, so that those of a thousand guests that were started together do not go off together. */

typedef struct Probe Probe;

/* What there is to say: after the first attempt, after each that fails, and after the first good one behind
 * those. */
typedef void (*ProbeTell)(void *userdata, const ProbeAnswer *answer);

/* Takes what is in request, also where it fails. */
int probe_new(sd_event *event, Ping *ping, ProbeRequest *request, ProbeTell tell, void *userdata,
                Probe **ret_probe);
void probe_free(Probe *probe);
unsigned probe_number(const Probe *probe);
