/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The XML of a new libvirt network of ours; its guests are entered at each start. Every value in it is
 * checked or made here and in network-xml.c, so that only the bridge's name needs escaping. */

#include "domain/xml/network-create.h"

#include <net/if.h>
#include <string.h>

#include "common/names.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"

#define DNSMASQ_NAMESPACE "http://libvirt.org/schemas/network/dnsmasq/1.0"

/* IPv4: addresses for the host and one guest. IPv6: dnsmasq gives no addresses in a network larger than a
 * /64. */
static int settings_check_subnet(const Subnet *subnet, int family, Error *ret_error)
{
        unsigned least = family == AF_INET ? 8 : 64, most = family == AF_INET ? 30 : 120;
        char text[ADDRESS_TEXT_MAX];

        address_format(&subnet->network, text);
        if (subnet->network.family != family)
                return error_set(ret_error, ERROR_INVALID_ARGS, "'%s' is not an %s network", text,
                                family == AF_INET ? "IPv4" : "IPv6");
        if (subnet->network.prefix < least || subnet->network.prefix > most)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "%s is too %s for a network of guests; use a prefix length from %u to %u",
                                text, subnet->network.prefix < least ? "large" : "small", least, most);
        if (!address_is_set(&subnet->gateway))
                return error_set(ret_error, ERROR_INVALID_ARGS, "%s has no address for this host", text);

        return 0;
}

static int settings_check(const NetworkSettings *settings, Error *ret_error)
{
        g_autofree char *shown = text_for_display(settings->name, 63);
        int r;

        if (!name_is_valid(settings->name))
                return error_set(ret_error, ERROR_INVALID_NAME,
                                "'%s' is not a valid network name: use 1 to 63 of a-z, 0-9 and '-', "
                                "beginning and ending with a letter or digit",
                                shown);
        if (settings->bridge && (!settings->bridge[0] || strlen(settings->bridge) >= IFNAMSIZ))
                return error_set(ret_error, ERROR_INVALID_ARGS, "A bridge name has 1 to %d characters",
                                IFNAMSIZ - 1);
        if (!settings->subnet4 && !settings->subnet6)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "network '%s' has no subnet: specify one, such as 10.0.0.0/24", shown);

        r = settings->subnet4 ? settings_check_subnet(settings->subnet4, AF_INET, ret_error) : 0;
        if (r >= 0 && settings->subnet6)
                r = settings_check_subnet(settings->subnet6, AF_INET6, ret_error);

        return r;
}

static void network_xml_append_subnet(GString *xml, const Subnet *subnet)
{
        bool v6 = subnet->network.family == AF_INET6;
        char ip[ADDRESS_TEXT_MAX], first[ADDRESS_TEXT_MAX], last[ADDRESS_TEXT_MAX];

        address_format_ip(&subnet->gateway, ip);
        network_xml_append(xml, "  <ip family='%s' address='%s' prefix='%u'>\n", v6 ? "ipv6" : "ipv4", ip,
                        subnet->network.prefix);
        if (address_is_set(&subnet->dynamic_first)) {
                address_format_ip(&subnet->dynamic_first, first);
                address_format_ip(&subnet->dynamic_last, last);
                network_xml_append(xml, "    <dhcp>\n      <range start='%s' end='%s'/>\n    </dhcp>\n",
                                first, last);
        }
        g_string_append(xml, "  </ip>\n");
}

static void network_xml_append_dns(GString *xml, const NetworkSettings *settings)
{
        const Subnet *subnets[] = {settings->subnet4, settings->subnet6};

        g_string_append(xml, "  <dns>\n");
        for (size_t i = 0; i < G_N_ELEMENTS(subnets); i++) {
                g_autofree char *host = NULL;

                if (!subnets[i])
                        continue;
                host = network_xml_format_own_host(
                                &subnets[i]->gateway, settings->mode, settings->host_name);
                g_string_append_printf(xml, "    %s\n", host);
        }
        g_string_append(xml, "  </dns>\n");
}

/* dnsmasq must not serve the host's /etc/hosts: it would reveal to guests what the host knows, and give
 * 127.0.0.1 for the host itself. Clients are identified by their hardware addresses, which guests cannot
 * change, not by the identifiers that they choose (RFC 2132, 9.14), with which one guest could get any
 * number of addresses. */
static void network_xml_append_options(GString *xml, const char *hosts_path)
{
        g_auto(GStrv) options = network_xml_hosts_options(hosts_path);

        g_string_append(xml, "  <dnsmasq:options>\n    <dnsmasq:option value='no-hosts'/>\n"
                             "    <dnsmasq:option value='dhcp-ignore-clid'/>\n");
        for (char **option = options; *option; option++)
                network_xml_append(xml, "    <dnsmasq:option value='%s'/>\n", *option);
        g_string_append(xml, "  </dnsmasq:options>\n");
}

int network_create_format(const NetworkSettings *settings, char **ret_xml, Error *ret_error)
{
        GString *xml;
        int r;

        r = settings_check(settings, ret_error);
        if (r < 0)
                return r;

        xml = g_string_new(NULL);
        network_xml_append(xml, "<network xmlns:dnsmasq='%s'>\n  <name>%s</name>\n", DNSMASQ_NAMESPACE,
                        settings->name);
        if (settings->uuid)
                network_xml_append(xml, "  <uuid>%s</uuid>\n", settings->uuid);
        /* The metadata distinguishes our networks from foreign ones with the same name. libvirt keeps it,
         * although it has calls for it only since 9.7. */
        network_xml_append(xml,
                        "  <metadata>\n    <%s:network xmlns:%s='%s' name='%s' owner='%u'/>\n  "
                        "</metadata>\n",
                        SHRUTHI_METADATA_PREFIX, SHRUTHI_METADATA_PREFIX, SHRUTHI_METADATA_NAMESPACE,
                        settings->name, settings->owner);
        if (settings->mode == NETWORK_ROUTED)
                g_string_append(xml, "  <forward mode='route'/>\n");
        else if (settings->mode == NETWORK_NAT && settings->subnet6)
                g_string_append(xml, "  <forward mode='nat'>\n    <nat ipv6='yes'/>\n  </forward>\n");
        else if (settings->mode == NETWORK_NAT)
                g_string_append(xml, "  <forward mode='nat'/>\n");

        /* With the spanning tree protocol a port forwards nothing in its first seconds, but a guest boots
         * faster. */
        if (settings->bridge)
                network_xml_append(xml, "  <bridge name='%s' stp='off' delay='0'/>\n", settings->bridge);
        else
                g_string_append(xml, "  <bridge stp='off' delay='0'/>\n");

        if (settings->emulated)
                g_string_append(xml, "  <port isolated='yes'/>\n");
        network_xml_append_dns(xml, settings);
        if (settings->subnet4)
                network_xml_append_subnet(xml, settings->subnet4);
        if (settings->subnet6)
                network_xml_append_subnet(xml, settings->subnet6);
        network_xml_append_options(xml, settings->hosts_path);
        g_string_append(xml, "</network>\n");

        *ret_xml = g_string_free(xml, FALSE);
        return 0;
}
