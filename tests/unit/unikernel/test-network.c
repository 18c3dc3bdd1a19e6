/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records come back as they were written and nothing else is taken for one; no subnet is chosen or let pass
 * that overlaps with what is taken; routes are read off the kernel's messages. */

#include <glib.h>
#include <glib/gstdio.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "fixture/files.h"
#include "unikernel/definition.h"
#include "unikernel/network.h"
#include "unikernel/routes.h"

static void assert_address(const Address *address, const char *expected)
{
        char text[ADDRESS_TEXT_MAX];

        address_format(address, text);
        g_assert_cmpstr(text, ==, expected);
}

static Subnet subnet(const char *text)
{
        Subnet result;

        g_assert_cmpint(subnet_parse(text, &result, NULL), ==, 0);
        return result;
}

static GArray *taken(const char *first, ...)
{
        GArray *result = taken_subnets_new();
        va_list ap;

        va_start(ap, first);
        for (const char *text = first; text; text = va_arg(ap, const char *)) {
                Subnet one = subnet(text);

                taken_subnets_add(result, &one.network, "network %s", text);
        }
        va_end(ap);
        return result;
}

static void test_record(void)
{
        static const char *const texts[] = {
                        "Owner=0\nMode=nat\nSubnet=10.0.0.0/24\n",
                        ("Owner=1000\nGroup=100\nMode=isolated\nSubnet=10.0.0.0/24\nIPv6Subnet=fd00:1::/64\n"
                         "Bridge=br-lab\nEmulated=yes\nFleet=race\nState=removing\n"),
                        "Owner=1000\nMode=routed\nIPv6Subnet=auto\nState=creating\n",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_autoptr(NetworkRecord) record = NULL, copy = NULL;
                g_autofree char *text = NULL;

                g_assert_cmpint(network_record_parse("lab", texts[i], &record, NULL), ==, 0);
                copy = network_record_copy(record);
                text = network_record_format(copy);
                g_assert_cmpstr(text, ==, texts[i]);
                g_assert_cmpstr(copy->name, ==, "lab");
                if (i == 1) {
                        g_assert_cmpuint(record->owner, ==, 1000);
                        g_assert_cmpuint(record->group, ==, 100);
                        g_assert_cmpint(record->mode, ==, NETWORK_ISOLATED);
                        g_assert_cmpint(record->state, ==, NETWORK_REMOVING);
                        g_assert_true(record->emulated);
                        g_assert_cmpstr(record->fleet, ==, "race");
                        assert_address(&record->subnet4.gateway, "10.0.0.1/24");
                        assert_address(&record->subnet6.dns, "fd00:1::1/64");
                } else {
                        g_assert_cmpuint(record->group, ==, GID_INVALID);
                        g_assert_false(record->emulated);
                }
        }
}

static void test_no_record(void)
{
        static const char *const texts[] = {
                        "",
                        "Owner=1000\n",
                        "Owner=1000\nSubnet=none\n",
                        "Mode=nat\nSubnet=10.0.0.0/24\n",
                        "Owner=4294967295\nSubnet=10.0.0.0/24\n",
                        "Owner=alice\nSubnet=10.0.0.0/24\n",
                        "Owner=1\nSubnet=10.0.0.1/24\n",
                        "Owner=1\nSubnet=fd00::/64\n",
                        "Owner=1\nIPv6Subnet=10.0.0.0/24\n",
                        "Owner=1\nSubnet=10.0.0.0/24\nMode=open\n",
                        "Owner=1\nSubnet=10.0.0.0/24\nState=new\n",
                        "Owner=1\nSubnet=10.0.0.0/24\nBridge=\n",
                        "Owner=1\nSubnet=10.0.0.0/24\nBridge=sixteen-letters-\n",
                        "Owner=1\nSubnet=10.0.0.0/24\nEmulated=maybe\n",
                        "Owner=1\nSubnet=10.0.0.0/24\nFleet=../race\n",
                        "Owner=1\nSubnet=10.0.0.0/24\nColour=red\n",
                        "Owner=1\nSubnet=10.0.0.0/24\nnonsense\n",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                NetworkRecord *record = NULL;

                g_assert_cmpint(network_record_parse("lab", texts[i], &record, &error), <, 0);
                g_assert_cmpint(error.code, ==, ERROR_INVALID_DEFINITION);
                g_assert_null(record);
        }
}

