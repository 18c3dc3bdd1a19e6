/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The hosts on a network, entered into its DHCP and DNS server. Called by addresses.c and networks.c. */

#include <string.h>
#include <sys/utsname.h>

#include "common/io.h"
#include "common/unikernel-name.h"
#include "domain/host/protocol.h"
#include "domain/host/virt.h"
#include "domain/network/attachment.h"
#include "domain/network/hosts.h"

/* One change of libvirt's entries for DHCP or DNS. */
typedef struct HostEntry {
        virNetworkUpdateCommand command;
        virNetworkUpdateSection section;
        const Address *address;
        const char *mac;  /* for DHCP; NULL if none, or for any */
        const char *name; /* for DNS; NULL for all names of the address */
        const char *xml;
        const char *doing; /* for an error message */
} HostEntry;

static bool info_has_reservation(const NetworkInfo *info, const HostEntry *entry)
{
        for (guint i = 0; i < info->reserved->len; i++) {
                const SeenAddress *seen = &g_array_index(info->reserved, SeenAddress, i);

                if (seen->by == SEEN_BY_DHCP && address_equal(&seen->address, entry->address) &&
                                (!entry->mac || !seen->mac[0] || g_str_equal(seen->mac, entry->mac)))
                        return true;
        }

        return false;
}

static bool info_has_name(const NetworkInfo *info, const HostEntry *entry)
{
        g_autofree char *suffix = NULL, *whole = NULL;
        char ip[ADDRESS_TEXT_MAX];

        address_format_ip(entry->address, ip);
        suffix = g_strconcat("=", ip, NULL);
        whole = g_strconcat(entry->name ?: "", suffix, NULL);
        for (guint i = 0; i < info->host_names->len; i++)
                if (entry->name ? g_str_equal(info->host_names->pdata[i], whole)
                                : g_str_has_suffix(info->host_names->pdata[i], suffix))
                        return true;

        return false;
}

/* Whether the change was made despite an error: libvirt also fails if something after the change fails, such
 * as rebuilding the firewall or writing a file. */
static bool host_entry_is_made(const Attachment *attachment, const HostEntry *entry)
{
        g_autoptr(NetworkInfo) info = NULL;
        bool found;

        if (attachment_read_info(attachment->connection, attachment->network, &info, NULL) < 0)
                return false;

        found = entry->section == VIR_NETWORK_SECTION_DNS_HOST ? info_has_name(info, entry)
                                                               : info_has_reservation(info, entry);
        return found == (entry->command != VIR_NETWORK_UPDATE_COMMAND_DELETE);
}

/* Updates both the running and the persistent network. For DHCP the <ip> of the family is named, because
 * otherwise libvirt uses the first one with DHCP, of any family. *unread is set if the change was made but
 * dnsmasq may not have read it. */
static int host_entry_update(
                const Attachment *attachment, const HostEntry *entry, bool *unread, Error *ret_error)
{
        virNetworkPtr network = attachment->network;
        _cleanup_error_ Error error = ERROR_INIT;
        unsigned flags = 0;
        int parent = -1, r;

        if (entry->section == VIR_NETWORK_SECTION_IP_DHCP_HOST)
                parent = entry->address->family == AF_INET ? attachment->info->index4
                                                           : attachment->info->index6;
        if (virNetworkIsActive(network) == 1)
                flags |= VIR_NETWORK_UPDATE_AFFECT_LIVE;
        if (virNetworkIsPersistent(network) == 1)
                flags |= VIR_NETWORK_UPDATE_AFFECT_CONFIG;
        if (virNetworkUpdate(network, (unsigned) entry->command, (unsigned) entry->section, parent,
                            entry->xml, flags) >= 0)
                return 0;

        r = virt_error_set(&error, attachment->connection, ERROR_FAILED, "Cannot %s in network '%s'",
                        entry->doing, attachment->info->name);
        if (host_entry_is_made(attachment, entry)) {
                protocol_emit(DOMAIN_KEY_NOTICE,
                                "%s; it was applied nevertheless, but other parts of the network may be "
                                "missing: see the journal of libvirt's daemon",
                                error.message);
                *unread = true;
                return 0;
        }

        error_move(ret_error, &error);
        return r;
}

