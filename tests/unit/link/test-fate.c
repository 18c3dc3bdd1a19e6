/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The fate of a packet is that of its number, and many packets together have the shares and distributions
 * that the shape says. */

#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "link/fate.h"

#define MS     UINT64_C(1000000)
#define SEC    UINT64_C(1000000000)
#define MANY   100000
#define BEGIN  (1000 * SEC)
#define KS_1PC 1.628 /* times 1/√n: the Kolmogorov-Smirnov bound at 1% */

static Shape shape_of(const char *text)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Shape shape = SHAPE_DIRECT;

        (void) shape_parse(text, &shape, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        return shape;
}

static LinkKey key_of(const char *seed)
{
        LinkKey key;

        link_key_init(&key, seed, "peer-0", "peer-1");
        return key;
}

/* What shruthi.fleet(5) promises never to change: made by another program from what it says. */
static void test_numbers_stay(void)
{
        LinkKey key = key_of("1");

        g_assert_cmphex(key.words[0], ==, UINT64_C(0x2b39219103d98401));
        g_assert_cmphex(link_chance(&key, 0, CHANCE_LOSS), ==, UINT64_C(0xc1060acd9c4bd323));
        g_assert_cmphex(link_chance(&key, 7, CHANCE_JITTER), ==, UINT64_C(0x78624ce0da7ea993));
}

static void test_direct(void)
{
        Shape shape = SHAPE_DIRECT;
        LinkKey key = key_of("1");
        LinkState state = {};
        Fate fate;

        fate_decide(&shape, &key, &state, 0, 100, BEGIN, &fate);
        g_assert_cmpint(fate.packet.end, ==, FATE_DELIVERED);
        g_assert_cmpuint(fate.packet.due_nsec, ==, BEGIN);
        g_assert_false(fate.has_copy || fate.corrupted || fate.packet.overtakes);
}

static void test_blocked(void)
{
        Shape shape = {.blocked = true};
        LinkKey key = key_of("1");
        LinkState state = {};
        Fate fate;

        fate_decide(&shape, &key, &state, 0, 100, BEGIN, &fate);
        g_assert_cmpint(fate.packet.end, ==, FATE_BLOCKED);
}

/* In whatever order they are asked about, and whatever the sizes and times are. */
static void test_fate_is_of_the_number(void)
{
        Shape shape = shape_of(
                        "latency=10ms jitter=5ms distribution=normal loss=10% duplicate=10% corrupt=10% "
                        "reorder=10% order=free");
        LinkKey key = key_of("1"), other = key_of("2");
        unsigned differences = 0;

        for (uint64_t n = 0; n < 1000; n++) {
                LinkState a = {}, b = {.due_nsec = BEGIN + SEC, .bad = 1};
                Fate one, two, third;

                fate_decide(&shape, &key, &a, n, 100, BEGIN, &one);
                fate_decide(&shape, &key, &b, n, 1400, BEGIN, &two);
                fate_decide(&shape, &other, &a, n, 100, BEGIN, &third);
                g_assert_cmpint(one.packet.end, ==, two.packet.end);
                g_assert_cmpuint(one.packet.due_nsec, ==, two.packet.due_nsec);
                g_assert_cmpuint(one.copy.due_nsec, ==, two.copy.due_nsec);
                g_assert_true(one.has_copy == two.has_copy && one.corrupted == two.corrupted);
                g_assert_cmpuint(one.bit, ==, two.bit);
                differences += one.packet.due_nsec != third.packet.due_nsec;
        }
        g_assert_cmpuint(differences, >, 800);
}

