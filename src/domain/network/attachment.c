/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Networks of libvirt and other bridges, in one form for the allocation of addresses. */

#include "domain/network/attachment.h"

#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "domain/host/neighbours-client.h"
#include "domain/host/protocol.h"
#include "domain/host/virt.h"
#include "unikernel/lease.h"

/* Of a batch: name → Attachment that is kept. NULL: there is none. */
static GHashTable *batch;

static void attachment_destroy(Attachment *attachment);

static void attachment_destroy_pointer(gpointer data)
{
        attachment_destroy(data);
}

void attachment_batch_begin(void)
{
        if (!batch)
                batch = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, attachment_destroy_pointer);
}

int attachment_batch_end(bool tell, Error *ret_error)
{
        g_autoptr(GHashTable) ended = g_steal_pointer(&batch);
        GHashTableIter iter;
        gpointer value;
        int r = 0;

        if (!ended)
                return 0;
        g_hash_table_iter_init(&iter, ended);
        while (tell && r >= 0 && g_hash_table_iter_next(&iter, NULL, &value)) {
                Attachment *attachment = value;

                attachment->kept = false;
                r = attachment_reread(attachment, ret_error);
        }

        return r;
}

bool attachment_batch_has(const char *network)
{
        return batch && g_hash_table_contains(batch, network);
}

/* Of a network of ours all that changes in a batch is in its files of hosts. */
static void attachment_batch_keep(Attachment *attachment)
{
        if (!batch || !attachment->network || !attachment->info->hosts_path)
                return;

        attachment->kept = true;
        g_hash_table_replace(batch, attachment->info->name, attachment);
}

Attachment *attachment_free(Attachment *attachment)
{
        if (attachment && !attachment->kept)
                attachment_destroy(attachment);
        return NULL;
}

static void attachment_destroy(Attachment *attachment)
{
        if (attachment->network)
                (void) virNetworkFree(attachment->network);
        network_info_free(attachment->info);
        g_free(attachment->key);
        g_free(attachment->bridge);
        g_clear_pointer(&attachment->leases, g_array_unref);
        g_clear_pointer(&attachment->seen, g_array_unref);
        g_free(attachment);
}

int attachment_read_info(
                virConnectPtr connection, virNetworkPtr network, NetworkInfo **ret_info, Error *ret_error)
{
        const char *name = virNetworkGetName(network); /* read first: this call clears the last error */
        char *xml = virNetworkGetXMLDesc(network, 0);
        int r;

        if (!xml)
                return virt_error_set(ret_error, connection, ERROR_FAILED,
                                "Cannot read libvirt network '%s'", name);

        r = network_xml_parse(xml, ret_info, ret_error);
        free(xml);
        return r;
}

