/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Networks of libvirt and bridges of others, alike to those who give out addresses. */

#include "domain/segment.h"

#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "domain/neighbours-client.h"
#include "domain/protocol.h"
#include "domain/virt.h"
#include "unikernel/lease.h"

Segment *segment_free(Segment *segment)
{
        if (!segment)
                return NULL;

        if (segment->network)
                (void) virNetworkFree(segment->network);
        network_info_free(segment->info);
        g_free(segment->key);
        g_free(segment->bridge);
        g_free(segment);
        return NULL;
}

int segment_read_info(
                virConnectPtr connection, virNetworkPtr network, NetworkInfo **ret_info, Error *ret_error)
{
        const char *name = virNetworkGetName(network); /* now: it clears the last error */
        char *xml = virNetworkGetXMLDesc(network, 0);
        int r;

        if (!xml)
                return virt_error_set(ret_error, connection, ERROR_FAILED,
                                "Cannot read libvirt's network '%s'", name);

        r = network_xml_parse(xml, ret_info, ret_error);
        free(xml);
        return r;
}

/* A network that goes while the list is being read is none. */
static int find_owner(
                virConnectPtr connection, const char *bridge, virNetworkPtr *ret_network, Error *ret_error)
{
        virNetworkPtr *networks = NULL;
        int n = virConnectListAllNetworks(connection, &networks, 0);

        if (n < 0)
                return virt_error_set(ret_error, connection, ERROR_FAILED, "Cannot list libvirt's networks");

        *ret_network = NULL;
        for (int i = 0; i < n; i++) {
                char *name = virNetworkGetBridgeName(networks[i]);

                if (!*ret_network && name && strcmp(name, bridge) == 0)
                        *ret_network = networks[i];
                else
                        (void) virNetworkFree(networks[i]);
                free(name);
        }
        free(networks);

        return 0;
}

static int find_network(virConnectPtr connection, const char *network, const char *bridge,
                virNetworkPtr *ret_network, Error *ret_error)
{
        if (!network)
                return find_owner(connection, bridge, ret_network, ret_error);

        *ret_network = virNetworkLookupByName(connection, network);
        if (*ret_network)
                return 0;

        return virt_error_set(ret_error, connection, ERROR_NO_SUCH_NETWORK,
                        "libvirt's network '%s' is not there on this host", network);
}

int segment_find(virConnectPtr connection, const Conf *conf, const char *network, const char *bridge,
                Segment **ret_segment, Error *ret_error)
{
        g_autoptr(Segment) segment = g_new0(Segment, 1);
        const ConfBridge *told;
        int r;

        segment->connection = connection;
        r = find_network(connection, network, bridge, &segment->network, ret_error);
        if (r < 0)
                return r;

        if (segment->network) {
                r = segment_read_info(connection, segment->network, &segment->info, ret_error);
                if (r < 0)
                        return r;
                segment->bridge = g_strdup(segment->info->bridge);
                segment->subnet4 = segment->info->subnet4;
                segment->subnet6 = segment->info->subnet6;
                segment->key = lease_network_key(true, segment->info->name);
        } else {
                segment->bridge = g_strdup(bridge);
                segment->key = lease_network_key(false, bridge);
        }
        if (!segment->key)
                return error_set(ret_error, ERROR_NO_SUCH_NETWORK, "The name of network '%s' is too long",
                                network ?: bridge);

        /* A network of libvirt's that only names a bridge knows no subnets: there, too, the administrator
         * may tell. */
        told = segment->bridge ? conf_find_bridge(conf, segment->bridge) : NULL;
        if (told && !address_is_set(&segment->subnet4.network))
                segment->subnet4 = told->subnet4;
        if (told && !address_is_set(&segment->subnet6.network))
                segment->subnet6 = told->subnet6;

        *ret_segment = g_steal_pointer(&segment);
        return 0;
}

bool segment_is_on_bridge(const Segment *segment)
{
        return !segment->info || (segment->info->bridge && (int) segment->info->mode >= 0);
}

