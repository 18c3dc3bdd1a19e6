/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "uplink/protocol.h"

/* Carries frames between the guest's socket, a datagram each, and passt's, a stream. Started anew, passt
 * goes on for the same guest; without connections of before. Called by main().
 *
 * Returns when the guest's process has ended, or does not come within RELAY_START_SEC. frames, stream
 * and station, the socket of the station (station.h; negative: there is none), are the relay's from then on.
 */

#define RELAY_START_SEC 30

void relay_run(const UplinkRequest *request, int frames, int stream, int station);

/* Whether a frame of the guest's goes to passt: IPv4, IPv6 and ARP of a size that a network has, and none to
 * this host's loopback, which not every passt rules out: what listens there is not for the guest. For tests.
 */
bool relay_passes(const uint8_t *frame, size_t size);

/* The stream's side of it, for tests: whole frames that are in buffer are counted off, each handed to the
 * function, which returns false if it cannot take it now. Returns how many bytes are done with, or -EBADMSG.
 */
ssize_t relay_split(const uint8_t *buffer, size_t size,
                bool (*take)(void *userdata, const uint8_t *frame, size_t frame_size), void *userdata);
