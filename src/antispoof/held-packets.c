/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Queues of packets, the oldest first. Called by demand.c. */

#include "antispoof/held-packets.h"

#include "antispoof/packet-source.h"

typedef struct HeldPacket {
        uint32_t id;
        int64_t since;
} HeldPacket;

struct HeldPackets {
        GQueue queue; /* HeldPacket */
};

static guint n_held; /* of all */

HeldPackets *held_packets_new(void)
{
        HeldPackets *packets = g_new(HeldPackets, 1);

        g_queue_init(&packets->queue);
        return packets;
}

void held_packets_free(HeldPackets *packets)
{
        n_held -= packets->queue.length;
        g_queue_clear_full(&packets->queue, g_free);
        g_free(packets);
}

guint held_packets_count(const HeldPackets *packets)
{
        return packets->queue.length;
}

bool held_packets_add(HeldPackets *packets, uint32_t id, int64_t now)
{
        guint most = n_held < PACKET_SOURCE_MAX / 2 ? HELD_PACKETS_MAX : HELD_PACKETS_MAX_FULL;
        HeldPacket *packet;

        if (packets->queue.length >= most)
                return false;
        packet = g_new(HeldPacket, 1);
        *packet = (HeldPacket){.id = id, .since = now};
        g_queue_push_tail(&packets->queue, packet);
        n_held++;
        return true;
}

bool held_packets_take(HeldPackets *packets, int64_t before, uint32_t *ret_id)
{
        HeldPacket *packet = packets->queue.head ? packets->queue.head->data : NULL;

        if (!packet || packet->since > before)
                return false;
        *ret_id = packet->id;
        g_free(g_queue_pop_head(&packets->queue));
        n_held--;
        return true;
}

int64_t held_packets_next(const HeldPackets *packets)
{
        const HeldPacket *packet = packets->queue.head ? packets->queue.head->data : NULL;

        return packet ? packet->since + HELD_PACKETS_USEC : INT64_MAX;
}