static const struct {
        const char *text;
        double lost, copied, corrupted; /* shares of all, or of what is not lost */
} shares[] = {
                {"loss=0.1%", 0.001, 0, 0},
                {"loss=1%", 0.01, 0, 0},
                {"loss=50%", 0.5, 0, 0},
                {"loss=100%", 1, 0, 0},
                {"duplicate=3%", 0, 0.03, 0},
                {"corrupt=7% loss=20%", 0.2, 0, 0.07},
                {"loss=10% burst=2%:18%:50%:0%", 1 - 0.9 * 0.95, 0, 0},
                {"burst=2%:18%", 0.1, 0, 0},
                {"burst=1%:9%:80%:5%", 0.1 * 0.8 + 0.9 * 0.05, 0, 0},
                {"burst=0%:0%:100%:4%", 0.04, 0, 0},
};

/* Within five standard deviations, of a chain that remembers by what it is slower. */
static void expect_share(const char *text, double n, double expected, double found, double slowness)
{
        double margin = 5 * sqrt(expected * (1 - expected) / n * slowness);

        if (fabs(found - expected) > margin)
                g_error("%s: %.5f instead of %.5f ± %.5f", text, found, expected, margin);
}

static void test_shares(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(shares); i++) {
                Shape shape = shape_of(shares[i].text);
                LinkKey key = key_of("shares");
                LinkState state = {};
                unsigned lost = 0, copied = 0, corrupted = 0;
                double slowness = shape.burst_to_bad > 0 ? 20 : 1;

                for (uint64_t n = 0; n < MANY; n++) {
                        Fate fate;

                        fate_decide(&shape, &key, &state, n, 100, BEGIN + n, &fate);
                        lost += fate.packet.end == FATE_LOST;
                        copied += fate.has_copy;
                        corrupted += fate.corrupted;
                }
                expect_share(shares[i].text, MANY, shares[i].lost, lost / (double) MANY, slowness);
                if (lost == MANY)
                        continue;
                expect_share(shares[i].text, MANY - lost, shares[i].copied, copied / (double) (MANY - lost),
                                1);
                expect_share(shares[i].text, MANY - lost, shares[i].corrupted,
                                corrupted / (double) (MANY - lost), 1);
        }
}

/* The lengths of bursts are geometric: their mean is 1 / r. */
static void test_bursts(void)
{
        Shape shape = shape_of("burst=1%:20%");
        LinkKey key = key_of("bursts");
        LinkState state = {};
        unsigned lost = 0, bursts = 0;
        bool before = false;

        for (uint64_t n = 0; n < 10 * MANY; n++) {
                Fate fate;
                bool now;

                fate_decide(&shape, &key, &state, n, 100, BEGIN, &fate);
                now = fate.packet.end == FATE_LOST;
                lost += now;
                bursts += now && !before;
                before = now;
        }
        g_assert_cmpfloat_with_epsilon((double) lost / bursts, 5, 0.15);
        g_assert_cmpfloat_with_epsilon((double) lost / (10 * MANY), 1.0 / 21, 0.002);
}

static double uniform_cdf(double x)
{
        return CLAMP((x + 1) / 2, 0, 1);
}

static double normal_cdf(double x)
{
        return erfc(-x / sqrt(2)) / 2;
}

static double exponential_cdf(double x)
{
        return x < 0 ? 0 : 1 - exp(-x);
}

static double pareto_cdf(double x)
{
        return x < 0 ? 0 : 1 - pow(1 + x / 2, -3);
}

static int compare_doubles(const void *a, const void *b)
{
        double one = *(const double *) a, other = *(const double *) b;

        return one < other ? -1 : one > other;
}

