/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The parts of the test guest that findings about links stand on, compiled for the host: addresses and lists
 * of them are what was written, chance is even, and what a train's answers say is counted right.
 */

#include <glib.h>
#include <string.h>

#include "address.h"
#include "measure.h"

static void test_address_accepts(void)
{
        static const struct {
                const char *text;
                bool is_ipv6;
                uint8_t address[16];
                const char *rest;
        } cases[] = {
                        {"192.0.2.1", false, {192, 0, 2, 1}, ""},
                        {"192.0.2.255+7", false, {192, 0, 2, 255}, "+7"},
                        {"2001:db8::1", true, {0x20, 1, 0xd, 0xb8, [15] = 1}, ""},
                        {"::", true, {0}, ""},
                        {"::1,", true, {[15] = 1}, ","},
                        {"fd00:0:0:1::", true, {0xfd, [7] = 1}, ""},
                        {"1:2:3:4:5:6:7:8/64", true, {0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8},
                                        "/64"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const char *end;
                Endpoint e;

                g_test_message("%s", cases[i].text);
                g_assert_true(address_parse(cases[i].text, &e, &end));
                g_assert_cmpint(e.is_ipv6, ==, cases[i].is_ipv6);
                g_assert_cmpmem(e.address, 16, cases[i].address, 16);
                g_assert_cmpstr(end, ==, cases[i].rest);
        }
}

static void test_address_refuses(void)
{
        static const char *const cases[] = {
                        "", "1.2.3", "1.2.3.256", "a", "1:2:3", "1:2:3:4:5:6:7:", "peer"};

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const char *end;
                Endpoint e;

                g_test_message("%s", cases[i]);
                g_assert_false(address_parse(cases[i], &e, &end) && *end == '\0');
        }
}

static void assert_item(const AddressList *list, uint32_t i, const char *expected)
{
        Endpoint e = {.port = 7}, other;
        const char *end;

        address_list_get(list, i, &e);
        g_assert_true(address_parse(expected, &other, &end));
        g_assert_true(endpoint_same_address(&e, &other));
        g_assert_cmpint(e.port, ==, 7);
}

static void test_list_counts(void)
{
        g_autofree AddressRange *ranges = g_new0(AddressRange, ADDRESS_RANGES_MAX);
        AddressList list = {.ranges = ranges};

        g_assert_true(address_list_add(&list, "10.0.0.250+1000,10.9.9.9"));
        g_assert_true(address_list_add(&list, "fd00::fffe+4"));
        g_assert_cmpuint(list.n, ==, 1005);
        assert_item(&list, 0, "10.0.0.250");
        assert_item(&list, 5, "10.0.0.255");
        assert_item(&list, 6, "10.0.1.0");
        assert_item(&list, 999, "10.0.4.225");
        assert_item(&list, 1000, "10.9.9.9");
        assert_item(&list, 1001, "fd00::fffe");
        assert_item(&list, 1003, "fd00::1:0");

        g_assert_false(address_list_add(&list, ""));
        g_assert_false(address_list_add(&list, "10.0.0.1,"));
        g_assert_false(address_list_add(&list, "10.0.0.1+0"));
        g_assert_false(address_list_add(&list, "10.0.0.1+x"));
        g_assert_false(address_list_add(&list, "10.0.0.1+99999999"));
}

static void test_list_is_bounded(void)
{
        g_autofree AddressRange *ranges = g_new0(AddressRange, ADDRESS_RANGES_MAX);
        AddressList list = {.ranges = ranges};

        for (unsigned i = 0; i < ADDRESS_RANGES_MAX; i++)
                g_assert_true(address_list_add(&list, "10.0.0.1"));
        g_assert_false(address_list_add(&list, "10.0.0.1"));
}

/* The first numbers that the generator's authors give for the state 1234567. */
static void test_chance_is_splitmix(void)
{
        uint64_t state = 1234567;

        g_assert_cmpuint(chance_next(&state), ==, 6457827717110365317u);
        g_assert_cmpuint(chance_next(&state), ==, 3203168211198807973u);
}

/* Pearson's test with 99 degrees of freedom: 150 is beyond the 99.9th percentile. */
static void test_chance_is_even(void)
{
        enum {
                BINS = 100,
                DRAWN = 100000,
        };
        unsigned n[BINS] = {};
        Endpoint own = {.address = {10, 0, 0, 2}};
        uint64_t state = chance_seed("42", &own);
        double sum = 0;

        for (unsigned i = 0; i < DRAWN; i++) {
                uint32_t k = chance_below(&state, BINS);

                g_assert_cmpuint(k, <, BINS);
                n[k]++;
        }
        for (unsigned i = 0; i < BINS; i++)
                sum += (n[i] - (double) DRAWN / BINS) * (n[i] - (double) DRAWN / BINS) /
                       ((double) DRAWN / BINS);
        g_assert_cmpfloat(sum, <, 150);
}

static void test_chance_differs(void)
{
        Endpoint one = {.address = {10, 0, 0, 2}}, two = {.address = {10, 0, 0, 3}};

        g_assert_cmpuint(chance_seed("42", &one), ==, chance_seed("42", &one));
        g_assert_cmpuint(chance_seed("42", &one), !=, chance_seed("42", &two));
        g_assert_cmpuint(chance_seed("42", &one), !=, chance_seed("43", &one));
}

