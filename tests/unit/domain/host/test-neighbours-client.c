/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Half an answer is none: nobody's address is taken for free because the rest was lost. */

#include <glib.h>

#include "domain/host/neighbours-client.h"

static void test_answer(void)
{
        g_autoptr(GArray) seen = g_array_new(FALSE, TRUE, sizeof(SeenAddress));
        const SeenAddress *entry;
        char ip[ADDRESS_TEXT_MAX];

        g_assert_cmpint(neighbours_parse_answer(
                                        "10.0.0.1 - host\nfd00::2 52:54:00:00:00:01 neighbour\nend\n", seen,
                                        NULL),
                        ==, 0);
        g_assert_cmpuint(seen->len, ==, 2);
        entry = &g_array_index(seen, SeenAddress, 0);
        g_assert_cmpint(entry->by, ==, SEEN_BY_HOST);
        g_assert_cmpstr(entry->mac, ==, "");
        entry = &g_array_index(seen, SeenAddress, 1);
        address_format_ip(&entry->address, ip);
        g_assert_cmpstr(ip, ==, "fd00::2");
        g_assert_cmpint(entry->by, ==, SEEN_BY_NEIGHBOUR);
        g_assert_cmpstr(entry->mac, ==, "52:54:00:00:00:01");
        g_assert_cmpint(neighbours_parse_answer("end\n", seen, NULL), ==, 0);
}

static void test_no_answer(void)
{
        static const char *const texts[] = {"", "10.0.0.1 - host\n", "10.0.0.1 - host", "10.0.0.1 -\nend\n",
                        "10.0.0 - host\nend\n", "10.0.0.1 52:54:00:00:00:01:02 neighbour\nend\n",
                        "error there is no bridge\n"};

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_autoptr(GArray) seen = g_array_new(FALSE, TRUE, sizeof(SeenAddress));
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_cmpint(neighbours_parse_answer(texts[i], seen, &error), <, 0);
                g_assert_nonnull(error.message);
        }
}

static void test_routes(void)
{
        static const char *const texts[] = {
                        "", "10.0.0.0/24\n", "10.0.0.0\nend\n", "10.0.0.0/24 x\nend\n", "error no\n"};
        g_autoptr(GArray) routes = g_array_new(FALSE, TRUE, sizeof(Address));
        char text[ADDRESS_TEXT_MAX];

        g_assert_cmpint(neighbours_parse_routes("10.0.0.0/24\nfd00::/64\nend\n", routes, NULL), ==, 0);
        g_assert_cmpuint(routes->len, ==, 2);
        address_format(&g_array_index(routes, Address, 1), text);
        g_assert_cmpstr(text, ==, "fd00::/64");
        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_cmpint(neighbours_parse_routes(texts[i], routes, &error), <, 0);
                g_assert_nonnull(error.message);
        }
}

static void test_counters(void)
{
        static const char *const texts[] = {"", "shruaaaaaaaaaaa 1 2 3 4 5 6\n",
                        "shruaaaaaaaaaaa 1 2 3 4 5\nend\n", "lo 1 2 3 4 5 6\nend\n", "error no\n"};
        g_autoptr(GArray) counters = g_array_new(FALSE, TRUE, sizeof(InterfaceCounters));
        const InterfaceCounters *one;

        g_assert_cmpint(neighbours_parse_counters(
                                        "shruaaaaaaaaaaa 1 2 3 4 5 6\nshrubbbbbbbbbbb 0 0 0 0 0 0\nend\n",
                                        counters, NULL),
                        ==, 0);
        g_assert_cmpuint(counters->len, ==, 2);
        one = interface_counters_find(counters, "shruaaaaaaaaaaa");
        g_assert_cmpuint(one->received_bytes, ==, 1);
        g_assert_cmpuint(one->sent_bytes, ==, 4);
        g_assert_nonnull(interface_counters_find(counters, "shrubbbbbbbbbbb"));
        g_assert_null(interface_counters_find(counters, "shruccccccccccc"));
        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_cmpint(neighbours_parse_counters(texts[i], counters, &error), <, 0);
                g_assert_nonnull(error.message);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/domain/neighbours-client/whole-answer", test_answer);
        g_test_add_func("/domain/neighbours-client/anything-else-is-an-error", test_no_answer);
        g_test_add_func("/domain/neighbours-client/routes", test_routes);
        g_test_add_func("/domain/neighbours-client/counters", test_counters);
        return g_test_run();
}
