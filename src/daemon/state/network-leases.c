/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Matches DHCP leases to the devices of unikernels by MAC addresses. */

#include "daemon/state/network-leases.h"

#include <string.h>

#include "common/containers.h"
#include "daemon/core/libvirt-helper.h"
#include "daemon/state/network.h"
#include "daemon/state/unikernel.h"
#include "unikernel/identity.h"
#include "unikernel/lease.h"

/* A guest can get several by sending several client identifiers. */
#define LEASES_OF_DEVICE_MAX 8

static void dhcp_device_free(gpointer data)
{
        DhcpDevice *device = data;

        g_free(device->unikernel);
        g_free(device->name);
        g_free(device);
}

GHashTable *dhcp_devices_new(void)
{
        return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, dhcp_device_free);
}

void dhcp_devices_add(GHashTable *devices, const char *mac, const char *unikernel, const char *name)
{
        DhcpDevice *device;

        if (g_hash_table_contains(devices, mac))
                return;

        device = g_new(DhcpDevice, 1);
        *device = (DhcpDevice){.unikernel = g_strdup(unikernel), .name = g_strdup(name)};
        g_hash_table_insert(devices, g_strdup(mac), device);
}

GHashTable *dhcp_devices_find(Manager *manager, const char *network, const char *bridge)
{
        g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(manager->unikernels), compare_texts);
        GHashTable *devices = dhcp_devices_new();

        for (GList *name = names; name; name = name->next) {
                const Definition *definition = unikernel_effective(unikernel_get(manager, name->data));

                for (guint i = 0; definition && i < definition->devices->len; i++) {
                        const DefinitionDevice *device = definition->devices->pdata[i];
                        char mac[18] = "";

                        if (!network_device_is_on(manager, network, bridge, device) ||
                                        (!device->mac && identity_mac(name->data, device->name, mac) < 0))
                                continue;
                        dhcp_devices_add(devices, device->mac ?: mac, name->data, device->name);
                }
        }

        return devices;
}

/* Names have no spaces. */
static char *allocation_key(const char *unikernel, const char *device, int family)
{
        return g_strdup_printf("%s %s %d", unikernel, device, family);
}

static GHashTable *find_allocations(const GPtrArray *leases)
{
        GHashTable *found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        for (guint i = 0; leases && i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];

                if (lease->unikernel && lease->device)
                        g_hash_table_add(found, allocation_key(lease->unikernel, lease->device,
                                                                lease->address.family));
        }

        return found;
}

/* Parses "MAC ADDRESS/PREFIX"; returns NULL if the device is not ours. */
static DeviceLease *device_lease_parse(const char *text, GHashTable *devices, GHashTable *allocations)
{
        g_auto(GStrv) words = g_strsplit(text, " ", 2);
        g_autofree char *key = NULL;
        const DhcpDevice *device;
        DeviceLease *lease;
        Address address;

        if (g_strv_length(words) != 2 || address_parse(words[1], &address, NULL) < 0)
                return NULL;
        device = g_hash_table_lookup(devices, words[0]);
        if (!device)
                return NULL;
        key = allocation_key(device->unikernel, device->name, address.family);
        if (g_hash_table_contains(allocations, key))
                return NULL;

        lease = g_new(DeviceLease, 1);
        *lease = (DeviceLease){.device = device, .address = address};
        return lease;
}

static gint device_lease_compare(gconstpointer a, gconstpointer b)
{
        const DhcpDevice *one = (*(DeviceLease *const *) a)->device;
        const DhcpDevice *other = (*(DeviceLease *const *) b)->device;

        return strcmp(one->unikernel, other->unikernel) ?: strcmp(one->name, other->name);
}

GPtrArray *dhcp_leases_match(const char *output, GHashTable *devices, const GPtrArray *leases)
{
        DomainKey key;
        g_autoptr(GHashTable) allocations = find_allocations(leases);
        g_autoptr(GHashTable) counts = g_hash_table_new(NULL, NULL);
        GPtrArray *found = g_ptr_array_new_with_free_func(g_free);

        for (char *value; domain_next_key(&output, &key, &value);) {
                g_autofree char *owned_value = value;
                DeviceLease *lease;
                guint n;

                if (key != DOMAIN_KEY_LEASE)
                        continue;
                lease = device_lease_parse(value, devices, allocations);
                if (!lease)
                        continue;
                n = GPOINTER_TO_UINT(g_hash_table_lookup(counts, lease->device));
                if (n >= LEASES_OF_DEVICE_MAX) {
                        g_free(lease);
                        continue;
                }
                g_hash_table_insert(counts, (gpointer) lease->device, GUINT_TO_POINTER(n + 1));
                g_ptr_array_add(found, lease);
        }

        g_ptr_array_sort(found, device_lease_compare);
        return found;
}