static int look_at_dhcp(const Segment *segment, GArray *seen, Error *ret_error)
{
        virNetworkDHCPLeasePtr *leases = NULL;
        gint64 now = g_get_real_time() / G_USEC_PER_SEC;
        int n;

        g_array_append_vals(seen, segment->info->reserved->data, segment->info->reserved->len);
        if (virNetworkIsActive(segment->network) != 1)
                return 0;

        n = virNetworkGetDHCPLeases(segment->network, NULL, &leases, 0);
        if (n < 0)
                return virGetLastErrorCode() == VIR_ERR_NO_SUPPORT
                                       ? 0
                                       : virt_error_set(ret_error, segment->connection,
                                                         ERROR_FAILED, "Cannot read the DHCP leases of '%s'",
                                                         segment->info->name);

        for (int i = 0; i < n; i++) {
                SeenAddress entry = {.by = SEEN_BY_DHCP};

                /* 0: for ever. */
                if ((leases[i]->expirytime == 0 || leases[i]->expirytime > now) &&
                                address_parse_ip(leases[i]->ipaddr, &entry.address) >= 0) {
                        g_autofree char *mac = g_ascii_strdown(leases[i]->mac ?: "", -1);

                        g_strlcpy(entry.mac, mac, sizeof entry.mac);
                        g_array_append_val(seen, entry);
                }
                virNetworkDHCPLeaseFree(leases[i]);
        }
        free(leases);

        return 0;
}

int segment_look(const Segment *segment, GArray *seen, Error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        if (segment->network) {
                r = look_at_dhcp(segment, seen, ret_error);
                if (r < 0)
                        return r;
        }
        if (!segment->bridge)
                return 0;

        r = neighbours_ask(segment->bridge, seen, &error);
        if (r < 0 && !segment->network) {
                error_move(ret_error, &error);
                return r;
        }
        if (r < 0)
                protocol_emit("notice", "%s; only DHCP leases were looked at", error_message(&error, r));
        return 0;
}

/* One change, to what runs and to what is kept. */
static int update(const Segment *segment, virNetworkUpdateCommand command, virNetworkUpdateSection section,
                int parent, const char *xml, const char *doing, Error *ret_error)
{
        virNetworkPtr network = segment->network;
        unsigned flags = 0;

        if (virNetworkIsActive(network) == 1)
                flags |= VIR_NETWORK_UPDATE_AFFECT_LIVE;
        if (virNetworkIsPersistent(network) == 1)
                flags |= VIR_NETWORK_UPDATE_AFFECT_CONFIG;
        if (virNetworkUpdate(network, (unsigned) command, (unsigned) section, parent, xml, flags) >= 0)
                return 0;

        return virt_error_set(ret_error, segment->connection, ERROR_FAILED,
                        "Cannot %s in network '%s'", doing, segment->info->name);
}

/* Of the family's <ip>; where none is told libvirt takes the first with DHCP, of whichever family. */
static int update_dhcp(const Segment *segment, virNetworkUpdateCommand command, int family, const char *xml,
                const char *doing, Error *ret_error)
{
        return update(segment, command, VIR_NETWORK_SECTION_IP_DHCP_HOST,
                        family == AF_INET ? segment->info->index4 : segment->info->index6, xml, doing,
                        ret_error);
}

static int update_dns(const Segment *segment, virNetworkUpdateCommand command, const char *xml,
                const char *doing, Error *ret_error)
{
        return update(segment, command, VIR_NETWORK_SECTION_DNS_HOST, -1, xml, doing, ret_error);
}

/* A DHCP server that gives to nobody has no reservations either. */
static bool has_dhcp(const Segment *segment, int family)
{
        const Subnet *subnet = family == AF_INET ? &segment->info->subnet4 : &segment->info->subnet6;

        return address_is_set(&subnet->dynamic_first);
}

/* What is reserved for the address, or (with mac) for that hardware address, by somebody else than mac and
 * address together: goes. */
