/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <poll.h>
#include <stdint.h>

#include "uplink/protocol.h"

/* A station of our own on the guest's network, from which the checks of Ready= and Healthy= call it: what
 * the host's bridge is for a unikernel of the system. passt is no help there: it accepts a connection to a
 * published port before the guest has been asked. Called by relay.c.
 *
 * Who wants to know connects to its socket, a stream, and says in one line what is to be called:
 *
 *     tcp PORT
 *     ping
 *
 * The answer is one byte: 0 once the guest has answered, or the errno that says why not; none as long as it
 * does not answer. After 0 to "tcp", what is written goes to the guest, and what it says comes back, until
 * either side closes. One call for each connection. */

typedef struct Station Station;

/* Sends a frame to the guest; it may be lost. */
typedef void (*StationSend)(void *userdata, const uint8_t *frame, size_t size);

#define STATION_CALLS_MAX 32 /* those that come then are closed */
#define STATION_POLLS_MAX (STATION_CALLS_MAX + 1)

/* listener: its socket, which becomes the station's; negative where there is none. number: as in the
 * request. */
Station *station_new(int listener, unsigned number, StationSend send, void *userdata);
void station_free(Station *station);

/* A connection besides those to its socket; fd becomes the station's. For tests. */
void station_add(Station *station, int fd);

/* Takes a frame of the guest's, of any content: whether it was for the station, and goes nowhere else. */
bool station_take(Station *station, const uint8_t *frame, size_t size);

/* What to wait for: fills in polls, and returns how many; until when, by g_get_monotonic_time(), INT64_MAX
 * if that does not matter. Then station_handle(), in any case. */
unsigned station_poll(const Station *station, struct pollfd polls[static STATION_POLLS_MAX]);
int64_t station_due(const Station *station);
void station_handle(Station *station, const struct pollfd *polls, unsigned n_polls);
