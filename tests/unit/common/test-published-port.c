/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A port that is published is written in one way only, and two that take the same are known as such. */

#include <string.h>

#include "common/published-port.h"

static PublishedPort port_of(const char *text)
{
        _cleanup_error_ Error error = ERROR_INIT;
        PublishedPort port = {};
        int r = published_port_parse(text, &port, &error);

        if (r < 0)
                g_error("%s: %s", text, error_message(&error, r));
        return port;
}

static void test_spelling(void)
{
        static const char *const cases[][2] = {
                        {"8080:80", "8080:80"},
                        {"8080:80/tcp", "8080:80"},
                        {"53:53/udp", "53:53/udp"},
                        {"8000-8010:80-90", "8000-8010:80-90"},
                        {"8000-8000:80-80", "8000:80"},
                        {"192.0.2.1:443:8443", "192.0.2.1:443:8443"},
                        {"127.0.0.1:1:65535", "127.0.0.1:1:65535"},
                        {"[2001:DB8:0::1]:443:443/tcp", "[2001:db8::1]:443:443"},
                        {"[::1]:5000-5001:1-2/udp", "[::1]:5000-5001:1-2/udp"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                PublishedPort port = port_of(cases[i][0]), again;
                g_autofree char *text = published_port_format(&port), *text_again = NULL;

                g_assert_cmpstr(text, ==, cases[i][1]);
                g_assert_cmpuint(strlen(text), <=, PUBLISHED_TEXT_MAX);
                again = port_of(text);
                text_again = published_port_format(&again);
                g_assert_cmpstr(text_again, ==, text);
        }
}

static void test_refusals(void)
{
        static const struct {
                const char *text, *reason;
        } cases[] = {
                        {"", "the port of the guest is missing"},
                        {"80", "the port of the guest is missing"},
                        {"x:80", "'x' is no port"},
                        {"0:80", "'0' is no port"},
                        {"080:80", "'080' is no port"},
                        {"65536:80", "'65536' is no port"},
                        {"80:", "'' is no port"},
                        {"80:-1", "'-1' is no port"},
                        {"80-70:80", "'80-70' is no port"},
                        {"80-90:80", "11 ports of the host and 1 of the guest"},
                        {"80-90-95:80", "'80-90-95' is no port"},
                        {"80:80/sctp", "'sctp' is no protocol"},
                        {"80:80/", "'' is no protocol"},
                        {"80:80/TCP", "'TCP' is no protocol"},
                        {"host:80:80", "'host' is no address"},
                        {"1.2.3:80:80", "'1.2.3' is no address"},
                        {"2001:db8::1:80:80", "'2001' is no address"},
                        {"[192.0.2.1]:80:80", "'192.0.2.1' is no address"},
                        {"[::1:80:80", "a bracket is not closed"},
                        {"[fe80::1%br0]:80:80", "is no address"},
                        {"[fe80::1]:80:80", "link-local"},
                        {"0.0.0.0:80:80", "0.0.0.0 is not an address that a host can have"},
                        {"[::]:80:80", ":: is not an address that a host can have"},
                        {"224.0.0.1:80:80", "is not an address that a host can have"},
                        {"80:80 ", "'80 ' is no port"},
        };
        g_autofree char *longest = g_strnfill(PUBLISHED_TEXT_MAX + 1, '1');
        PublishedPort port;

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_error_ Error error = ERROR_INIT;

                g_test_message("%s", cases[i].text);
                g_assert_cmpint(published_port_parse(cases[i].text, &port, &error), <, 0);
                g_assert_cmpint(error.code, ==, ERROR_INVALID_DEFINITION);
                g_assert_nonnull(strstr(error.message, cases[i].reason));
        }
        g_assert_cmpint(published_port_parse(longest, &port, NULL), <, 0);
}

static void test_overlaps(void)
{
        static const struct {
                const char *a, *b;
                bool overlap;
        } cases[] = {
                        {"80:80", "80:8080", true},
                        {"80:80", "80:80/udp", false},
                        {"80:80", "81:80", false},
                        {"80-90:80-90", "90:1", true},
                        {"80-90:80-90", "91-95:1-5", false},
                        {"80:80", "192.0.2.1:80:80", true},
                        {"192.0.2.1:80:80", "192.0.2.1:80:81", true},
                        {"192.0.2.1:80:80", "192.0.2.2:80:80", false},
                        {"192.0.2.1:80:80", "[2001:db8::1]:80:80", false},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                PublishedPort a = port_of(cases[i].a), b = port_of(cases[i].b);

                g_assert_cmpint(published_port_overlaps(&a, &b), ==, cases[i].overlap);
                g_assert_cmpint(published_port_overlaps(&b, &a), ==, cases[i].overlap);
        }
}

static void test_lists(void)
{
        g_autoptr(GArray) none = published_ports_split(NULL),
                          two = published_ports_split("80:80\n53:53/udp"),
                          other = published_ports_split("81:80\n53:5353/udp");
        const PublishedPort *port;

        g_assert_cmpuint(none->len, ==, 0);
        g_assert_cmpuint(two->len, ==, 2);
        g_assert_null(published_ports_find_overlap(two, none));
        port = published_ports_find_overlap(two, other);
        g_assert_nonnull(port);
        g_assert_cmpint(port->protocol, ==, PORT_UDP);
}

static void test_ranges(void)
{
        static const struct {
                const char *port, *ranges;
                bool within;
        } cases[] = {
                        {"80:80", "80", true},
                        {"80:80", "1024-65535", false},
                        {"80:80", "", false},
                        {"1024-1030:1-7", "1024-65535", true},
                        {"1023-1030:1-8", "1024-65535", false},
                        {"10-30:10-30", "21-30 10-20", true},
                        {"10-30:10-30", "10-20 22-30", false},
                        {"65535:1", "65535", true},
        };
        uint16_t first, last;

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(GStrv) ranges = g_strsplit(cases[i].ranges, " ", -1);
                PublishedPort port = port_of(cases[i].port);

                g_assert_cmpint(published_port_is_within(&port, ranges), ==, cases[i].within);
        }
        g_assert_cmpint(port_range_parse("80-", &first, &last), <, 0);
        g_assert_cmpint(port_range_parse("", &first, &last), <, 0);
        g_assert_cmpint(port_range_parse("80", &first, &last), ==, 0);
        g_assert_cmpuint(last, ==, 80);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/published-port/has-one-spelling", test_spelling);
        g_test_add_func("/published-port/refuses", test_refusals);
        g_test_add_func("/published-port/overlaps", test_overlaps);
        g_test_add_func("/published-port/lists", test_lists);
        g_test_add_func("/published-port/is-within-ranges", test_ranges);
        return g_test_run();
}
