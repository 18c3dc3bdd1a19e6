/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a guest is told to be is an address or left out, and is said to get through only where it does. */

#include <string.h>

#include "unikernel/lease.h"
#include "unikernel/typed-addresses.h"

static Definition *definition_of(const char *arguments, const char *network)
{
        g_autofree char *text = g_strdup_printf("[Unikernel]\nImage=sha256:%064d\nOwner=1000\nArguments=%s\n%s", 1,
                        arguments, network);
        _cleanup_error_ Error error = ERROR_INIT;
        Definition *definition = NULL;

        g_assert_cmpint(definition_parse("web", "web.unikernel", text, strlen(text), &definition, &error), ==, 0);
        definition->origin = DEFINITION_ORIGIN_STATE;
        return definition;
}

/* "+ADDRESS" gets through, "-ADDRESS" does not. */
static char *judge(const char *arguments, const char *network, const GPtrArray *leases, bool strict)
{
        g_autoptr(Definition) definition = definition_of(arguments, network);
        g_autoptr(GArray) all = typed_addresses_read(definition, leases, strict);
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < all->len; i++) {
                const TypedAddress *typed = &g_array_index(all, TypedAddress, i);
                char ip[ADDRESS_TEXT_MAX];

                address_format(&typed->address, ip);
                g_string_append_printf(text, "%s%s%s", i > 0 ? " " : "", typed->blocked ? "-" : "+", ip);
        }
        return g_string_free(text, FALSE);
}

static void test_judged(void)
{
        static const struct {
                const char *arguments, *network;
                bool strict;
                const char *expected;
        } cases[] = {
                        {"--ipv4=10.0.0.2/24", "[Network service]\n", true, "-10.0.0.2/24"},
                        {"--ipv4=10.0.0.2/24", "[Network service]\n", false, "+10.0.0.2/24"},
                        {"--ipv4=10.0.0.2/24", "[Network service]\nAddress=10.0.0.2/24\n", true, "+10.0.0.2/24"},
                        {"--ipv4=10.0.0.2/24", "[Network service]\nAddress=10.0.0.3/24\n", true, "-10.0.0.2/24"},
                        {"--ipv4=10.0.0.2/24", "[Network service]\nAddress=10.0.0.3/24\n", false, "-10.0.0.2/24"},
                        {"--ipv6=fd00::2/64", "[Network service]\nAddress=10.0.0.3/24\n", true, "-fd00::2/64"},
                        {"--ipv6=fd00::2/64", "[Network service]\nAddress=10.0.0.3/24\n", false, "+fd00::2/64"},
                        {"--ipv4=10.0.0.2/24", "[Network service]\nIsolation=no\n", true, "+10.0.0.2/24"},
                        {"--ipv4=10.0.0.2/24",
                                        "[Network a]\nAddress=10.0.0.3/24\n[Network b]\nAddress=10.0.0.2/24\n", true,
                                        "+10.0.0.2/24"},
                        {"--ipv4=10.0.0.2/24", "", true, "+10.0.0.2/24"},
                        {"--ipv4=999.1.1.1 --ipv4=999.1.1.1/24 --ipv4= --ipv4={service.address} --ipv4-gateway=10.0.0.1 x",
                                        "[Network service]\nAddress=auto\n", true, ""},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *found = judge(cases[i].arguments, cases[i].network, NULL, cases[i].strict);

                g_test_message("%s %s", cases[i].arguments, cases[i].network);
                g_assert_cmpstr(found, ==, cases[i].expected);
        }
}

static void test_leases(void)
{
        Lease lease = {.device = (char *) "service"};
        g_autoptr(GPtrArray) leases = g_ptr_array_new();
        g_autofree char *same = NULL, *other = NULL;

        g_assert_cmpint(address_parse("10.0.0.2/24", &lease.address, NULL), ==, 0);
        g_ptr_array_add(leases, &lease);
        same = judge("--ipv4=10.0.0.2/24", "[Network service]\nAddress=auto\n", leases, true);
        other = judge("--ipv4=10.0.0.9/24", "[Network service]\nAddress=auto\n", leases, false);
        g_assert_cmpstr(same, ==, "+10.0.0.2/24");
        g_assert_cmpstr(other, ==, "-10.0.0.9/24");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/unikernel/typed-addresses/judged", test_judged);
        g_test_add_func("/unikernel/typed-addresses/by-lease", test_leases);
        return g_test_run();
}
