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

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/uplink/passt/is-told-the-network", test_plain);
        g_test_add_func("/uplink/passt/is-told-the-ports", test_ports);
        g_test_add_func("/uplink/passt/without-a-way-out", test_alone);
        return g_test_run();
}