/* A DHCP server without a range has no reservations either. */
static bool attachment_has_dhcp(const Attachment *attachment, int family)
{
        const Subnet *subnet = family == AF_INET ? &attachment->info->subnet4 : &attachment->info->subnet6;

        return address_is_set(&subnet->dynamic_first);
}

static int attachment_remove_reservation(
                const Attachment *attachment, const SeenAddress *seen, bool *unread, Error *ret_error)
{
        g_autofree char *xml = NULL;
        HostEntry entry = {.command = VIR_NETWORK_UPDATE_COMMAND_DELETE,
                        .section = VIR_NETWORK_SECTION_IP_DHCP_HOST,
                        .address = &seen->address,
                        .mac = seen->mac[0] ? seen->mac : NULL,
                        .doing = "remove a DHCP reservation"};
        char ip[ADDRESS_TEXT_MAX];

        address_format_ip(&seen->address, ip);
        xml = seen->mac[0] ? g_strdup_printf("<host mac='%s' ip='%s'/>", seen->mac, ip)
                           : g_strdup_printf("<host ip='%s'/>", ip);
        entry.xml = xml;
        return host_entry_update(attachment, &entry, unread, ret_error);
}

/* names: "NAME=IP". */
static void names_remove_address(GPtrArray *names, const Address *address)
{
        g_autofree char *suffix = NULL;
        char ip[ADDRESS_TEXT_MAX];

        address_format_ip(address, ip);
        suffix = g_strconcat("=", ip, NULL);
        for (guint i = names->len; i-- > 0;)
                if (g_str_has_suffix(names->pdata[i], suffix))
                        g_ptr_array_remove_index(names, i);
}

/* Removes reservations for the address, or (with mac) for that hardware address, except that of both
 * together. */
static int attachment_clear_dhcp(const Attachment *attachment, const Address *address, const char *mac,
                bool *ret_right, bool *unread, Error *ret_error)
{
        GArray *reserved = attachment->info->reserved;

        *ret_right = false;
        for (guint i = reserved->len; i-- > 0;) {
                const SeenAddress *seen = &g_array_index(reserved, SeenAddress, i);
                bool same_address = address_equal(&seen->address, address);
                bool same_mac = mac && strcmp(seen->mac, mac) == 0 &&
                                seen->address.family == address->family;
                int r;

                if (seen->by != SEEN_BY_DHCP || (!same_address && !same_mac))
                        continue;
                if (same_address && (same_mac || (mac && !seen->mac[0]))) {
                        *ret_right = true;
                        continue;
                }

                r = attachment_remove_reservation(attachment, seen, unread, ret_error);
                if (r < 0)
                        return r;
                names_remove_address(attachment->info->dhcp_names, &seen->address);
                g_array_remove_index(reserved, i);
        }

        return 0;
}

/* The same for the names of an address, except name; if name is NULL, all of them. */
static int attachment_clear_dns(const Attachment *attachment, const Address *address, const char *name,
                bool *ret_right, Error *ret_error)
{
        GPtrArray *names = attachment->info->host_names;
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
                const HostEntry entry = {.command = VIR_NETWORK_UPDATE_COMMAND_DELETE,
                                .section = VIR_NETWORK_SECTION_DNS_HOST,
                                .address = address,
                                .xml = xml,
                                .doing = "remove a name"};
                bool unread;

                names_remove_address(names, address);
                *ret_right = false;
                return host_entry_update(attachment, &entry, &unread, ret_error);
        }

        return 0;
}

