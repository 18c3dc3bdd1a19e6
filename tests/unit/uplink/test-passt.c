/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* passt is told the guest's network, the ports, and never to show it what listens on this host for itself.
 */

#include <glib.h>
#include <string.h>

#include "uplink/passt.h"

static char *command_for(const char *published, unsigned number, bool alone)
{
        g_autoptr(GArray) ports = published_ports_split(published);
        UplinkRequest request = {.unikernel = (char *) "web",
                        .device = (char *) "service",
                        .number = number,
                        .ports = ports};
        g_auto(GStrv) command = passt_command("/usr/bin/passt", &request, alone);

        return g_strjoinv(" ", command);
}

static void test_plain(void)
{
        g_autofree char *command = command_for(NULL, 0, false);

        g_assert_cmpstr(command, ==,
                        "/usr/bin/passt --quiet --fd 3 --mtu 1500 --address 10.0.2.15 --netmask 24 "
                        "--gateway "
                        "10.0.2.2 --dns-forward 10.0.2.3 --no-map-gw");
}

static void test_ports(void)
{
        g_autofree char *command =
                        command_for("8080:80\n192.0.2.1:1000-1003:2000-2003/udp\n[::1]:22:22", 1, false);

        g_assert_true(g_str_has_suffix(command, "--no-map-gw --tcp-ports 8080:80 --udp-ports "
                                                "192.0.2.1/1000-1003:2000-2003 --tcp-ports "
                                                "::1/22:22"));
        g_assert_nonnull(strstr(command, "--address 10.0.3.15 "));
}

static void test_alone(void)
{
        g_autofree char *command = command_for(NULL, 0, true);

        g_assert_true(g_str_has_suffix(command, "--no-map-gw --interface lo --mac-addr 9a:55:9a:55:9a:55"));
}

/* Before it come warnings. */
static void test_reason(void)
{
        static const struct {
                const char *messages, *reason;
        } cases[] = {
                        {"", ""},
                        {"External interface not usable\n", "External interface not usable"},
                        {"No IPv6 nameserver available for NDP/DHCPv6\n"
                         "Failed to bind port 9090 (Address already in use) for option '-t 9090:80', "
                         "exiting\n",
                                        "Failed to bind port 9090 (Address already in use) for option '-t "
                                        "9090:80', exiting"},
                        {"Couldn't get any nameserver address\n"
                         "No IPv4 nameserver available for DHCP\n"
                         "Listen failed for HOST TCP port */9090: Address already in use\n"
                         "Listen failed for HOST TCP port */9091: Address already in use\n"
                         "Couldn't listen on requested ports\n",
                                        "Couldn't listen on requested ports: Listen failed for HOST TCP "
                                        "port "
                                        "*/9090: Address already in use"},
                        {"it failed \033[31m\n", "it failed \\x1b[31m"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *reason = passt_find_reason(cases[i].messages);

                g_assert_cmpstr(reason, ==, cases[i].reason);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/uplink/passt/is-told-the-network", test_plain);
        g_test_add_func("/uplink/passt/is-told-the-ports", test_ports);
        g_test_add_func("/uplink/passt/without-a-way-out", test_alone);
        g_test_add_func("/uplink/passt/says-why-it-gives-up", test_reason);
        return g_test_run();
}
