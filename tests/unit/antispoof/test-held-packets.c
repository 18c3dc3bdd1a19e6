/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Unikernels that start slowly take the queue from nobody, and packets are held no longer than their senders
 * wait. */

#include "antispoof/held-packets.h"
#include "antispoof/packet-source.h"

#define SLOW 8

static guint fill(HeldPackets *packets)
{
        guint n = 0;

        while (held_packets_add(packets, n, 1))
                n++;
        return n;
}

static void test_first_come_first_gone(void)
{
        HeldPackets *packets = held_packets_new();
        uint32_t id;

        g_assert_true(held_packets_next(packets) == INT64_MAX);
        g_assert_true(held_packets_add(packets, 7, 10));
        g_assert_true(held_packets_add(packets, 8, 20));
        g_assert_cmpuint(held_packets_count(packets), ==, 2);
        g_assert_true(held_packets_next(packets) == 10 + HELD_PACKETS_USEC);
        g_assert_false(held_packets_take(packets, 9, &id));
        g_assert_true(held_packets_take(packets, 10, &id));
        g_assert_cmpuint(id, ==, 7);
        g_assert_false(held_packets_take(packets, 10, &id));
        g_assert_true(held_packets_take(packets, INT64_MAX, &id));
        g_assert_cmpuint(id, ==, 8);
        g_assert_false(held_packets_take(packets, INT64_MAX, &id));
        held_packets_free(packets);
}

static void test_leave_room(void)
{
        HeldPackets *slow[SLOW], *other = held_packets_new();
        guint total = 0;

        for (size_t i = 0; i < SLOW; i++) {
                slow[i] = held_packets_new();
                total += fill(slow[i]);
        }
        g_assert_cmpuint(held_packets_count(slow[0]), ==, HELD_PACKETS_MAX);
        g_assert_cmpuint(held_packets_count(slow[SLOW - 1]), ==, HELD_PACKETS_MAX_FULL);
        g_assert_cmpuint(total, <, PACKET_SOURCE_MAX);
        g_assert_cmpuint(fill(other), ==, HELD_PACKETS_MAX_FULL);

        for (size_t i = 0; i < SLOW; i++)
                held_packets_free(slow[i]);
        g_assert_cmpuint(fill(other), ==, HELD_PACKETS_MAX - HELD_PACKETS_MAX_FULL);
        held_packets_free(other);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/antispoof/held-packets/first-come-first-gone", test_first_come_first_gone);
        g_test_add_func("/antispoof/held-packets/leave-room", test_leave_room);
        return g_test_run();
}