/* A change of DNS also makes dnsmasq read the reservations again. */
static int attachment_enter_by_libvirt(
                const Attachment *attachment, const NetworkHost *host, Error *ret_error)
{
        /* For IPv6 a client is recognized by its name. */
        bool reserve = attachment_has_dhcp(attachment, host->address.family) &&
                       (network_host_dhcp_name(host) || host->address.family == AF_INET);
        g_autofree char *dhcp = NULL, *dns = NULL;
        HostEntry entry = {.command = VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, .address = &host->address};
        bool right = true, unread = false;
        int r;

        r = reserve ? network_xml_format_dhcp_host(host, &dhcp, ret_error) : 0;
        if (r >= 0 && host->name)
                r = network_xml_format_dns_host(host, &dns, ret_error);
        if (r >= 0 && reserve)
                r = attachment_clear_dhcp(attachment, &host->address, host->mac, &right, &unread, ret_error);
        if (r >= 0 && !right) {
                entry.section = VIR_NETWORK_SECTION_IP_DHCP_HOST;
                entry.mac = host->mac;
                entry.xml = dhcp;
                entry.doing = "reserve an address";
                r = host_entry_update(attachment, &entry, &unread, ret_error);
        }
        if (r < 0)
                return r;

        r = attachment_clear_dns(attachment, &host->address, unread ? NULL : host->name, &right, ret_error);
        if (r >= 0 && !right && host->name) {
                entry.section = VIR_NETWORK_SECTION_DNS_HOST;
                entry.name = host->name;
                entry.xml = dns;
                entry.doing = "add a name";
                r = host_entry_update(attachment, &entry, &unread, ret_error);
        }
        return r;
}

int attachment_enter_host(const Attachment *attachment, const NetworkHost *host, Error *ret_error)
{
        int r;

        if (!attachment->network)
                return 0;
        if (!attachment->info->hosts_path)
                return attachment_enter_by_libvirt(attachment, host, ret_error);

        r = hosts_enter(attachment->info->hosts_path, host, ret_error);
        return r < 0 ? r : attachment_reread(attachment, ret_error);
}

int attachment_remove_host(const Attachment *attachment, const Address *address, Error *ret_error)
{
        bool right, unread;
        int r;

        if (!attachment->network)
                return 0;
        if (attachment->info->hosts_path) {
                r = hosts_leave(attachment->info->hosts_path, address, ret_error);
                return r < 0 ? r : attachment_reread(attachment, ret_error);
        }

        r = attachment_clear_dhcp(attachment, address, NULL, &right, &unread, ret_error);
        return r < 0 ? r : attachment_clear_dns(attachment, address, NULL, &right, ret_error);
}

char *attachment_host_name(void)
{
        struct utsname name;
        g_autofree char *label = NULL;

        if (uname(&name) < 0)
                return NULL;

        label = g_ascii_strdown(name.nodename, (gssize) strcspn(name.nodename, "."));
        return name_is_valid(label) && !g_str_equal(label, "localhost") ? g_steal_pointer(&label) : NULL;
}

/* libvirt has no call for this, but sends dnsmasq the signal at each change of a DNS entry, and does nothing
 * else then. So the host's own entry is removed and added again, which also updates its name; if a crash in
 * between loses it, the next call adds it again. */
