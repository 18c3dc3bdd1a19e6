/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings give exactly the network XML of the golden files, which libvirt's schema accepts (test
 * "network-xml-schema") and which read back as what was meant. SHRUTHI_UPDATE_GOLDEN=1 writes them anew. */

#include <fcntl.h>
#include <glib.h>
#include <string.h>

#include "common/io.h"
#include "common/paths.h"
#include "domain/xml/network-create.h"

#define TOKEN "/00112233445566778899aabbccddeeff"

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

static void assert_golden(const char *file, const NetworkSettings *settings, NetworkInfo **ret_info)
{
        g_autofree char *path = g_test_build_filename(G_TEST_DIST, "golden-network", file, NULL);
        g_autofree char *xml = NULL, *again = NULL, *golden = NULL;

        g_assert_cmpint(network_create_format(settings, &xml, NULL), ==, 0);
        g_assert_cmpint(network_create_format(settings, &again, NULL), ==, 0);
        g_assert_cmpstr(xml, ==, again);
        if (g_getenv("SHRUTHI_UPDATE_GOLDEN"))
                g_assert_true(g_file_set_contents(path, xml, -1, NULL));
        g_assert_cmpint(file_read_at(AT_FDCWD, path, 1 << 20, &golden, NULL), ==, 0);
        g_assert_cmpstr(xml, ==, golden);
        g_assert_cmpint(network_xml_parse(xml, ret_info, NULL), ==, 0);
}

static void test_nat(void)
{
        Subnet four = subnet("10.0.0.0/24");
        NetworkSettings settings = {.name = "lab",
                        .owner = 1000,
                        .mode = NETWORK_NAT,
                        .subnet4 = &four,
                        .hosts_path = "/var/lib/shruthi-hosts/lab" TOKEN,
                        .host_name = "rack7"};
        g_autofree char *hosts_path = g_strconcat(paths_hosts(), "/lab" TOKEN, NULL);
        g_autoptr(NetworkInfo) info = NULL;

        assert_golden("nat.xml", &settings, &info);
        g_assert_cmpstr(info->name, ==, "lab");
        if (g_str_equal(paths_hosts(), "/var/lib/shruthi-hosts"))
                g_assert_cmpstr(info->hosts_path, ==, hosts_path);
        g_assert_cmpstr(info->host_names->pdata[0], ==, "gateway=10.0.0.1");
        g_assert_cmpstr(info->host_names->pdata[1], ==, "rack7=10.0.0.1");
        g_assert_null(info->bridge);
        g_assert_cmpint(info->mode, ==, NETWORK_NAT);
        g_assert_true(info->ours);
        g_assert_cmpuint(info->owner, ==, 1000);
        g_assert_cmpmem(&info->subnet4, sizeof four, &four, sizeof four);
        g_assert_false(address_is_set(&info->subnet6.network));
        g_assert_cmpuint(info->reserved->len, ==, 1);
}

static void test_all_of_it(void)
{
        Subnet four = subnet("10.1.0.0/16"), six = subnet("fd00:1::/64");
        NetworkSettings settings = {.name = "lab-2",
                        .mode = NETWORK_NAT,
                        .bridge = "shruthi-lab2",
                        .uuid = "00000000-0000-4000-8000-000000000002",
                        .hosts_path = "/var/lib/shruthi-hosts/lab-2" TOKEN,
                        .subnet4 = &four,
                        .subnet6 = &six};
        g_autoptr(NetworkInfo) info = NULL;

        assert_golden("nat-both.xml", &settings, &info);
        g_assert_cmpstr(info->uuid, ==, settings.uuid);
        g_assert_cmpstr(info->bridge, ==, settings.bridge);
        g_assert_cmpmem(&info->subnet4, sizeof four, &four, sizeof four);
        g_assert_cmpmem(&info->subnet6, sizeof six, &six, sizeof six);
        g_assert_cmpuint(info->reserved->len, ==, 2);
        assert_address(&g_array_index(info->reserved, SeenAddress, 0).address, "10.1.0.1/16");
        g_assert_cmpint(g_array_index(info->reserved, SeenAddress, 0).by, ==, SEEN_BY_HOST);
}