static void answer(Train *train, uint32_t number, uint64_t sent, uint64_t arrived, uint64_t now)
{
        train_add(train, &(TrainAnswer){.number = number, .sent = sent, .arrived = arrived, .now = now});
}

/* Five packets: one is lost, one comes twice, one does not belong here. */
static void test_train_counts(void)
{
        int64_t round_trips[5], forward[5];
        Spread spread;
        Train train;

        train_begin(&train, 5, round_trips, forward);
        answer(&train, 0, 1000, 51000, 90000);
        answer(&train, 2, 3000, 58000, 99000);
        answer(&train, 2, 3000, 90000, 130000);
        answer(&train, 1, 2000, 91000, 140000);
        answer(&train, 4, 5000, 1051000, 1100000);
        answer(&train, 5, 0, 0, 0);
        g_assert_cmpuint(train.n_answered, ==, 4);
        g_assert_cmpuint(train.n_answers, ==, 5);
        g_assert_cmpint(round_trips[3], ==, TRAIN_LOST);
        g_assert_cmpint(forward[2], ==, 55000);

        /* Four more packets of 1000 bits in a millisecond. */
        g_assert_cmpuint(train_bits_per_second(&train, 1000), ==, 4000000);
        g_assert_true(spread_of(forward, 5, &spread));
        g_assert_cmpuint(spread.n, ==, 4);
        g_assert_cmpint(spread.least, ==, 50000);
        g_assert_cmpint(spread.median, ==, 89000);
        g_assert_cmpint(spread.most, ==, 1046000);
        g_assert_cmpint(spread.mean, ==, (50000 + 55000 + 89000 + 1046000) / 4);
}

static void test_train_of_nothing(void)
{
        int64_t round_trips[2], forward[2];
        Spread spread;
        Train train;

        train_begin(&train, 2, round_trips, forward);
        g_assert_false(spread_of(forward, 2, &spread));
        g_assert_cmpuint(train_bits_per_second(&train, 1000), ==, 0);
}

static void test_spread_sorts(void)
{
        enum {
                N = 1001,
        };
        int64_t values[N];
        uint64_t state = 1;
        Spread spread;

        for (int i = 0; i < N; i++)
                values[i] = i - 500;
        for (uint32_t i = N; i > 1; i--) {
                uint32_t j = chance_below(&state, i);
                int64_t v = values[j];

                values[j] = values[i - 1];
                values[i - 1] = v;
        }
        g_assert_true(spread_of(values, N, &spread));
        for (int i = 0; i < N; i++)
                g_assert_cmpint(values[i], ==, i - 500);
        g_assert_cmpint(spread.median, ==, 0);
        g_assert_cmpint(spread.mean, ==, 0);
        g_assert_cmpint(spread.p99, ==, 490);
}

static void test_arrivals_reordered(void)
{
        static const uint32_t numbers[] = {0, 1, 4, 2, 3, 5, 5, 9};
        Arrivals a = {};

        for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
                arrivals_add(&a, numbers[i]);
        g_assert_cmpuint(a.n, ==, 8);
        g_assert_cmpuint(a.n_reordered, ==, 3); /* 2, 3, and the second 5 */
}

static void test_nat_kinds(void)
{
        static const struct {
                bool port, host, in_port, in_host;
                const char *kind;
        } cases[] = {
                        {true, true, true, true, "full-cone"},
                        {true, true, true, false, "restricted-cone"},
                        {true, true, false, false, "port-restricted"},
                        {false, false, false, false, "symmetric"},
                        {true, false, true, false, "other"},
                        {false, false, true, true, "other"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
                g_assert_cmpstr(nat_kind(nat_mapping(cases[i].port, cases[i].host),
                                                nat_filtering(cases[i].in_port, cases[i].in_host)),
                                ==, cases[i].kind);
        g_assert_cmpstr(nat_kind(NAT_FOUND_NONE, NAT_FOUND_NONE), ==, "none");
        g_assert_cmpstr(nat_finding_to_string(nat_mapping(true, false)), ==, "address-dependent");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/guest/address/accepts", test_address_accepts);
        g_test_add_func("/guest/address/refuses", test_address_refuses);
        g_test_add_func("/guest/address-list/counts", test_list_counts);
        g_test_add_func("/guest/address-list/is-bounded", test_list_is_bounded);
        g_test_add_func("/guest/chance/is-splitmix64", test_chance_is_splitmix);
        g_test_add_func("/guest/chance/is-even", test_chance_is_even);
        g_test_add_func("/guest/chance/differs-by-word-and-address", test_chance_differs);
        g_test_add_func("/guest/train/counts-what-came", test_train_counts);
        g_test_add_func("/guest/train/takes-nothing", test_train_of_nothing);
        g_test_add_func("/guest/spread/sorts", test_spread_sorts);
        g_test_add_func("/guest/arrivals/counts-reordered", test_arrivals_reordered);
        g_test_add_func("/guest/nat/has-its-names", test_nat_kinds);
        return g_test_run();
}
