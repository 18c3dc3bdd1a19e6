/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An address is read strictly, written in one way only, and a guest is given none that belongs to the
 * network itself. */

#include <glib.h>
#include <string.h>

#include "common/address.h"

static Address address(const char *text)
{
        Address result;

        g_assert_cmpint(address_parse(text, &result, NULL), ==, 0);
        return result;
}

static Subnet subnet(const char *text)
{
        Subnet result;

        g_assert_cmpint(subnet_parse(text, &result, NULL), ==, 0);
        subnet_set_defaults(&result);
        return result;
}

static void assert_address(const Address *found, const char *expected)
{
        char text[ADDRESS_TEXT_MAX];

        address_format(found, text);
        g_assert_cmpstr(text, ==, expected);
}

static void test_there_and_back(void)
{
        static const struct {
                const char *text, *canonical, *ip;
        } cases[] = {
                        {"10.0.0.2/24", "10.0.0.2/24", "10.0.0.2"},
                        {"255.255.255.255/32", "255.255.255.255/32", "255.255.255.255"},
                        {"0.0.0.0/0", "0.0.0.0/0", "0.0.0.0"},
                        {"fd00::2/64", "fd00::2/64", "fd00::2"},
                        {"[fd00::2]/64", "fd00::2/64", "fd00::2"},
                        {"FD00:0:0:0::0002/128", "fd00::2/128", "fd00::2"},
                        {"2001:db8:1111:2222:3333:4444:5555:6666/127",
                                        "2001:db8:1111:2222:3333:4444:5555:6666/127",
                                        "2001:db8:1111:2222:3333:4444:5555:6666"},
                        {"::ffff:111.222.111.222/128", "::ffff:111.222.111.222/128",
                                        "::ffff:111.222.111.222"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                Address found = address(cases[i].text);
                char ip[ADDRESS_TEXT_MAX];

                assert_address(&found, cases[i].canonical);
                address_format_ip(&found, ip);
                g_assert_cmpstr(ip, ==, cases[i].ip);
        }
}

static void test_refuses(void)
{
        static const char *const texts[] = {"", "/", "auto", "10.0.0.2", "fd00::2", "10.0.0/24",
                        "10.0.0.2/33", "10.0.0.2/", "10.0.0.2/024", "10.0.0.2/-1", "10.0.0.2/ 24",
                        "10.0.0.2/24 ", " 10.0.0.2/24", "10.0.0.02/24", "10.0.0.256/24", "0x0a.0.0.2/24",
                        "10.0.0.2/24/24", "[10.0.0.2]/24", "[fd00::2/64", "[]/64", "fd00::2%eth0/64",
                        "fd00::2/129", "fd00:::2/64", "12345::/64", "localhost/8", "\x1b[2J/24"};

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                Address untouched = {.family = -7};
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_cmpint(address_parse(texts[i], &untouched, &error), ==, -EINVAL);
                g_assert_cmpint(untouched.family, ==, -7);
                g_assert_nonnull(error.message);
                g_assert_null(strchr(error.message, '\x1b'));
        }
}

static void test_says_what_is_missing(void)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Address found;

        g_assert_cmpint(address_parse("10.0.0.2", &found, &error), <, 0);
        g_assert_cmpstr(error.message, ==,
                        "'10.0.0.2' has no prefix length: write 10.0.0.2/24 with the prefix length of its "
                        "network");
}

