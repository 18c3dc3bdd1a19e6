/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever a filter lets out has the guest's own MAC address; and where it knows its IP address, that too.
 */

#include <glib.h>
#include <string.h>

#include "domain/xml/filter.h"

static const char *const kinds[] = {"none", "any", "held"};

static char **rules(FilterFamily ipv4, FilterFamily ipv6)
{
        g_autofree char *xml = filter_format(ipv4, ipv6);

        /* The first piece is what stands before the first rule. */
        return g_strsplit(xml, "<rule ", -1);
}

static unsigned count(char **pieces, const char *a, const char *b)
{
        unsigned n = 0;

        for (char **piece = pieces + 1; *piece; piece++)
                n += strstr(*piece, a) && strstr(*piece, b);
        return n;
}

static void test_names(void)
{
        for (FilterFamily v4 = 0; v4 < _FILTER_FAMILY_MAX; v4++)
                for (FilterFamily v6 = 0; v6 < _FILTER_FAMILY_MAX; v6++) {
                        g_autofree char *end = g_strconcat("-", kinds[v4], "-", kinds[v6], NULL);
                        g_autofree char *xml = filter_format(v4, v6);
                        g_autofree char *begin =
                                        g_strconcat("<filter name='", filter_name(v4, v6), "'><rule ", NULL);

                        g_assert_true(g_str_has_prefix(filter_name(v4, v6), "shruthi-"));
                        g_assert_true(g_str_has_suffix(filter_name(v4, v6), end));
                        g_assert_true(g_str_has_prefix(xml, begin));
                }
}

static void test_own_mac_always(void)
{
        for (FilterFamily v4 = 0; v4 < _FILTER_FAMILY_MAX; v4++)
                for (FilterFamily v6 = 0; v6 < _FILTER_FAMILY_MAX; v6++) {
                        g_auto(GStrv) pieces = rules(v4, v6);
                        unsigned n = g_strv_length(pieces) - 1;

                        g_assert_cmpuint(count(pieces, "'accept'", ""), ==,
                                        count(pieces, "'accept'", " srcmacaddr='$MAC'"));
                        g_assert_cmpuint(count(pieces, "<arp ", ""), ==,
                                        count(pieces, "<arp ", " arpsrcmacaddr='$MAC'"));
                        g_assert_cmpuint(count(pieces, "direction='out'", ""), ==, n);
                        g_assert_cmpstr(pieces[n], ==,
                                        "action='drop' direction='out' priority='1000'/></filter>");
                        /* Each is a program that libvirt runs at every start. */
                        g_assert_cmpuint(n, <=, 10);
                }
}

static void test_what_is_let_out(void)
{
        g_auto(GStrv) nothing = rules(FILTER_NOTHING, FILTER_NOTHING);
        g_auto(GStrv) any = rules(FILTER_ANY, FILTER_ANY);
        g_auto(GStrv) own = rules(FILTER_OWN, FILTER_OWN);
        g_auto(GStrv) ipv4 = rules(FILTER_OWN, FILTER_NOTHING);
        g_auto(GStrv) ipv6 = rules(FILTER_NOTHING, FILTER_OWN);

        g_assert_cmpuint(count(nothing, "'accept'", ""), ==, 0);

        g_assert_cmpuint(count(any, "$IP", ""), ==, 0);
        g_assert_cmpuint(count(any, "'accept'", "'ipv4'"), ==, 1);
        g_assert_cmpuint(count(any, "'accept'", "<arp "), ==, 1);
        g_assert_cmpuint(count(any, "'accept'", "'ipv6'"), ==, 1);

        /* All but an asker by DHCP, and one who looks whether an IPv6 address is free. */
        g_assert_cmpuint(count(own, "'accept'", "ipaddr="), ==, count(own, "'accept'", ""));
        g_assert_cmpuint(count(own, "'accept'", "'$IP'"), ==, 2);
        g_assert_cmpuint(count(own, "'accept'", "'$IPV6'"), ==, 1);
        g_assert_cmpuint(count(own, "'accept'", "'0.0.0.0' protocol='udp'"), ==, 1);
        g_assert_cmpuint(count(own, "'accept'", "'$LINK_LOCAL'"), ==, 1);
        g_assert_cmpuint(count(own, "'accept'", "'::'"), ==, 1);

        g_assert_cmpuint(count(ipv4, "ipv6", ""), ==, 0);
        g_assert_cmpuint(count(ipv6, "<ip ", ""), ==, 0);
        g_assert_cmpuint(count(ipv6, "<arp ", ""), ==, 0);
}

/* Dropped before anything of the family is let out. */
static void assert_no(char **pieces, const char *what, const char *family)
{
        for (char **piece = pieces + 1; *piece; piece++) {
                if (strstr(*piece, what)) {
                        g_assert_nonnull(strstr(*piece, "action='drop'"));
                        return;
                }
                g_assert_false(strstr(*piece, family) && strstr(*piece, "'accept'"));
        }
        g_assert_not_reached();
}

static void test_no_server(void)
{
        for (FilterFamily family = FILTER_ANY; family <= FILTER_OWN; family++) {
                g_auto(GStrv) ipv4 = rules(family, FILTER_NOTHING), ipv6 = rules(FILTER_ANY, family);

                assert_no(ipv4, "'udp' srcportstart='67'", "ip");
                assert_no(ipv6, "'udp' srcportstart='547'", "ipv6");
                assert_no(ipv6, "type='134'", "ipv6");
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/domain/filter/one-name-for-each", test_names);
        g_test_add_func("/domain/filter/own-mac-address-always", test_own_mac_always);
        g_test_add_func("/domain/filter/what-is-let-out", test_what_is_let_out);
        g_test_add_func("/domain/filter/no-guest-is-a-router-or-gives-addresses", test_no_server);
        return g_test_run();
}
