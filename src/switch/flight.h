/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/containers.h"

/* Packets under way, which wait for the time when they arrive: a heap, in which those that are due at one
 * time keep the order in which they came. What all of them take is limited. Pure. */

#define FLIGHT_BYTES_MAX (64 * 1024 * 1024)
#define FLIGHT_NONE      UINT64_MAX

typedef struct FlightPacket {
        uint64_t due_nsec;
        uint32_t from, to; /* members */
        uint32_t outer;    /* of the box that it arrives at; 0: it is for the port with that MAC address */
        uint32_t size;
        uint8_t mac[6];
        uint8_t data[];
} FlightPacket;

typedef struct Flight Flight;

Flight *flight_new(size_t max_bytes);
void flight_free(Flight *flight);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Flight, flight_free)

/* Copies size bytes of data; the other fields are packet's. NULL: there is no room. The result stays the
 * flight's. */
FlightPacket *flight_add(Flight *flight, const FlightPacket *packet, const uint8_t *data);

/* When the first one is due, or FLIGHT_NONE. */
uint64_t flight_next(const Flight *flight);

/* Takes the first one, if it is due. Free with flight_release(). */
FlightPacket *flight_take(Flight *flight, uint64_t now_nsec);
void flight_release(Flight *flight, FlightPacket *packet);

size_t flight_count(const Flight *flight); /* that wait */
size_t flight_bytes(const Flight *flight); /* those that were taken and not released, too */