static void test_network_arithmetic(void)
{
        static const struct {
                const char *address, *first, *last, *inside, *outside;
        } cases[] = {
                        {"10.1.2.3/24", "10.1.2.0/24", "10.1.2.255/24", "10.1.2.9/8", "10.1.3.3/24"},
                        {"10.1.2.3/20", "10.1.0.0/20", "10.1.15.255/20", "10.1.15.1/32", "10.1.16.0/20"},
                        {"10.1.2.3/32", "10.1.2.3/32", "10.1.2.3/32", "10.1.2.3/32", "10.1.2.2/32"},
                        {"10.1.2.3/0", "0.0.0.0/0", "255.255.255.255/0", "192.0.2.1/32", "fd00::1/64"},
                        {"fd00::abcd/64", "fd00::/64", "fd00::ffff:ffff:ffff:ffff/64", "fd00::1:0:0:0/64",
                                        "fd00:0:0:1::/64"},
                        {"fd00::abcd/121", "fd00::ab80/121", "fd00::abff/121", "fd00::abff/64",
                                        "fd00::ac00/64"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                Address a = address(cases[i].address), inside = address(cases[i].inside);
                Address outside = address(cases[i].outside), first = address_first(&a),
                        last = address_last(&a);

                assert_address(&first, cases[i].first);
                assert_address(&last, cases[i].last);
                g_assert_true(address_contains(&a, &inside));
                g_assert_false(address_contains(&a, &outside));
        }
}

static void test_subnets(void)
{
        static const struct {
                const char *text, *gateway, *first, *last;
        } good[] = {
                        {"10.0.0.0/24", "10.0.0.1/24", "10.0.0.2/24", "10.0.0.254/24"},
                        {"10.0.0.0/29", "10.0.0.1/29", "10.0.0.2/29", "10.0.0.6/29"},
                        {"10.0.0.0/30", "10.0.0.1/30", "10.0.0.2/30", "10.0.0.2/30"},
                        {"10.0.0.2/31", "10.0.0.2/31", "", ""},
                        {"10.0.0.0/8", "10.0.0.1/8", "10.0.0.2/8", "10.0.255.255/8"},
                        {"10.0.0.0/16", "10.0.0.1/16", "10.0.0.2/16", "10.0.255.254/16"},
                        {"fd00:1::/64", "fd00:1::1/64", "fd00:1::2/64", "fd00:1::ffff/64"},
                        {"fd00:1::/120", "fd00:1::1/120", "fd00:1::2/120", "fd00:1::ff/120"},
        };
        static const char *const bad[] = {"10.0.0.1/24", "fd00::1/64", "0.0.0.0/0", "::/0", "127.0.0.0/8",
                        "224.0.0.0/8", "ff02::/64", "10.0.0.0", "nonsense"};
        _cleanup_error_ Error error = ERROR_INIT;
        Subnet found;

        for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
                found = subnet(good[i].text);
                assert_address(&found.network, good[i].text);
                assert_address(&found.gateway, good[i].gateway);
                assert_address(&found.dynamic_first, good[i].first);
                assert_address(&found.dynamic_last, good[i].last);
        }

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_cmpint(subnet_parse(bad[i], &found, NULL), ==, -EINVAL);
        g_assert_cmpint(subnet_parse("10.0.0.1/24", &found, &error), ==, -EINVAL);
        g_assert_cmpstr(error.message, ==,
                        "'10.0.0.1/24' is an address in network 10.0.0.0/24, not a network: write "
                        "10.0.0.0/24");
}

static void test_who_may_have_what(void)
{
        static const struct {
                const char *subnet, *address;
                bool good;
        } cases[] = {
                        {"10.0.0.0/24", "10.0.0.2/24", true},
                        {"10.0.0.0/24", "10.0.0.254/24", true},
                        {"10.0.0.0/24", "10.0.0.0/24", false},
                        {"10.0.0.0/24", "10.0.0.255/24", false},
                        {"10.0.0.0/24", "10.0.0.1/24", false},
                        {"10.0.0.0/24", "10.0.1.2/24", false},
                        {"10.0.0.0/24", "10.0.0.2/16", false},
                        {"10.0.0.0/24", "fd00::2/64", false},
                        {"10.0.0.0/23", "10.0.0.255/23", true},
                        {"10.0.0.0/23", "10.0.1.255/23", false},
                        {"10.0.0.0/31", "10.0.0.1/31", true},
                        {"fd00::/64", "fd00::2/64", true},
                        {"fd00::/64", "fd00::/64", false},
                        {"fd00::/64", "fd00::1/64", false},
                        {"fd00::/64", "fd00::ffff:ffff:ffff:ffff/64", true},
                        {"fd00::/64", "fd00:0:0:1::2/64", false},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                Subnet s = subnet(cases[i].subnet);
                Address a = address(cases[i].address);
                _cleanup_error_ Error error = ERROR_INIT;

                g_test_message("%s in %s", cases[i].address, cases[i].subnet);
                g_assert_cmpint(subnet_check_host(&s, &a, &error), ==, cases[i].good ? 0 : -EINVAL);
                g_assert_cmpint(error.message == NULL, ==, cases[i].good);
        }
}

