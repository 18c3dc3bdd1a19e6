/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi.conf's [Bridge NAME]: the subnets of bridges that libvirt does not manage, stated once. */

#include <string.h>

#include "common/conf-private.h"
#include "common/string-util.h"

/* In the order of the enumeration, IPv4 first. */
enum {
        KEY_SUBNET,
        KEY_GATEWAY,
        KEY_DNS,
        N_KEYS,
};

static const char *const bridge_keys[] = {
                "Subnet",
                "Gateway",
                "DNS",
                "IPv6Subnet",
                "IPv6Gateway",
                "IPv6DNS",
                NULL,
};

const char *const *conf_bridge_keys(void)
{
        return bridge_keys;
}

void conf_bridge_free(ConfBridge *bridge)
{
        if (!bridge)
                return;

        g_free(bridge->name);
        g_free(bridge);
}

const ConfBridge *conf_find_bridge(const Conf *conf, const char *name)
{
        for (guint i = 0; i < conf->bridges->len; i++) {
                const ConfBridge *bridge = conf->bridges->pdata[i];

                if (g_str_equal(bridge->name, name))
                        return bridge;
        }

        return NULL;
}

/* A DNS server may be anywhere, but a gateway must be where its guests reach it. */
static int parse_server(const KeyFileEntry *entry, const Subnet *subnet, bool within, Address *ret_address,
                Error *ret_error)
{
        char network[ADDRESS_TEXT_MAX];
        Address address;

        if (address_parse_ip(entry->value, &address) < 0 || address.family != subnet->network.family ||
                        !address_is_unicast(&address))
                return key_file_refuse(entry, ret_error, "not an address of a host, such as %s",
                                subnet->network.family == AF_INET ? "10.0.0.1" : "fd00::1");
        address_format(&subnet->network, network);
        if (within && !address_contains(&subnet->network, &address))
                return key_file_refuse(entry, ret_error, "not in network %s", network);

        *ret_address = address;
        return 0;
}

static const KeyFileEntry *find_set(const KeyFileSection *section, const char *key)
{
        const KeyFileEntry *entry = key_file_find_entry(section, key);

        return entry && entry->value[0] ? entry : NULL;
}

/* The keys of one family; all may be absent. */
static int parse_family(const KeyFileSection *section, const char *const *keys, int family, Subnet *subnet,
                Error *ret_error)
{
        const KeyFileEntry *network = find_set(section, keys[KEY_SUBNET]),
                           *gateway = find_set(section, keys[KEY_GATEWAY]),
                           *dns = find_set(section, keys[KEY_DNS]);
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        if (!network && (gateway || dns))
                return key_file_refuse(gateway ?: dns, ret_error, "%s= is missing; set it too, such as %s",
                                keys[KEY_SUBNET], family == AF_INET ? "10.0.0.0/24" : "fd00:1::/64");
        if (!network)
                return 0;

        r = subnet_parse(network->value, subnet, &error);
        if (r < 0)
                return key_file_refuse(network, ret_error, "%s", error_message(&error, r));
        if (subnet->network.family != family)
                return key_file_refuse(network, ret_error, "not an %s network, such as %s",
                                family == AF_INET ? "IPv4" : "IPv6",
                                family == AF_INET ? "10.0.0.0/24" : "fd00:1::/64");

        r = gateway ? parse_server(gateway, subnet, true, &subnet->gateway, ret_error) : 0;
        if (r >= 0 && dns)
                r = parse_server(dns, subnet, false, &subnet->dns, ret_error);
        return r;
}

int conf_parse_bridge(Conf *conf, const KeyFileSection *section, Error *ret_error)
{
        ConfBridge *bridge;
        int r;

        if (!section->name || !conf_bridge_name_is_valid(section->name)) {
                g_autofree char *shown = text_for_display(section->name ?: "", 60);

                return key_file_error(section->path, section->line, ret_error,
                                "section [" CONF_BRIDGE_SECTION "%s%s] needs the name of a bridge, "
                                "such as [" CONF_BRIDGE_SECTION " br0]",
                                shown[0] ? " " : "", shown);
        }
        for (guint i = 0; i < section->entries->len; i++) {
                const KeyFileEntry *entry = section->entries->pdata[i];

                if (!g_strv_contains(bridge_keys, entry->key))
                        return key_file_refuse_key(section, entry, bridge_keys, ret_error);
        }

        bridge = g_new0(ConfBridge, 1);
        bridge->name = g_strdup(section->name);
        g_ptr_array_add(conf->bridges, bridge);
        r = parse_family(section, bridge_keys, AF_INET, &bridge->subnet4, ret_error);
        if (r >= 0)
                r = parse_family(section, bridge_keys + N_KEYS, AF_INET6, &bridge->subnet6, ret_error);
        return r;
}