/* Who cannot leave has no gateway, and the host's address is nobody's all the same. */
static void test_isolated(void)
{
        Subnet four = subnet("192.168.7.0/30");
        NetworkSettings settings = {.name = "quiet",
                        .mode = NETWORK_ISOLATED,
                        .subnet4 = &four,
                        .hosts_path = "/var/lib/shruthi-hosts/quiet" TOKEN};
        g_autoptr(NetworkInfo) info = NULL;

        assert_golden("isolated.xml", &settings, &info);
        g_assert_cmpint(info->mode, ==, NETWORK_ISOLATED);
        assert_address(&info->subnet4.gateway, "");
        assert_address(&info->subnet4.dns, "192.168.7.1/30");
        assert_address(&info->subnet4.dynamic_first, "192.168.7.2/30");
        assert_address(&info->subnet4.dynamic_last, "192.168.7.2/30");
        g_assert_cmpstr(info->host_names->pdata[0], ==, "host=192.168.7.1");
        g_assert_cmpuint(info->reserved->len, ==, 1);
}

static void test_routed(void)
{
        Subnet six = subnet("2001:db8:7::/120");
        NetworkSettings settings = {.name = "out",
                        .owner = 4294967294,
                        .mode = NETWORK_ROUTED,
                        .subnet6 = &six,
                        .hosts_path = "/var/lib/shruthi-hosts/out" TOKEN};
        g_autoptr(NetworkInfo) info = NULL;

        assert_golden("routed.xml", &settings, &info);
        g_assert_cmpint(info->mode, ==, NETWORK_ROUTED);
        assert_address(&info->subnet6.gateway, "2001:db8:7::1/120");
        g_assert_true(info->ours);
        g_assert_cmpuint(info->owner, ==, 4294967294);
}

/* Its guests do not hear each other, by libvirt's own setting. */
static void test_emulated(void)
{
        Subnet four = subnet("10.0.0.0/24");
        NetworkSettings settings = {.name = "far",
                        .owner = 1000,
                        .mode = NETWORK_NAT,
                        .emulated = true,
                        .subnet4 = &four,
                        .hosts_path = "/var/lib/shruthi-hosts/far" TOKEN};
        g_autoptr(NetworkInfo) info = NULL, other = NULL;

        assert_golden("emulated.xml", &settings, &info);
        g_assert_true(info->isolated);

        settings = (NetworkSettings){.name = "lab",
                        .owner = 1000,
                        .mode = NETWORK_NAT,
                        .subnet4 = &four,
                        .hosts_path = "/var/lib/shruthi-hosts/lab" TOKEN,
                        .host_name = "rack7"};
        assert_golden("nat.xml", &settings, &other);
        g_assert_false(other->isolated);
}

static void test_refuses(void)
{
        static const char *const subnets[] = {
                        "10.0.0.0/31", "10.0.0.4/32", "10.0.0.0/7", "fd00::/63", "fd00::/121"};
        Subnet good = subnet("10.0.0.0/24"), six = subnet("fd00::/64");
        NetworkSettings settings[] = {
                        {.name = "a'/><x", .subnet4 = &good},
                        {.name = "Lab", .subnet4 = &good},
                        {.name = "", .subnet4 = &good},
                        {.name = "lab"},
                        {.name = "lab", .subnet4 = &good, .bridge = ""},
                        {.name = "lab", .subnet4 = &good, .bridge = "sixteen-letters-"},
                        {.name = "lab", .subnet4 = &six},
                        {.name = "lab", .subnet6 = &good},
        };
        char *xml = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_cmpint(network_create_format(&settings[i], &xml, &error), ==, -EINVAL);
                g_assert_nonnull(error.message);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(subnets); i++) {
                Subnet bad = subnet(subnets[i]);
                NetworkSettings s = {.name = "lab"};

                *(bad.network.family == AF_INET ? &s.subnet4 : &s.subnet6) = &bad;
                g_assert_cmpint(network_create_format(&s, &xml, NULL), ==, -EINVAL);
        }
        g_assert_null(xml);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/domain/network-create/nat", test_nat);
        g_test_add_func("/domain/network-create/all-of-it", test_all_of_it);
        g_test_add_func("/domain/network-create/isolated", test_isolated);
        g_test_add_func("/domain/network-create/routed", test_routed);
        g_test_add_func("/domain/network-create/emulated", test_emulated);
        g_test_add_func("/domain/network-create/refuses", test_refuses);
        return g_test_run();
}