static int clear_dhcp(const Segment *segment, const Address *address, const char *mac, bool *ret_right,
                Error *ret_error)
{
        GArray *reserved = segment->info->reserved;

        *ret_right = false;
        for (guint i = reserved->len; i-- > 0;) {
                const SeenAddress *seen = &g_array_index(reserved, SeenAddress, i);
                bool same_address = address_equal(&seen->address, address);
                bool same_mac = mac && strcmp(seen->mac, mac) == 0 &&
                                seen->address.family == address->family;
                g_autofree char *xml = NULL;
                char ip[ADDRESS_TEXT_MAX];
                int r;

                if (seen->by != SEEN_BY_DHCP || (!same_address && !same_mac))
                        continue;
                if (same_address && (same_mac || (mac && !seen->mac[0]))) {
                        *ret_right = true;
                        continue;
                }

                address_format_ip(&seen->address, ip);
                xml = seen->mac[0] ? g_strdup_printf("<host mac='%s' ip='%s'/>", seen->mac, ip)
                                   : g_strdup_printf("<host ip='%s'/>", ip);
                r = update_dhcp(segment, VIR_NETWORK_UPDATE_COMMAND_DELETE, address->family, xml,
                                "take out a reservation of DHCP", ret_error);
                if (r < 0)
                        return r;
                g_array_remove_index(reserved, i);
        }

        return 0;
}

/* The same of the names that stand for an address; name NULL: none is right. */
static int clear_dns(const Segment *segment, const Address *address, const char *name, bool *ret_right,
                Error *ret_error)
{
        GPtrArray *names = segment->info->host_names;
        g_autofree char *wanted = NULL, *suffix = NULL;
        char ip[ADDRESS_TEXT_MAX];
        bool wrong = false;

        address_format_ip(address, ip);
        suffix = g_strconcat("=", ip, NULL);
        wanted = name ? g_strconcat(name, suffix, NULL) : NULL;
        *ret_right = false;
        for (guint i = 0; i < names->len; i++) {
                if (g_strcmp0(names->pdata[i], wanted) == 0)
                        *ret_right = true;
                else if (g_str_has_suffix(names->pdata[i], suffix))
                        wrong = true;
        }

        if (wrong || (!name && *ret_right)) {
                g_autofree char *xml = g_strdup_printf("<host ip='%s'/>", ip);

                for (guint i = names->len; i-- > 0;)
                        if (g_str_has_suffix(names->pdata[i], suffix))
                                g_ptr_array_remove_index(names, i);
                *ret_right = false;
                return update_dns(segment, VIR_NETWORK_UPDATE_COMMAND_DELETE, xml, "take out a name",
                                ret_error);
        }

        return 0;
}

int segment_enter_host(const Segment *segment, const NetworkHost *host, Error *ret_error)
{
        g_autofree char *dhcp = NULL, *dns = NULL;
        bool right = true;
        int r;

        if (!segment->network)
                return 0;

        r = network_xml_format_dhcp_host(host, &dhcp, ret_error);
        if (r >= 0)
                r = network_xml_format_dns_host(host, &dns, ret_error);
        if (r >= 0 && has_dhcp(segment, host->address.family))
                r = clear_dhcp(segment, &host->address, host->mac, &right, ret_error);
        if (r >= 0 && !right)
                r = update_dhcp(segment, VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, host->address.family, dhcp,
                                "reserve an address", ret_error);
        if (r < 0)
                return r;

        r = clear_dns(segment, &host->address, host->name, &right, ret_error);
        if (r >= 0 && !right)
                r = update_dns(segment, VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, dns, "enter a name", ret_error);
        return r;
}

int segment_remove_host(const Segment *segment, const Address *address, Error *ret_error)
{
        bool right;
        int r;

        if (!segment->network)
                return 0;

        r = clear_dhcp(segment, address, NULL, &right, ret_error);
        return r < 0 ? r : clear_dns(segment, address, NULL, &right, ret_error);
}