int attachment_reread(const Attachment *attachment, Error *ret_error)
{
        const Subnet *subnets[] = {&attachment->info->subnet4, &attachment->info->subnet6};
        const Subnet *subnet = subnets[address_is_set(&subnets[0]->network) ? 0 : 1];
        g_autofree char *host_name = attachment_host_name(), *xml = NULL, *out = NULL;
        const unsigned section = VIR_NETWORK_SECTION_DNS_HOST, flags = VIR_NETWORK_UPDATE_AFFECT_LIVE;
        const unsigned take = VIR_NETWORK_UPDATE_COMMAND_DELETE, put = VIR_NETWORK_UPDATE_COMMAND_ADD_LAST;
        const Address *own = &subnet->dns;
        _cleanup_close_ int lock = -EBADF;
        char ip[ADDRESS_TEXT_MAX];
        bool told;
        int r;

        /* At the end of the batch. */
        if (attachment->kept)
                return 0;
        r = hosts_need_reread(attachment->info->hosts_path, &lock);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot lock %s", attachment->info->hosts_path);
        if (r == 0 || virNetworkIsActive(attachment->network) != 1)
                return 0;

        address_format_ip(own, ip);
        out = g_strdup_printf("<host ip='%s'/>", ip);
        xml = network_xml_format_own_host(own, attachment->info->mode, host_name);
        told = virNetworkUpdate(attachment->network, take, section, -1, out, flags) >= 0;
        told |= virNetworkUpdate(attachment->network, put, section, -1, xml, flags) >= 0;
        if (told) {
                hosts_set_reread(attachment->info->hosts_path);
                return 0;
        }

        return virt_error_set(ret_error, attachment->connection, ERROR_FAILED,
                        "Cannot reload the hosts of network '%s' in DHCP and DNS", attachment->info->name);
}

static bool addresses_contain(const GArray *own, const Address *address)
{
        for (guint i = 0; i < own->len; i++)
                if (address_equal(&g_array_index(own, Address, i), address))
                        return true;

        return false;
}

/* Whether DNS has the name for one of own. */
static bool info_has_name_for(const NetworkInfo *info, const char *name, const GArray *own)
{
        for (guint i = 0; i < own->len; i++)
                if (info_has_name(info,
                                    &(HostEntry){.name = name, .address = &g_array_index(own, Address, i)}))
                        return true;

        return false;
}

static bool names_find_other(const GPtrArray *names, const char *name, const GArray *own, Address *ret)
{
        g_autofree char *prefix = g_strconcat(name, "=", NULL);

        for (guint i = 0; i < names->len; i++) {
                const char *entry = names->pdata[i];

                if (g_str_has_prefix(entry, prefix) && address_parse_ip(entry + strlen(prefix), ret) >= 0 &&
                                !addresses_contain(own, ret))
                        return true;
        }

        return false;
}

static bool attachment_has_lease(
                Attachment *attachment, const char *name, const char *mac, const GArray *own, Address *ret)
{
        g_autoptr(GArray) leases = NULL;

        /* What cannot be found now is found at the next start. */
        if (attachment_read_leases(attachment, &leases, NULL) < 0)
                return false;

        for (guint i = 0; i < leases->len; i++) {
                const DhcpLease *lease = &g_array_index(leases, DhcpLease, i);

                *ret = lease->address;
                if (g_strcmp0(lease->host_name, name) == 0 && g_strcmp0(lease->mac, mac) != 0 &&
                                !addresses_contain(own, &lease->address))
                        return true;
        }

        return false;
}

bool attachment_name_is_anothers(
                Attachment *attachment, const char *name, const char *mac, const GArray *own, char **ret_who)
{
        const NetworkInfo *info = attachment->info;
        g_autoptr(GArray) files = NULL;
        char ip[ADDRESS_TEXT_MAX];
        bool found = false;
        Address address;

        if (!attachment->network)
                return false;

        if (info->hosts_path)
                files = hosts_find_name(info->hosts_path, name);
        for (guint i = 0; files && i < files->len && !found; i++) {
                address = g_array_index(files, Address, i);
                found = !addresses_contain(own, &address);
        }
        /* If the unikernel already has the name, it had it before any other claimant. */
        if (!found && ((files && files->len > 0) || info_has_name_for(info, name, own)))
                return false;
        found = found || names_find_other(info->host_names, name, own, &address) ||
                names_find_other(info->dhcp_names, name, own, &address) ||
                attachment_has_lease(attachment, name, mac, own, &address);
        if (!found)
                return false;

        address_format_ip(&address, ip);
        *ret_who = g_strdup_printf("%s in network '%s'", ip, info->name);
        return true;
}
