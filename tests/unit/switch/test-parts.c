/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the switch is made of: packets arrive in their order, counters do not overflow, and captures are as
 * their format says. */

#include <glib.h>
#include <string.h>

#include "switch/flight.h"
#include "switch/lateness.h"
#include "switch/pairs.h"
#include "switch/pcapng.h"
#include "switch/priority.h"

#define MANY 10000

static void test_flight_order(void)
{
        g_autoptr(Flight) flight = flight_new(FLIGHT_BYTES_MAX);
        g_autoptr(GRand) random = g_rand_new_with_seed(1);
        uint64_t last = 0;
        uint32_t last_from = 0, n = 0;
        FlightPacket *packet;

        g_assert_cmpuint(flight_next(flight), ==, FLIGHT_NONE);
        g_assert_null(flight_take(flight, UINT64_MAX - 1));
        for (uint32_t i = 0; i < MANY; i++) {
                FlightPacket model = {.due_nsec = (uint64_t) g_rand_int_range(random, 0, 100),
                                .from = i,
                                .size = 4};

                g_assert_nonnull(flight_add(flight, &model, (const uint8_t *) &i));
        }
        g_assert_cmpuint(flight_count(flight), ==, MANY);
        while ((packet = flight_take(flight, 49))) {
                g_assert_cmpmem(packet->data, packet->size, &packet->from, 4);
                g_assert_cmpuint(packet->due_nsec, >=, last);
                /* Of those that are due together the first comes first. */
                if (packet->due_nsec == last && n > 0)
                        g_assert_cmpuint(packet->from, >, last_from);
                last = packet->due_nsec;
                last_from = packet->from;
                n++;
                flight_release(flight, packet);
        }
        g_assert_cmpuint(n, >, MANY / 3);
        g_assert_cmpuint(flight_next(flight), ==, 50);
        while ((packet = flight_take(flight, 1000)))
                flight_release(flight, packet);
        g_assert_cmpuint(flight_bytes(flight), ==, 0);
}

static void test_flight_limit(void)
{
        g_autoptr(Flight) flight = flight_new(10000);
        g_autofree uint8_t *data = g_malloc0(1000);
        FlightPacket model = {.size = 1000}, *packet;
        unsigned n = 0;

        while (flight_add(flight, &model, data))
                n++;
        g_assert_cmpuint(n, ==, 9);
        packet = flight_take(flight, 0);
        g_assert_null(flight_add(flight, &model, data)); /* it is not released yet */
        flight_release(flight, packet);
        g_assert_nonnull(flight_add(flight, &model, data));
}

static void test_pairs(void)
{
        g_autoptr(Pairs) pairs = pairs_new();

        g_assert_cmpuint(pairs_get(pairs, 7, 9, PAIR_PACKETS), ==, 0);
        pairs_add(pairs, 7, 9, PAIR_BYTES, UINT32_MAX);
        pairs_add(pairs, 7, 9, PAIR_BYTES, UINT32_MAX);
        pairs_add(pairs, 7, 1000, PAIR_BYTES, 5);
        g_assert_cmpuint(pairs_get(pairs, 7, 9, PAIR_BYTES), ==, 2 * (uint64_t) UINT32_MAX);
        g_assert_cmpuint(pairs_get(pairs, 7, 9, PAIR_PACKETS), ==, 0);
        g_assert_cmpuint(pairs_get(pairs, 7, 1000, PAIR_BYTES), ==, 5);
        g_assert_cmpuint(pairs_get(pairs, 9, 7, PAIR_BYTES), ==, 0);
        for (int i = 0; i < 200000; i++)
                pairs_add(pairs, 7, 9, PAIR_LATE, 1);
        g_assert_cmpuint(pairs_get(pairs, 7, 9, PAIR_LATE), ==, 200000);
        g_assert_cmpuint(pairs_get(pairs, 7, 8, PAIR_LATE), ==, 0);
        g_assert_cmpuint(pairs_get(pairs, 7, 9, PAIR_BYTES), ==, 2 * (uint64_t) UINT32_MAX);

        /* The state of a link is none of the counters'. */
        pairs_state(pairs, 7, 9)->due_nsec = 12;
        pairs_add(pairs, 7, 5000, PAIR_PACKETS, 1);
        g_assert_cmpuint(pairs_state(pairs, 7, 9)->due_nsec, ==, 12);
        g_assert_cmpuint(pairs_state(pairs, 7, 10)->due_nsec, ==, 0);
}

/* At 0, 100 ms, 200 ms, …, after this share of a processor in each window. */
static void expect_priority(const unsigned *shares, const char *expected)
{
        Priority priority = {};
        uint64_t now = 1, processor = 0;
        g_autoptr(GString) found = g_string_new(NULL);

        for (unsigned i = 0; i < strlen(expected); i++) {
                priority.is_urgent = priority_decide(&priority, now, processor);
                g_string_append_c(found, priority.is_urgent ? 'u' : '.');
                /* In the middle of a window nothing changes. */
                g_assert_true(priority_decide(&priority, now + PRIORITY_WINDOW_NSEC / 2, UINT64_MAX) ==
                                priority.is_urgent);
                now += PRIORITY_WINDOW_NSEC;
                processor += PRIORITY_WINDOW_NSEC / 100 * shares[i];
        }
        g_assert_cmpstr(found->str, ==, expected);
}