/* Ignores a network that is removed while the list is read. */
static int attachment_find_network_of(
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

static int attachment_find_network(virConnectPtr connection, const char *network, const char *bridge,
                virNetworkPtr *ret_network, Error *ret_error)
{
        if (!network && !connection)
                return 0;
        if (!connection)
                return error_set(ret_error, ERROR_NO_SUCH_NETWORK,
                                "There is no libvirt network '%s', since this host has no libvirt "
                                "(LibvirtURI=none in shruthi.conf): name a bridge",
                                network);
        if (!network)
                return attachment_find_network_of(connection, bridge, ret_network, ret_error);

        *ret_network = virNetworkLookupByName(connection, network);
        if (*ret_network)
                return 0;

        return virt_error_set(ret_error, connection, ERROR_NO_SUCH_NETWORK,
                        "libvirt network '%s' does not exist on this host", network);
}

int attachment_find(virConnectPtr connection, const Conf *conf, const char *network, const char *bridge,
                Attachment **ret_attachment, Error *ret_error)
{
        g_autoptr(Attachment) attachment = g_new0(Attachment, 1);
        const ConfBridge *told;
        int r;

        if (network && attachment_batch_has(network)) {
                *ret_attachment = g_hash_table_lookup(batch, network);
                return 0;
        }

        attachment->connection = connection;
        r = attachment_find_network(connection, network, bridge, &attachment->network, ret_error);
        if (r < 0)
                return r;

        if (attachment->network) {
                r = attachment_read_info(connection, attachment->network, &attachment->info, ret_error);
                if (r < 0)
                        return r;
                attachment->bridge = g_strdup(attachment->info->bridge);
                attachment->subnet4 = attachment->info->subnet4;
                attachment->subnet6 = attachment->info->subnet6;
                attachment->key = lease_network_key(true, attachment->info->name);
        } else {
                attachment->bridge = g_strdup(bridge);
                attachment->key = lease_network_key(false, bridge);
        }
        if (!attachment->key)
                return error_set(ret_error, ERROR_NO_SUCH_NETWORK, "The name of network '%s' is too long",
                                network ?: bridge);

        /* A libvirt network that only names a bridge has no subnets: shruthi.conf may describe them here
         * too. */
        told = attachment->bridge ? conf_find_bridge(conf, attachment->bridge) : NULL;
        if (told && !address_is_set(&attachment->subnet4.network))
                attachment->subnet4 = told->subnet4;
        if (told && !address_is_set(&attachment->subnet6.network))
                attachment->subnet6 = told->subnet6;

        attachment_batch_keep(attachment);
        *ret_attachment = g_steal_pointer(&attachment);
        return 0;
}

bool attachment_is_on_bridge(const Attachment *attachment)
{
        return !attachment->info || (attachment->info->bridge && (int) attachment->info->mode >= 0);
}

static void dhcp_lease_clear(gpointer data)
{
        g_free(((DhcpLease *) data)->host_name);
}

/* Skips a lease that has expired. */
static void dhcp_leases_add(const virNetworkDHCPLease *found, gint64 now, GArray *leases)
{
        DhcpLease lease = {};
        g_autofree char *mac = NULL;

        if ((found->expirytime != 0 && found->expirytime <= now) ||
                        address_parse_ip(found->ipaddr, &lease.address) < 0)
                return;

        mac = g_ascii_strdown(found->mac ?: "", -1);
        g_strlcpy(lease.mac, mac, sizeof lease.mac);
        lease.host_name = found->hostname ? g_ascii_strdown(found->hostname, -1) : NULL;
        g_array_append_val(leases, lease);
}

static int attachment_ask_leases(const Attachment *attachment, GArray **ret_leases, Error *ret_error)
{
        g_autoptr(GArray) leases = g_array_new(FALSE, TRUE, sizeof(DhcpLease));
        gint64 now = g_get_real_time() / G_USEC_PER_SEC;
        virNetworkDHCPLeasePtr *found = NULL;
        int n = 0;

        g_array_set_clear_func(leases, dhcp_lease_clear);
        if (attachment->network && virNetworkIsActive(attachment->network) == 1)
                n = virNetworkGetDHCPLeases(attachment->network, NULL, &found, 0);
        if (n < 0 && virGetLastErrorCode() != VIR_ERR_NO_SUPPORT)
                return virt_error_set(ret_error, attachment->connection, ERROR_FAILED,
                                "Cannot read the DHCP leases of '%s'", attachment->info->name);

        for (int i = 0; i < n; i++) {
                dhcp_leases_add(found[i], now, leases);
                virNetworkDHCPLeaseFree(found[i]);
        }
        free(found);

        *ret_leases = g_steal_pointer(&leases);
        return 0;
}

int attachment_read_leases(Attachment *attachment, GArray **ret_leases, Error *ret_error)
{
        int r;

        if (!attachment->kept)
                return attachment_ask_leases(attachment, ret_leases, ret_error);

        r = attachment->leases ? 0 : attachment_ask_leases(attachment, &attachment->leases, ret_error);
        if (r >= 0)
                *ret_leases = g_array_ref(attachment->leases);
        return r;
}

static int attachment_list_dhcp(Attachment *attachment, GArray *seen, Error *ret_error)
{
        g_autoptr(GArray) leases = NULL;
        int r;

        g_array_append_vals(seen, attachment->info->reserved->data, attachment->info->reserved->len);
        r = attachment_read_leases(attachment, &leases, ret_error);
        for (guint i = 0; r >= 0 && i < leases->len; i++) {
                const DhcpLease *lease = &g_array_index(leases, DhcpLease, i);
                SeenAddress entry = {.by = SEEN_BY_LEASE, .address = lease->address};

                g_strlcpy(entry.mac, lease->mac, sizeof entry.mac);
                g_array_append_val(seen, entry);
        }

        return r;
}

static int attachment_ask_seen(Attachment *attachment, GArray *seen, Error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        if (attachment->network) {
                r = attachment_list_dhcp(attachment, seen, ret_error);
                if (r < 0)
                        return r;
        }
        if (!attachment->bridge)
                return 0;

        r = neighbours_ask(attachment->bridge, seen, &error);
        if (r < 0 && !attachment->network) {
                error_move(ret_error, &error);
                return r;
        }
        if (r < 0)
                protocol_emit(DOMAIN_KEY_NOTICE, "%s; only DHCP leases were checked",
                                error_message(&error, r));
        return 0;
}

int attachment_list_seen(Attachment *attachment, GArray *seen, Error *ret_error)
{
        int r = 0;

        if (!attachment->kept)
                return attachment_ask_seen(attachment, seen, ret_error);

        if (!attachment->seen) {
                g_autoptr(GArray) found = g_array_new(FALSE, TRUE, sizeof(SeenAddress));

                r = attachment_ask_seen(attachment, found, ret_error);
                if (r < 0)
                        return r;
                attachment->seen = g_steal_pointer(&found);
        }
        g_array_append_vals(seen, attachment->seen->data, attachment->seen->len);
        return 0;
}