/* Each address that a guest may have comes once, those of the dynamic range last, and no other. */
static void test_walk_is_complete(void)
{
        static const struct {
                const char *subnet;
                unsigned n, n_dynamic;
        } cases[] = {
                        {"10.0.0.0/24", 253, 253},
                        {"10.0.0.0/30", 1, 1},
                        {"10.0.0.0/29", 5, 5},
                        {"10.0.0.0/31", 1, 0},
                        {"10.0.0.0/16", 65533, 65533},
                        {"10.0.0.0/12", 65534, 65534},
                        {"fd00::/64", 65534, 65534},
                        {"fd00::/120", 254, 254},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
                Subnet s = subnet(cases[i].subnet);
                SubnetWalk walk = subnet_walk(&s, "msgrouter/service");
                unsigned n = 0, n_dynamic = 0;
                Address a;

                while (subnet_walk_next(&walk, &a)) {
                        char text[ADDRESS_TEXT_MAX];
                        bool dynamic = address_is_set(&s.dynamic_first) &&
                                       memcmp(a.bytes, s.dynamic_first.bytes, 16) >= 0 &&
                                       memcmp(a.bytes, s.dynamic_last.bytes, 16) <= 0;

                        address_format(&a, text);
                        g_assert_true(g_hash_table_add(seen, g_strdup(text)));
                        g_assert_cmpint(subnet_check_host(&s, &a, NULL), ==, 0);
                        n++;
                        n_dynamic += dynamic;
                        g_assert_true(dynamic || n_dynamic == 0);
                }
                g_assert_false(subnet_walk_next(&walk, &a));
                g_test_message("%s", cases[i].subnet);
                g_assert_cmpuint(n, ==, cases[i].n);
                g_assert_cmpuint(n_dynamic, ==, cases[i].n_dynamic);
        }
}

/* The same name begins at the same place, other names at others. */
static void test_walk_begins_by_name(void)
{
        g_autoptr(GHashTable) starts = g_hash_table_new(NULL, NULL);
        Subnet s = subnet("10.0.0.0/16");

        for (unsigned i = 0; i < 200; i++) {
                g_autofree char *seed = g_strdup_printf("u%u/service", i);
                SubnetWalk one = subnet_walk(&s, seed), two = subnet_walk(&s, seed);

                g_assert_cmpuint(one.start, ==, two.start);
                g_hash_table_add(starts, GUINT_TO_POINTER(one.start));
        }
        g_assert_cmpuint(g_hash_table_size(starts), >, 190);
}

static void test_settings(void)
{
        static const struct {
                const char *text;
                int r;
                AddressMode mode4, mode6;
        } cases[] = {
                        {"none", 0, ADDRESS_MODE_NONE, ADDRESS_MODE_NONE},
                        {"auto", 0, ADDRESS_MODE_AUTO, ADDRESS_MODE_AUTO},
                        {"10.0.0.2/24", 0, ADDRESS_MODE_FIXED, ADDRESS_MODE_NONE},
                        {"[fd00::2]/64", 0, ADDRESS_MODE_NONE, ADDRESS_MODE_FIXED},
                        {"10.0.0.2/24  fd00::2/64", 0, ADDRESS_MODE_FIXED, ADDRESS_MODE_FIXED},
                        {"fd00::2/64 auto", 0, ADDRESS_MODE_AUTO, ADDRESS_MODE_FIXED},
                        {"auto 10.0.0.2/24", 0, ADDRESS_MODE_FIXED, ADDRESS_MODE_AUTO},
                        {"", -EINVAL},
                        {"  ", -EINVAL},
                        {"AUTO", -EINVAL},
                        {"none auto", -EINVAL},
                        {"none 10.0.0.2/24", -EINVAL},
                        {"10.0.0.2/24 10.0.0.3/24", -EINVAL},
                        {"10.0.0.2", -EINVAL},
                        {"127.0.0.1/8", -EINVAL},
                        {"fd00::2/64 fd00::3/64", -EINVAL},
                        {"0.0.0.0/0", -EINVAL},
                        {"dhcp", -EINVAL},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                AddressSetting setting;
                _cleanup_error_ Error error = ERROR_INIT;

                g_test_message("Address=%s", cases[i].text);
                g_assert_cmpint(address_setting_parse(cases[i].text, &setting, &error), ==, cases[i].r);
                if (cases[i].r < 0)
                        continue;
                g_assert_cmpint(setting.mode4, ==, cases[i].mode4);
                g_assert_cmpint(setting.mode6, ==, cases[i].mode6);
                g_assert_cmpint(address_is_set(&setting.fixed4), ==, setting.mode4 == ADDRESS_MODE_FIXED);
                g_assert_cmpint(address_is_set(&setting.fixed6), ==, setting.mode6 == ADDRESS_MODE_FIXED);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/common/address/there-and-back", test_there_and_back);
        g_test_add_func("/common/address/refuses-what-is-none", test_refuses);
        g_test_add_func("/common/address/says-what-is-missing", test_says_what_is_missing);
        g_test_add_func("/common/address/network-arithmetic", test_network_arithmetic);
        g_test_add_func("/unikernel/subnet/parse-and-defaults", test_subnets);
        g_test_add_func("/unikernel/subnet/who-may-have-what", test_who_may_have_what);
        g_test_add_func("/unikernel/subnet/walk-is-complete", test_walk_is_complete);
        g_test_add_func("/unikernel/subnet/walk-begins-by-name", test_walk_begins_by_name);
        g_test_add_func("/common/address/settings", test_settings);
        return g_test_run();
}