/* Kolmogorov and Smirnov's: the greatest distance of what was drawn from what is said. */
static void test_distributions(void)
{
        static double (*const cdfs[])(double) = {
                        [SHAPE_UNIFORM] = uniform_cdf,
                        [SHAPE_NORMAL] = normal_cdf,
                        [SHAPE_EXPONENTIAL] = exponential_cdf,
                        [SHAPE_PARETO] = pareto_cdf,
        };
        g_autofree double *delays = g_new(double, MANY);

        for (int d = 0; d < _SHAPE_DISTRIBUTION_MAX; d++) {
                Shape shape = {.latency_usec = 100000,
                                .jitter_usec = 10000,
                                .distribution = d,
                                .free_order = true};
                LinkKey key = key_of("delays");
                LinkState state = {};
                double greatest = 0;

                for (uint64_t n = 0; n < MANY; n++) {
                        Fate fate;

                        fate_decide(&shape, &key, &state, n, 100, BEGIN, &fate);
                        delays[n] = ((double) (fate.packet.due_nsec - BEGIN) / MS - 100) / 10;
                }
                qsort(delays, MANY, sizeof *delays, compare_doubles);
                for (int i = 0; i < MANY; i++) {
                        double expected = cdfs[d](delays[i]);

                        greatest = MAX(greatest, MAX(fabs(expected - i / (double) MANY),
                                                                 fabs(expected - (i + 1) / (double) MANY)));
                }
                g_test_message("%s: %.5f", shape_distribution_to_string(d), greatest);
                g_assert_cmpfloat(greatest, <, KS_1PC / sqrt(MANY));
        }
}

static void test_delays_are_not_negative(void)
{
        Shape shape = shape_of("latency=1ms jitter=50ms distribution=normal order=free");
        LinkKey key = key_of("1");
        LinkState state = {};

        for (uint64_t n = 0; n < 10000; n++) {
                Fate fate;

                fate_decide(&shape, &key, &state, n, 100, BEGIN, &fate);
                g_assert_cmpuint(fate.packet.due_nsec, >=, BEGIN);
                g_assert_cmpuint(fate.packet.due_nsec, <, BEGIN + SEC);
        }
}

static void test_order_is_kept(void)
{
        Shape kept = shape_of("latency=50ms jitter=40ms"),
              free_order = shape_of("latency=50ms jitter=40ms order=free");
        LinkKey key = key_of("1");
        LinkState a = {}, b = {};
        uint64_t last = 0;
        unsigned overtaking = 0;

        for (uint64_t n = 0; n < 1000; n++) {
                Fate fate;

                fate_decide(&kept, &key, &a, n, 100, BEGIN + n * MS, &fate);
                g_assert_cmpuint(fate.packet.due_nsec, >=, last);
                g_assert_false(fate.packet.overtakes);
                last = fate.packet.due_nsec;
                fate_decide(&free_order, &key, &b, n, 100, BEGIN + n * MS, &fate);
                overtaking += fate.packet.overtakes;
        }
        g_assert_cmpuint(overtaking, >, 100);
}

static void test_some_go_ahead(void)
{
        Shape shape = shape_of("latency=50ms reorder=10%");
        LinkKey key = key_of("1");
        LinkState state = {};
        unsigned ahead = 0;

        for (uint64_t n = 0; n < 10000; n++) {
                uint64_t now = BEGIN + n * MS;
                Fate fate;

                fate_decide(&shape, &key, &state, n, 100, now, &fate);
                if (fate.packet.due_nsec == now)
                        ahead++;
                else
                        g_assert_cmpuint(fate.packet.due_nsec, ==, now + 50 * MS);
                g_assert_true(fate.packet.overtakes == (fate.packet.due_nsec == now) || n == 0);
        }
        expect_share("reorder", 10000, 0.1, ahead / 10000.0, 1);
}

static void test_rate(void)
{
        Shape shape = shape_of("rate=8M latency=10ms"); /* a byte a microsecond */
        LinkKey key = key_of("1");
        LinkState state = {};
        uint64_t last = 0;

        for (uint64_t n = 0; n < 60; n++) {
                Fate fate;

                fate_decide(&shape, &key, &state, n, 1000, BEGIN, &fate);
                last = BEGIN + (n + 1) * MS + 10 * MS;
                g_assert_cmpuint(fate.packet.due_nsec, ==, last);
        }
        /* The link has had a rest. */
        Fate fate;
        fate_decide(&shape, &key, &state, 60, 500, BEGIN + SEC, &fate);
        g_assert_cmpuint(fate.packet.due_nsec, ==, BEGIN + SEC + MS / 2 + 10 * MS);
}