static void test_files(void)
{
        g_autofree char *dir = g_dir_make_tmp("shruthi-network-XXXXXX", NULL), *left = NULL;
        g_autoptr(NetworkRecord) record = network_record_new("lab"), found = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_close_ int lock = -EBADF;
        g_auto(GStrv) names = NULL;

        paths_set_root(dir);
        g_assert_cmpint(network_record_list(&names, NULL), ==, 0);
        g_assert_cmpuint(g_strv_length(names), ==, 0);
        g_clear_pointer(&names, g_strfreev);

        g_assert_cmpint(g_mkdir_with_parents(paths_networks(), 0700), ==, 0);
        g_assert_cmpint(network_record_set_subnet(record, AF_INET, "10.0.0.0/24", NULL), ==, 0);
        g_assert_cmpint(network_record_load("lab", &found, &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_NO_SUCH_NETWORK);
        g_assert_cmpint(network_record_load("../lab", &found, &error), <, 0);
        g_assert_cmpint(error.code, ==, ERROR_INVALID_NAME);
        g_assert_cmpint(network_record_write(record, true, NULL), ==, 0);
        g_assert_cmpint(network_record_write(record, true, &error), ==, -EEXIST);
        g_assert_cmpint(error.code, ==, ERROR_NETWORK_EXISTS);
        record->state = NETWORK_REMOVING;
        g_assert_cmpint(network_record_write(record, false, NULL), ==, 0);
        g_assert_cmpint(network_record_load("lab", &found, NULL), ==, 0);
        g_assert_cmpint(found->state, ==, NETWORK_REMOVING);

        /* What a writer left that was killed is no network, and goes. */
        lock = network_records_lock(NULL);
        g_assert_cmpint(lock, >=, 0);
        left = g_build_filename(paths_networks(), ".lab.abcdef", NULL);
        g_assert_true(g_file_set_contents(left, "Owner=", -1, NULL));
        g_assert_cmpint(network_record_list(&names, NULL), ==, 0);
        g_assert_cmpuint(g_strv_length(names), ==, 1);
        g_assert_cmpstr(names[0], ==, "lab");
        network_records_tidy();
        g_assert_cmpint(access(left, F_OK), <, 0);

        g_assert_cmpint(network_record_remove("lab", NULL), ==, 0);
        g_assert_cmpint(network_record_remove("lab", NULL), ==, 0);
        paths_set_root(NULL);
        fixture_remove_tree(dir);
}

static void test_overlap(void)
{
        g_autoptr(GArray) all = taken("10.0.0.0/24", "10.1.0.0/16", "fd00:1::/64", NULL);
        static const char *const overlapping[] = {"10.0.0.0/24", "10.0.0.128/25", "10.0.0.0/8",
                        "10.1.255.0/24", "fd00:1::/64", "fd00::/16", "fd00:1::8:0/112"};
        static const char *const clear[] = {"10.0.1.0/24", "10.2.0.0/16", "192.168.0.0/16", "fd00:2::/64"};

        for (size_t i = 0; i < G_N_ELEMENTS(overlapping); i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                Subnet one = subnet(overlapping[i]);

                g_assert_cmpint(subnet_check_free(&one, all, &error), <, 0);
                g_assert_cmpint(error.code, ==, ERROR_ADDRESS_IN_USE);
                g_assert_nonnull(strstr(error.message, "of network "));
        }
        for (size_t i = 0; i < G_N_ELEMENTS(clear); i++) {
                Subnet one = subnet(clear[i]);

                g_assert_cmpint(subnet_check_free(&one, all, NULL), ==, 0);
        }
}

static void test_choose(void)
{
        char *pools[] = {(char *) "10.0.0.0/22", (char *) "fd00:1::/48", (char *) "10.9.0.0/28", NULL};
        g_autoptr(GArray) none = taken(NULL), some = taken("10.0.0.0/24", "10.0.2.0/25", NULL);
        g_autoptr(GArray) most = taken("10.0.0.0/22", NULL), all = taken("10.0.0.0/8", "fd00::/16", NULL);
        Subnet chosen;

        g_assert_cmpint(subnet_choose(pools, AF_INET, none, &chosen, NULL), ==, 0);
        assert_address(&chosen.network, "10.0.0.0/24");
        assert_address(&chosen.gateway, "10.0.0.1/24");
        g_assert_cmpint(subnet_choose(pools, AF_INET, some, &chosen, NULL), ==, 0);
        assert_address(&chosen.network, "10.0.1.0/24");
        g_assert_cmpint(subnet_choose(pools, AF_INET, most, &chosen, NULL), ==, 0);
        assert_address(&chosen.network, "10.9.0.0/28");
        g_assert_cmpint(subnet_choose(pools, AF_INET, all, &chosen, NULL), ==, -EADDRNOTAVAIL);
        g_assert_cmpint(subnet_choose(pools, AF_INET6, all, &chosen, NULL), ==, -EADDRNOTAVAIL);

        for (unsigned i = 0; i < 100; i++) {
                g_assert_cmpint(subnet_choose(pools, AF_INET6, none, &chosen, NULL), ==, 0);
                g_assert_cmpuint(chosen.network.prefix, ==, 64);
                g_assert_true(subnet_in_pools(pools, &chosen));
                g_assert_cmpuint(chosen.network.bytes[8], ==, 0);
                g_assert_cmpuint(chosen.gateway.bytes[15], ==, 1);
        }
}

static void test_pools(void)
{
        char *pools[] = {(char *) "10.0.0.0/9", (char *) "fd00::/8", NULL};
        static const char *const in[] = {"10.0.0.0/20", "10.127.255.0/24", "fd12:3456::/64"};
        static const char *const out[] = {"10.0.0.0/19", "10.0.0.0/8", "10.128.0.0/24", "192.168.0.0/24",
                        "2001:db8::/64", "fc00::/7"};

        for (size_t i = 0; i < G_N_ELEMENTS(in); i++) {
                Subnet one = subnet(in[i]);

                g_assert_true(subnet_in_pools(pools, &one));
        }
        for (size_t i = 0; i < G_N_ELEMENTS(out); i++) {
                Subnet one = subnet(out[i]);

                g_assert_false(subnet_in_pools(pools, &one));
        }
}

static void add_route(GByteArray *data, const char *to, unsigned char type)
{
        struct {
                struct nlmsghdr header;
                struct rtmsg message;
                struct rtattr attribute;
                uint8_t bytes[16];
        } route = {};
        Address address;
        unsigned size;

        g_assert_cmpint(address_parse(to, &address, NULL), ==, 0);
        size = address.family == AF_INET ? 4 : 16;
        route.header.nlmsg_type = RTM_NEWROUTE;
        route.header.nlmsg_len = (uint32_t) (NLMSG_LENGTH(sizeof route.message) + RTA_LENGTH(size));
        route.message = (struct rtmsg){.rtm_family = (unsigned char) address.family,
                        .rtm_dst_len = (unsigned char) address.prefix,
                        .rtm_type = type};
        route.attribute = (struct rtattr){.rta_type = RTA_DST, .rta_len = (unsigned short) RTA_LENGTH(size)};
        memcpy(route.bytes, address.bytes, size);
        g_byte_array_append(data, (const guint8 *) &route, route.header.nlmsg_len);
}

static void test_routes(void)
{
        g_autoptr(GArray) routes = g_array_new(FALSE, TRUE, sizeof(Address));
        g_autoptr(GByteArray) data = g_byte_array_new();

        add_route(data, "10.0.0.0/24", RTN_UNICAST);
        add_route(data, "10.0.0.255/32", RTN_BROADCAST);
        add_route(data, "192.168.7.1/32", RTN_LOCAL);
        add_route(data, "127.0.0.0/8", RTN_LOCAL);
        add_route(data, "fe80::/64", RTN_UNICAST);
        add_route(data, "ff00::/8", RTN_MULTICAST);
        add_route(data, "fd00:7::/64", RTN_UNREACHABLE);
        g_assert_cmpint(routes_parse(data->data, data->len, routes), ==, 0);
        g_assert_cmpuint(routes->len, ==, 3);
        assert_address(&g_array_index(routes, Address, 0), "10.0.0.0/24");
        assert_address(&g_array_index(routes, Address, 1), "192.168.7.1/32");
        assert_address(&g_array_index(routes, Address, 2), "fd00:7::/64");

        /* Cut anywhere it is refused or shorter, and never read beyond. */
        for (guint size = 0; size < data->len; size++) {
                g_autofree void *copy = g_memdup2(data->data, size);
                g_autoptr(GArray) fewer = g_array_new(FALSE, TRUE, sizeof(Address));

                (void) routes_parse(copy, size, fewer);
                g_assert_cmpuint(fewer->len, <=, 3);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/unikernel/network/record", test_record);
        g_test_add_func("/unikernel/network/no-record", test_no_record);
        g_test_add_func("/unikernel/network/files", test_files);
        g_test_add_func("/unikernel/network/overlap", test_overlap);
        g_test_add_func("/unikernel/network/choose", test_choose);
        g_test_add_func("/unikernel/network/pools", test_pools);
        g_test_add_func("/unikernel/network/routes", test_routes);
        return g_test_run();
}
