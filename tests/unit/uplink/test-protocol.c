/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A request to shruthi-uplink reads back as it was written; what is not one is refused. */

#include <errno.h>
#include <glib.h>

#include "uplink/protocol.h"

static void test_round_trip(void)
{
        g_autoptr(GArray) ports = published_ports_split("8080:80\n192.0.2.1:1000-1003:2000-2003/udp");
        UplinkRequest request = {.unikernel = (char *) "web",
                        .device = (char *) "service",
                        .number = 3,
                        .ports = ports};
        g_autofree char *text = uplink_request_format(&request), *again = NULL;
        _cleanup_uplink_request_ UplinkRequest read = {};

        g_assert_cmpstr(text, ==, "web service 3\n8080:80\n192.0.2.1:1000-1003:2000-2003/udp\n");
        g_assert_cmpint(uplink_request_parse(text, &read), ==, 0);
        again = uplink_request_format(&read);
        g_assert_cmpstr(again, ==, text);
}

static void test_refusals(void)
{
        static const char *const texts[] = {"", "\n", "web", "web service", "web service x",
                        "web service 64", "web service -1", "web ser/vice 0", "web .. 0", "WEB? service 0",
                        "web service 0 more", "web service 0\n80", "web service 0\n8080:80\n\n8081:80\n",
                        "../x service 0"};

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                UplinkRequest request;

                g_test_message("%s", texts[i]);
                g_assert_cmpint(uplink_request_parse(texts[i], &request), ==, -EBADMSG);
        }
}

/* Two networks of one unikernel, and the guest and its router, are never the same. */
static void test_addresses(void)
{
        const Address first = uplink_address(0);
        char text[ADDRESS_TEXT_MAX];

        for (unsigned i = 0; i < UPLINK_DEVICES_MAX; i++) {
                Address address = uplink_address(i), gateway = uplink_gateway(i), dns = uplink_dns(i);

                g_assert_true(address_contains(&address, &gateway));
                g_assert_true(address_contains(&address, &dns));
                g_assert_false(address_equal(&address, &gateway));
                g_assert_false(address_equal(&gateway, &dns));
                if (i > 0) {
                        Address before = uplink_address(i - 1);

                        g_assert_false(address_contains(&before, &address));
                }
        }
        address_format(&first, text);
        g_assert_cmpstr(text, ==, "10.0.2.15/24");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/uplink/protocol/reads-back", test_round_trip);
        g_test_add_func("/uplink/protocol/refuses-what-is-no-request", test_refusals);
        g_test_add_func("/uplink/protocol/networks-are-apart", test_addresses);
        return g_test_run();
}