static void test_queue(void)
{
        Shape shape = shape_of("rate=8M queue=10000");
        LinkKey key = key_of("1");
        LinkState state = {};
        unsigned passed = 0;

        for (uint64_t n = 0; n < 100; n++) {
                Fate fate;

                fate_decide(&shape, &key, &state, n, 1000, BEGIN, &fate);
                passed += fate.packet.end == FATE_DELIVERED;
                g_assert_true(fate.packet.end == FATE_DELIVERED || fate.packet.end == FATE_QUEUE_FULL);
        }
        g_assert_cmpuint(passed, ==, 10);

        /* After one has gone there is room for one. */
        Fate fate;
        fate_decide(&shape, &key, &state, 100, 1000, BEGIN + MS, &fate);
        g_assert_cmpint(fate.packet.end, ==, FATE_DELIVERED);
        fate_decide(&shape, &key, &state, 101, 1000, BEGIN + MS, &fate);
        g_assert_cmpint(fate.packet.end, ==, FATE_QUEUE_FULL);

        /* However small it is, a link without load carries a packet. */
        shape = shape_of("rate=1K queue=1");
        state = (LinkState){};
        fate_decide(&shape, &key, &state, 0, 1500, BEGIN, &fate);
        g_assert_cmpint(fate.packet.end, ==, FATE_DELIVERED);
        g_assert_cmpuint(fate.packet.due_nsec, ==, BEGIN + 12 * SEC);
}

static void test_copies_take_the_rate(void)
{
        Shape shape = shape_of("rate=8M duplicate=100%");
        LinkKey key = key_of("1");
        LinkState state = {};
        Fate fate;

        fate_decide(&shape, &key, &state, 0, 1000, BEGIN, &fate);
        g_assert_cmpuint(fate.packet.due_nsec, ==, BEGIN + MS);
        g_assert_true(fate.has_copy);
        g_assert_cmpuint(fate.copy.due_nsec, ==, BEGIN + 2 * MS);
}

/* Nothing overflows at the limits. */
static void test_limits(void)
{
        Shape shape = shape_of("latency=1h jitter=1h distribution=pareto rate=1K queue=1G loss=0.0000001%");
        LinkKey key = key_of("1");
        LinkState state = {};
        uint64_t last = 0;

        for (uint64_t n = 0; n < 20000; n++) {
                Fate fate;

                fate_decide(&shape, &key, &state, n, 65549, BEGIN, &fate);
                if (fate.packet.end != FATE_DELIVERED)
                        continue;
                g_assert_cmpuint(fate.packet.due_nsec, >=, last);
                g_assert_cmpuint(fate.packet.due_nsec, <, UINT64_C(1) << 62);
                last = fate.packet.due_nsec;
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/link/chance/never-changes", test_numbers_stay);
        g_test_add_func("/link/fate/nothing-happens-on-a-direct-link", test_direct);
        g_test_add_func("/link/fate/nothing-passes-a-blocked-link", test_blocked);
        g_test_add_func("/link/fate/is-that-of-the-number", test_fate_is_of_the_number);
        g_test_add_func("/link/fate/shares-are-as-stated", test_shares);
        g_test_add_func("/link/fate/bursts-are-as-long-as-stated", test_bursts);
        g_test_add_func("/link/fate/delays-are-distributed-as-stated", test_distributions);
        g_test_add_func("/link/fate/delays-are-not-negative", test_delays_are_not_negative);
        g_test_add_func("/link/fate/jitter-keeps-the-order-unless-it-is-free", test_order_is_kept);
        g_test_add_func("/link/fate/a-share-goes-ahead", test_some_go_ahead);
        g_test_add_func("/link/fate/a-rate-is-kept", test_rate);
        g_test_add_func("/link/fate/a-full-queue-drops", test_queue);
        g_test_add_func("/link/fate/copies-take-the-rate", test_copies_take_the_rate);
        g_test_add_func("/link/fate/nothing-overflows", test_limits);
        return g_test_run();
}
