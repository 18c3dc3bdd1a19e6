/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Called by plane.c. */

#include "switch/flight.h"

#include <string.h>

#define OVERHEAD 48 /* what a packet takes beside its bytes: its place in the heap, and the allocator's */

typedef struct FlightEntry {
        uint64_t due_nsec, number;
        FlightPacket *packet;
} FlightEntry;

struct Flight {
        GArray *heap; /* FlightEntry */
        uint64_t next_number;
        size_t bytes, max_bytes;
};

Flight *flight_new(size_t max_bytes)
{
        Flight *flight = g_new(Flight, 1);

        *flight = (Flight){
                        .heap = g_array_new(FALSE, FALSE, sizeof(FlightEntry)),
                        .max_bytes = max_bytes,
        };
        return flight;
}

void flight_free(Flight *flight)
{
        if (!flight)
                return;

        for (guint i = 0; i < flight->heap->len; i++)
                g_free(g_array_index(flight->heap, FlightEntry, i).packet);
        g_array_unref(flight->heap);
        g_free(flight);
}

static size_t packet_cost(const FlightPacket *packet)
{
        return sizeof *packet + packet->size + OVERHEAD;
}

static bool entry_is_before(const FlightEntry *a, const FlightEntry *b)
{
        return a->due_nsec != b->due_nsec ? a->due_nsec < b->due_nsec : a->number < b->number;
}

FlightPacket *flight_add(Flight *flight, const FlightPacket *packet, const uint8_t *data)
{
        FlightEntry entry = {.due_nsec = packet->due_nsec, .number = flight->next_number}, *heap;
        guint i = flight->heap->len;

        if (flight->bytes + packet_cost(packet) > flight->max_bytes)
                return NULL;
        entry.packet = g_malloc(sizeof *packet + packet->size);
        *entry.packet = *packet;
        memcpy(entry.packet->data, data, packet->size);
        flight->bytes += packet_cost(packet);
        flight->next_number++;

        g_array_append_val(flight->heap, entry);
        heap = &g_array_index(flight->heap, FlightEntry, 0);
        for (; i > 0 && entry_is_before(&entry, &heap[(i - 1) / 2]); i = (i - 1) / 2)
                heap[i] = heap[(i - 1) / 2];
        heap[i] = entry;
        return entry.packet;
}

uint64_t flight_next(const Flight *flight)
{
        return flight->heap->len > 0 ? g_array_index(flight->heap, FlightEntry, 0).due_nsec : FLIGHT_NONE;
}

FlightPacket *flight_take(Flight *flight, uint64_t now_nsec)
{
        FlightEntry *heap, last;
        FlightPacket *packet;
        guint i = 0, n;

        if (flight_next(flight) > now_nsec || flight->heap->len == 0)
                return NULL;
        heap = &g_array_index(flight->heap, FlightEntry, 0);
        packet = heap[0].packet;
        n = flight->heap->len - 1;
        last = heap[n];
        for (guint child; (child = 2 * i + 1) < n; i = child) {
                if (child + 1 < n && entry_is_before(&heap[child + 1], &heap[child]))
                        child++;
                if (!entry_is_before(&heap[child], &last))
                        break;
                heap[i] = heap[child];
        }
        heap[i] = last;
        g_array_set_size(flight->heap, n);
        return packet;
}

void flight_release(Flight *flight, FlightPacket *packet)
{
        flight->bytes -= packet_cost(packet);
        g_free(packet);
}

size_t flight_count(const Flight *flight)
{
        return flight->heap->len;
}

size_t flight_bytes(const Flight *flight)
{
        return flight->bytes;
}
