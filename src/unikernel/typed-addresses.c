/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which addresses a guest is told to use, and which it may use. */

#include "unikernel/typed-addresses.h"

#include <string.h>

#include "unikernel/lease.h"

bool definition_is_strict(const Definition *definition, bool strict_addresses)
{
        return strict_addresses && definition->owner != 0 && definition->origin == DEFINITION_ORIGIN_STATE;
}

/* The address of that family; NULL if none. */
static const Address *find_given(const GPtrArray *leases, const DefinitionDevice *device, int family)
{
        for (guint i = 0; leases && i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];

                if (lease->address.family == family && g_strcmp0(lease->device, device->name) == 0)
                        return &lease->address;
        }
        if (family == AF_INET && device->setting.mode4 == ADDRESS_MODE_FIXED)
                return &device->setting.fixed4;
        if (family == AF_INET6 && device->setting.mode6 == ADDRESS_MODE_FIXED)
                return &device->setting.fixed6;

        return NULL;
}

/* The same rules as in domain/network/isolation.c. */
static bool passes(const GPtrArray *leases, const DefinitionDevice *device, bool strict,
                const Address *address)
{
        const Address *given = find_given(leases, device, address->family);

        if (device->open)
                return true;
        if (given)
                return address_equal(given, address);
        /* In IPv6 a guest also has a link-local address, which nobody types into arguments. */
        return !strict;
}

static bool is_blocked(const Definition *definition, const GPtrArray *leases, bool strict,
                const Address *address)
{
        bool any = false;

        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];

                if (device->kind != DEVICE_NETWORK)
                        continue;
                if (passes(leases, device, strict, address))
                        return false;
                any = true;
        }

        return any;
}

GArray *typed_addresses_read(const Definition *definition, const GPtrArray *leases, bool strict)
{
        static const char *const keys[] = {"--ipv4=", "--ipv6="};
        g_auto(GStrv) words = g_strsplit(definition->arguments, " ", -1);
        GArray *all = g_array_new(FALSE, TRUE, sizeof(TypedAddress));

        for (char **word = words; *word; word++)
                for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
                        TypedAddress typed = {};

                        if (!g_str_has_prefix(*word, keys[i]) ||
                                        address_parse(*word + strlen(keys[i]), &typed.address, NULL) < 0)
                                continue;
                        typed.blocked = is_blocked(definition, leases, strict, &typed.address);
                        g_array_append_val(all, typed);
                }
        return all;
}
