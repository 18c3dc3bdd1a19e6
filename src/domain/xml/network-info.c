/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parses the XML of any libvirt network, also one that an administrator made; and tells whether a domain is
 * on one. */

#include <libxml/parser.h>
#include <string.h>

#include "common/names.h"
#include "domain/xml/network-xml.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)

void network_info_free(NetworkInfo *info)
{
        if (!info)
                return;

        g_free(info->name);
        g_free(info->uuid);
        g_free(info->bridge);
        g_free(info->hosts_path);
        if (info->reserved)
                g_array_unref(info->reserved);
        if (info->host_names)
                g_ptr_array_unref(info->host_names);
        if (info->dhcp_names)
                g_ptr_array_unref(info->dhcp_names);
        g_free(info);
}

/* Returns NULL if there is none. Free with g_free(). */
static char *node_get_attribute(const xmlNode *node, const char *name)
{
        xmlChar *value = node ? xmlGetNoNsProp((xmlNode *) node, BAD_CAST name) : NULL;
        char *copy = g_strdup((const char *) value);

        xmlFree(value);
        return copy;
}

static char *node_get_text(const xmlNode *node)
{
        xmlChar *value = node ? xmlNodeGetContent(node) : NULL;
        char *copy = value ? g_strstrip(g_strdup((const char *) value)) : NULL;

        xmlFree(value);
        return copy;
}

/* The first element with that name, beginning with node itself. */
static const xmlNode *node_find_element(const xmlNode *node, const char *name)
{
        for (; node; node = node->next)
                if (node->type == XML_ELEMENT_NODE && xmlStrEqual(node->name, BAD_CAST name))
                        return node;

        return NULL;
}

static const xmlNode *node_find_child(const xmlNode *parent, const char *name)
{
        return parent ? node_find_element(parent->children, name) : NULL;
}

/* "255.255.255.0" → 24; -EINVAL if the ones are not contiguous at the front. */
static int netmask_to_prefix(const char *text, unsigned *ret)
{
        Address mask, whole;

        if (address_parse_ip(text, &mask) < 0 || mask.family != AF_INET)
                return -EINVAL;

        for (unsigned prefix = 0; prefix <= 32; prefix++) {
                whole = (Address){.family = AF_INET, .prefix = prefix};
                memset(whole.bytes, 0xff, 4);
                whole = address_first(&whole);
                if (address_equal(&whole, &mask)) {
                        *ret = prefix;
                        return 0;
                }
        }

        return -EINVAL;
}

/* The prefix that libvirt uses for an <ip> without prefix and netmask (virSocketAddrGetIPPrefix()). */
static unsigned address_default_prefix(const Address *address)
{
        if (address->family == AF_INET6)
                return 64;

        return address->bytes[0] < 128 ? 8 : address->bytes[0] < 192 ? 16 : 24;
}

static int info_parse_ip_address(const xmlNode *ip, Address *ret)
{
        g_autofree char *text = node_get_attribute(ip, "address"),
                        *prefix = node_get_attribute(ip, "prefix");
        g_autofree char *netmask = node_get_attribute(ip, "netmask");
        Address address;
        guint64 value;

        if (address_parse_ip(text, &address) < 0)
                return -EINVAL;

        if (prefix) {
                if (!g_ascii_string_to_unsigned(prefix, 10, 1, address.prefix, &value, NULL))
                        return -EINVAL;
                address.prefix = (unsigned) value;
        } else if (!netmask)
                address.prefix = address_default_prefix(&address);
        else if (netmask_to_prefix(netmask, &address.prefix) < 0)
                return -EINVAL;

        *ret = address;
        return 0;
}

static void subnet_widen_range(Subnet *subnet, const xmlNode *range)
{
        g_autofree char *start = node_get_attribute(range, "start"), *end = node_get_attribute(range, "end");
        Address first, last;

        if (address_parse_ip(start, &first) < 0 || address_parse_ip(end, &last) < 0 ||
                        !address_contains(&subnet->network, &first) ||
                        !address_contains(&subnet->network, &last))
                return;

        first.prefix = last.prefix = subnet->network.prefix;
        if (!address_is_set(&subnet->dynamic_first) ||
                        memcmp(first.bytes, subnet->dynamic_first.bytes, sizeof first.bytes) < 0)
                subnet->dynamic_first = first;
        if (!address_is_set(&subnet->dynamic_last) ||
                        memcmp(last.bytes, subnet->dynamic_last.bytes, sizeof last.bytes) > 0)
                subnet->dynamic_last = last;
}

