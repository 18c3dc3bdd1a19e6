/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The same name on the same host is the same machine for ever; anything else is another. */

#include <glib.h>
#include <string.h>

#include "unikernel/identity.h"

static const UnikernelId host = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
static const UnikernelId other_host = {{16}};

static void uuid_of(const char *name, char ret[static 37])
{
        UnikernelId id;

        g_assert_cmpint(identity_uuid(name, &id), ==, 0);
        identity_uuid_format(&id, ret);
}

/* These values are what domains are recognised by and what DHCP leases are tied to: they may never change.
 */
static void test_values_stay(void)
{
        char uuid[37], mac[18];

        identity_set_host(&host);
        uuid_of("msgrouter", uuid);
        g_assert_cmpstr(uuid, ==, "f2e3f840-af89-4878-b291-cf25ccde377d");
        g_assert_cmpint(identity_mac("msgrouter", "service", mac), ==, 0);
        g_assert_cmpstr(mac, ==, "32:08:47:4b:69:1d");
}

static void test_all_else_differs(void)
{
        char a[37], b[37], c[37], d[18], e[18], f[18], g[18];

        identity_set_host(&host);
        uuid_of("a", a);
        uuid_of("b", b);
        g_assert_cmpint(identity_mac("a", "service", d), ==, 0);
        g_assert_cmpint(identity_mac("a", "service2", e), ==, 0);
        g_assert_cmpint(identity_mac("as", "ervice", f), ==, 0);
        identity_set_host(&other_host);
        uuid_of("a", c);
        g_assert_cmpint(identity_mac("a", "service", g), ==, 0);

        g_assert_cmpstr(a, !=, b);
        g_assert_cmpstr(a, !=, c);
        g_assert_cmpstr(d, !=, e);
        g_assert_cmpstr(d, !=, f);
        g_assert_cmpstr(d, !=, g);
}

static void test_forms(void)
{
        identity_set_host(&host);
        for (int i = 0; i < 1000; i++) {
                g_autofree char *name = g_strdup_printf("n%d", i);
                char uuid[37], mac[18];

                uuid_of(name, uuid);
                g_assert_cmpuint(strlen(uuid), ==, 36);
                g_assert_true(g_uuid_string_is_valid(uuid));
                g_assert_cmpint(uuid[14], ==, '4');
                g_assert_nonnull(strchr("89ab", uuid[19]));
                g_assert_cmpint(identity_mac(name, "service", mac), ==, 0);
                g_assert_cmpuint(strlen(mac), ==, 17);
                g_assert_cmpint(mac[1], ==, '2');
        }
}

/* Without an override the machine's own id counts, and its absence is an error, not a value. */
static void test_machine(void)
{
        UnikernelId id = {{0}}, again = {{0}};
        int r;

        identity_set_host(NULL);
        r = identity_uuid("a", &id);
        g_assert_cmpint(identity_uuid("a", &again), ==, r);
        g_assert_cmpmem(id.bytes, sizeof id.bytes, again.bytes, sizeof again.bytes);
        g_assert_cmpint(r < 0, ==, id.bytes[8] == 0);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/unikernel/identity/values-stay", test_values_stay);
        g_test_add_func("/unikernel/identity/all-else-differs", test_all_else_differs);
        g_test_add_func("/unikernel/identity/forms", test_forms);
        g_test_add_func("/unikernel/identity/machine", test_machine);
        return g_test_run();
}