static void test_priority(void)
{
        const unsigned idle[30] = {}, busy[30] = {60, 90, 10, 89},
                       flood[30] = {10, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100,
                                       100, 100, 10, 10, 10, 10, 10, 10};

        expect_priority(idle, "uuuuuuuuuuuu");
        expect_priority(busy, "uuuuuu");
        /* For a second after each busy window. */
        expect_priority(flood, "uu..........u..........uuu");
}

static void test_lateness(void)
{
        Lateness *lateness = lateness_new();

        g_assert_cmpuint(lateness_quantile(lateness, 0.99), ==, 0);
        for (uint64_t i = 1; i <= 1000; i++)
                lateness_add(lateness, i * 1000);
        g_assert_cmpuint(lateness_max(lateness), ==, 1000);
        g_assert_cmpuint(lateness_quantile(lateness, 0.5), >=, 500);
        g_assert_cmpuint(lateness_quantile(lateness, 0.5), <=, 563);
        g_assert_cmpuint(lateness_quantile(lateness, 0.99), >=, 990);
        g_assert_cmpuint(lateness_quantile(lateness, 0.99), <=, 1000);
        lateness_add(lateness, UINT64_MAX);
        g_assert_cmpuint(lateness_quantile(lateness, 1), ==, UINT64_MAX / 1000);
        lateness_free(lateness);
}

static uint32_t word(const GByteArray *bytes, size_t at)
{
        uint32_t value;

        g_assert_cmpuint(at + 4, <=, bytes->len);
        memcpy(&value, bytes->data + at, sizeof value);
        return value;
}

/* Two numbers of 16 bits, in this processor's order as all others are. */
static void assert_halves(const GByteArray *bytes, size_t at, unsigned first, unsigned second)
{
        uint16_t values[2];

        g_assert_cmpuint(at + sizeof values, <=, bytes->len);
        memcpy(values, bytes->data + at, sizeof values);
        g_assert_cmpuint(values[0], ==, first);
        g_assert_cmpuint(values[1], ==, second);
}

static void test_pcapng(void)
{
        static const uint8_t frame[] = "seventeen bytes..";
        g_autoptr(GByteArray) out = g_byte_array_new();
        static const uint32_t kinds[] = {0x0a0d0d0a, 1, 6, 6};
        size_t at[G_N_ELEMENTS(kinds)], next = 0;
        guint before;

        pcapng_append_section(out, "test");
        pcapng_append_interface(out, "peer-0:net", 128);
        before = out->len;
        pcapng_append_packet(out, 0, true, UINT64_C(0x0102030405060708), frame, 17, 60);
        g_assert_cmpuint(out->len - before, ==, pcapng_packet_size(17));
        pcapng_append_packet(out, 0, false, 1, frame, 16, 16);

        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
                uint32_t length = word(out, next + 4);

                at[i] = next;
                g_assert_cmphex(word(out, next), ==, kinds[i]);
                g_assert_cmpuint(length % 4, ==, 0);
                g_assert_cmpuint(word(out, next + length - 4), ==, length);
                next += length;
        }
        g_assert_cmpuint(next, ==, out->len);
        g_assert_cmphex(word(out, at[0] + 8), ==, 0x1a2b3c4d);
        assert_halves(out, at[1] + 8, 1, 0); /* Ethernet */
        g_assert_cmpuint(word(out, at[1] + 12), ==, 128);
        assert_halves(out, at[1] + 16, 2, 10);
        g_assert_cmpmem(out->data + at[1] + 20, 10, "peer-0:net", 10);
        assert_halves(out, at[1] + 32, 9, 1);
        g_assert_cmpuint(out->data[at[1] + 36], ==, 9);
        g_assert_cmphex(word(out, at[2] + 12), ==, 0x01020304);
        g_assert_cmphex(word(out, at[2] + 16), ==, 0x05060708);
        g_assert_cmpuint(word(out, at[2] + 20), ==, 17);
        g_assert_cmpuint(word(out, at[2] + 24), ==, 60);
        g_assert_cmpmem(out->data + at[2] + 28, 17, frame, 17);
        assert_halves(out, at[2] + 48, 2, 4); /* epb_flags */
        g_assert_cmpuint(word(out, at[2] + 52), ==, 2);
        g_assert_cmpuint(word(out, at[3] + 28 + 16 + 4), ==, 1);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/switch/flight/packets-arrive-in-order", test_flight_order);
        g_test_add_func("/switch/flight/memory-has-an-end", test_flight_limit);
        g_test_add_func("/switch/pairs/counters-do-not-overflow", test_pairs);
        g_test_add_func("/switch/lateness/quantiles-are-within-an-eighth", test_lateness);
        g_test_add_func("/switch/lateness/is-urgent-unless-it-is-flooded", test_priority);
        g_test_add_func("/switch/pcapng/blocks-are-as-the-format-says", test_pcapng);
        return g_test_run();
}