static void info_add_reserved(NetworkInfo *info, const xmlNode *host)
{
        g_autofree char *ip = node_get_attribute(host, "ip"), *mac = node_get_attribute(host, "mac");
        g_autofree char *name = node_get_attribute(host, "name");
        SeenAddress seen = {.by = SEEN_BY_DHCP};

        if (address_parse_ip(ip, &seen.address) < 0)
                return;
        if (mac) {
                g_autofree char *lower = g_ascii_strdown(mac, -1);

                g_strlcpy(seen.mac, lower, sizeof seen.mac);
        }
        g_array_append_val(info->reserved, seen);
        if (name)
                g_ptr_array_add(info->dhcp_names, g_strdup_printf("%s=%s", name, ip));
}

static void info_parse_ip(NetworkInfo *info, const xmlNode *ip, bool dns, int index)
{
        const xmlNode *dhcp = node_find_child(ip, "dhcp");
        SeenAddress own = {.by = SEEN_BY_HOST};
        Subnet *subnet;

        for (const xmlNode *host = node_find_child(dhcp, "host"); host;
                        host = node_find_element(host->next, "host"))
                info_add_reserved(info, host);

        if (info_parse_ip_address(ip, &own.address) < 0)
                return;
        g_array_append_val(info->reserved, own);

        subnet = own.address.family == AF_INET ? &info->subnet4 : &info->subnet6;
        if (address_is_set(&subnet->network))
                return;

        subnet->network = address_first(&own.address);
        *(own.address.family == AF_INET ? &info->index4 : &info->index6) = index;
        if (info->mode != NETWORK_ISOLATED)
                subnet->gateway = own.address;
        if (dns)
                subnet->dns = own.address;
        for (const xmlNode *range = node_find_child(dhcp, "range"); range;
                        range = node_find_element(range->next, "range"))
                subnet_widen_range(subnet, range);
}

static void info_parse_dns_host(NetworkInfo *info, const xmlNode *host)
{
        g_autofree char *ip = node_get_attribute(host, "ip");

        for (const xmlNode *name = node_find_child(host, "hostname"); ip && name;
                        name = node_find_element(name->next, "hostname")) {
                g_autofree char *text = node_get_text(name);

                g_ptr_array_add(info->host_names, g_strdup_printf("%s=%s", text, ip));
        }
}

/* <port isolated='yes'/> of a network or of an interface. */
static bool port_is_isolated(const xmlNode *parent)
{
        g_autofree char *isolated = node_get_attribute(node_find_child(parent, "port"), "isolated");

        return g_strcmp0(isolated, "yes") == 0;
}

static NetworkMode network_mode_parse(const xmlNode *forward)
{
        g_autofree char *mode = node_get_attribute(forward, "mode");

        if (!forward)
                return NETWORK_ISOLATED;
        if (!mode || g_str_equal(mode, "nat"))
                return NETWORK_NAT;
        if (g_str_equal(mode, "route"))
                return NETWORK_ROUTED;

        return _NETWORK_MODE_INVALID;
}

static void info_parse_metadata(NetworkInfo *info, const xmlNode *metadata)
{
        const xmlNode *element = node_find_child(metadata, "network");
        g_autofree char *name = NULL, *owner = NULL;
        guint64 uid;

        if (!element || !element->ns || !xmlStrEqual(element->ns->href, BAD_CAST SHRUTHI_METADATA_NAMESPACE))
                return;

        name = node_get_attribute(element, "name");
        owner = node_get_attribute(element, "owner");
        if (!owner || !g_ascii_string_to_unsigned(owner, 10, 0, UINT32_MAX - 1, &uid, NULL) ||
                        g_strcmp0(name, info->name) != 0)
                return;

        info->ours = true;
        info->owner = (uid_t) uid;
}

/* For a network of ours; in others the same option is up to the administrator. */
static void info_parse_options(NetworkInfo *info, const xmlNode *options)
{
        if (!info->ours)
                return;

        for (const xmlNode *option = node_find_child(options, "option"); option && !info->hosts_path;
                        option = node_find_element(option->next, "option")) {
                g_autofree char *value = node_get_attribute(option, "value");

                info->hosts_path = value ? network_xml_parse_hosts_option(info->name, value) : NULL;
        }
}

