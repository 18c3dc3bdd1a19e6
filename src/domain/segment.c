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

static void lease_clear(gpointer data)
{
        g_free(((SegmentLease *) data)->host_name);
}

/* One that has ended is none. */
static void add_lease(const virNetworkDHCPLease *found, gint64 now, GArray *leases)
{
        SegmentLease lease = {};
        g_autofree char *mac = NULL;

        if ((found->expirytime != 0 && found->expirytime <= now) ||
                        address_parse_ip(found->ipaddr, &lease.address) < 0)
                return;

        mac = g_ascii_strdown(found->mac ?: "", -1);
        g_strlcpy(lease.mac, mac, sizeof lease.mac);
        lease.host_name = found->hostname ? g_ascii_strdown(found->hostname, -1) : NULL;
        g_array_append_val(leases, lease);
}

int segment_read_leases(const Segment *segment, GArray **ret_leases, Error *ret_error)
{
        g_autoptr(GArray) leases = g_array_new(FALSE, TRUE, sizeof(SegmentLease));
        gint64 now = g_get_real_time() / G_USEC_PER_SEC;
        virNetworkDHCPLeasePtr *found = NULL;
        int n = 0;

        g_array_set_clear_func(leases, lease_clear);
        if (segment->network && virNetworkIsActive(segment->network) == 1)
                n = virNetworkGetDHCPLeases(segment->network, NULL, &found, 0);
        if (n < 0 && virGetLastErrorCode() != VIR_ERR_NO_SUPPORT)
                return virt_error_set(ret_error, segment->connection, ERROR_FAILED,
                                "Cannot read the DHCP leases of '%s'", segment->info->name);

        for (int i = 0; i < n; i++) {
                add_lease(found[i], now, leases);
                virNetworkDHCPLeaseFree(found[i]);
        }
        free(found);

        *ret_leases = g_steal_pointer(&leases);
        return 0;
}

static int look_at_dhcp(const Segment *segment, GArray *seen, Error *ret_error)
{
        g_autoptr(GArray) leases = NULL;
        int r;

        g_array_append_vals(seen, segment->info->reserved->data, segment->info->reserved->len);
        r = segment_read_leases(segment, &leases, ret_error);
        for (guint i = 0; r >= 0 && i < leases->len; i++) {
                const SegmentLease *lease = &g_array_index(leases, SegmentLease, i);
                SeenAddress entry = {.by = SEEN_BY_LEASE, .address = lease->address};

                g_strlcpy(entry.mac, lease->mac, sizeof entry.mac);
                g_array_append_val(seen, entry);
        }

        return r;
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
