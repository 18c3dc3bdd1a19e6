/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the kernel shows of bridges and tables of neighbours is read as it is, and told as it was read. */

#include "unikernel/host-network.h"

#include <errno.h>

#include "fixture/files.h"

static char *make_root(void)
{
        char *root = g_dir_make_tmp("shruthi-XXXXXX", NULL);

        g_assert_nonnull(root);
        return root;
}

static void test_reads_what_the_kernel_shows(void)
{
        g_autofree char *root = make_root();
        g_autoptr(HostNetwork) network = NULL;

        fixture_put(root, "proc/sys/net/ipv4/neigh/default/gc_thresh3", "1024\n");
        fixture_put(root, "proc/net/stat/arp_cache",
                        "entries  allocs   destroys\n000003e9  00000001 00000000\n000003e9  00000000 00000000\n");
        fixture_put(root, "sys/class/net/br0/brif/tap0", "");
        fixture_put(root, "sys/class/net/br0/brif/tap1", "");
        fixture_put(root, "sys/class/net/eth0/address", "");
        network = host_network_read(root);

        g_assert_cmpuint(network->ipv4.used, ==, 1001);
        g_assert_cmpuint(network->ipv4.most, ==, 1024);
        g_assert_cmpuint(network->ipv6.most, ==, 0);
        g_assert_cmpuint(network->bridges->len, ==, 1);
        g_assert_nonnull(host_network_find_bridge(network, "br0"));
        g_assert_cmpuint(host_network_find_bridge(network, "br0")->ports, ==, 2);
        g_assert_null(host_network_find_bridge(network, "eth0"));
        fixture_remove_tree(root);
}

static void test_goes_there_and_back(void)
{
        static const char text[] = "ipv4 5 1024\nipv6 0 0\nbridge 7 virbr0\nbridge 0 a=b\nend\n";
        g_autoptr(HostNetwork) network = NULL;
        g_autofree char *again = NULL;

        g_assert_cmpint(host_network_parse(text, &network), ==, 0);
        again = host_network_format(network);
        g_assert_cmpstr(again, ==, text);
}

static void test_refuses_other_text(void)
{
        static const char *const texts[] = {
                        "",
                        "ipv4 5 1024\n",
                        "error no\n",
                        "ipv4 5\nend\n",
                        "ipv4 5 x\nend\n",
                        "ipv4 -5 1\nend\n",
                        "bridge x br0\nend\n",
                        "bridge 4294967296 br0\nend\n",
                        "bridge 1\nend\n",
                        "\nend\n",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                HostNetwork *network = NULL;

                g_assert_cmpint(host_network_parse(texts[i], &network), ==, -EBADMSG);
                g_assert_null(network);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/host-network/reads-what-the-kernel-shows", test_reads_what_the_kernel_shows);
        g_test_add_func("/host-network/goes-there-and-back", test_goes_there_and_back);
        g_test_add_func("/host-network/refuses-other-text", test_refuses_other_text);
        return g_test_run();
}