static xmlDoc *xml_read_document(const char *xml)
{
        return xmlReadMemory(xml, (int) MIN(strlen(xml), (size_t) G_MAXINT), NULL, "UTF-8",
                        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}

bool domain_xml_is_on_network(const char *xml, const char *network, const char *bridge)
{
        g_autoptr(xmlDoc) doc = xml_read_document(xml);
        const xmlNode *devices = node_find_child(doc ? xmlDocGetRootElement(doc) : NULL, "devices");

        for (const xmlNode *node = node_find_child(devices, "interface"); node;
                        node = node_find_element(node->next, "interface")) {
                const xmlNode *source = node_find_child(node, "source");
                g_autofree char *by_name = node_get_attribute(source, "network");
                g_autofree char *by_bridge = node_get_attribute(source, "bridge");

                if (g_strcmp0(by_name, network) == 0 || (bridge && g_strcmp0(by_bridge, bridge) == 0))
                        return true;
        }

        return false;
}

static void domain_port_free(gpointer data)
{
        DomainPort *port = data;

        g_free(port->interface);
        g_free(port->mac);
        g_free(port->network);
        g_free(port->bridge);
        g_free(port);
}

static DomainPort *domain_port_parse(const xmlNode *interface)
{
        g_autofree char *mac = node_get_attribute(node_find_child(interface, "mac"), "address");
        const xmlNode *source = node_find_child(interface, "source");
        DomainPort *port = g_new0(DomainPort, 1);

        port->interface = node_get_attribute(node_find_child(interface, "target"), "dev");
        port->mac = mac ? g_ascii_strdown(mac, -1) : NULL;
        port->isolated = port_is_isolated(interface);
        /* Another kind of switch. */
        if (node_find_child(interface, "virtualport"))
                return port;
        port->network = node_get_attribute(source, "network");
        if (!port->network)
                port->bridge = node_get_attribute(source, "bridge");
        return port;
}

GPtrArray *domain_ports_new(void)
{
        return g_ptr_array_new_with_free_func(domain_port_free);
}

GPtrArray *domain_xml_ports(const char *xml)
{
        g_autoptr(xmlDoc) doc = xml_read_document(xml);
        const xmlNode *devices = node_find_child(doc ? xmlDocGetRootElement(doc) : NULL, "devices");
        GPtrArray *ports = domain_ports_new();

        for (const xmlNode *node = node_find_child(devices, "interface"); node;
                        node = node_find_element(node->next, "interface"))
                g_ptr_array_add(ports, domain_port_parse(node));
        return ports;
}

int network_xml_parse(const char *xml, NetworkInfo **ret_info, Error *ret_error)
{
        g_autoptr(NetworkInfo) info = g_new0(NetworkInfo, 1);
        g_autoptr(xmlDoc) doc = NULL;
        g_autofree char *dns_enabled = NULL;
        const xmlNode *root, *dns;
        int index = 0;

        doc = xml_read_document(xml);
        root = doc ? xmlDocGetRootElement(doc) : NULL;
        info->name = root && xmlStrEqual(root->name, BAD_CAST "network")
                                     ? node_get_text(node_find_child(root, "name"))
                                     : NULL;
        if (!info->name || !info->name[0]) {
                (void) error_set(ret_error, ERROR_FAILED, "Not the XML of a libvirt network");
                return -EBADMSG;
        }

        info->reserved = g_array_new(FALSE, TRUE, sizeof(SeenAddress));
        info->host_names = g_ptr_array_new_with_free_func(g_free);
        info->dhcp_names = g_ptr_array_new_with_free_func(g_free);
        info->uuid = node_get_text(node_find_child(root, "uuid"));
        info->bridge = node_get_attribute(node_find_child(root, "bridge"), "name");
        info->mode = network_mode_parse(node_find_child(root, "forward"));
        info->isolated = port_is_isolated(root);
        info_parse_metadata(info, node_find_child(root, "metadata"));
        info_parse_options(info, node_find_child(root, "options"));

        dns = node_find_child(root, "dns");
        dns_enabled = node_get_attribute(dns, "enable");
        for (const xmlNode *ip = node_find_child(root, "ip"); ip; ip = node_find_element(ip->next, "ip"))
                info_parse_ip(info, ip, g_strcmp0(dns_enabled, "no") != 0, index++);
        for (const xmlNode *host = node_find_child(dns, "host"); host;
                        host = node_find_element(host->next, "host"))
                info_parse_dns_host(info, host);

        *ret_info = g_steal_pointer(&info);
        return 0;
}
