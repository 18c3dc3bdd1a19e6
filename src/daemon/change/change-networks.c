/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Networks that a definition in the making names: whether they are the caller's to use, and that they still
 * are when it is written. In the thread of a change. */

#include "common/io.h"
#include "daemon/change/change.h"
#include "unikernel/identity.h"
#include "unikernel/network.h"
#include "unikernel/placeholders.h"

static bool may_administer(const Change *change)
{
        return change->administer || change->uid == 0;
}

static bool is_among(char **names, const char *name)
{
        return names && g_strv_contains((const char *const *) names, name);
}

/* NULL: the definition and shruthi.conf name none. */
static const char *bridge_of(const Change *change, const DefinitionDevice *device)
{
        return device->network ? NULL : device->bridge ?: change->conf->conf->bridge_interface;
}

static const NetworkClaim *find_claim(
                const Change *change, const DefinitionDevice *device, const char *bridge)
{
        return network_claim_find(change->claims, device, bridge);
}

static bool is_where_it_was(const DefinitionDevice *device, const DefinitionDevice *old)
{
        return old && g_strcmp0(old->bridge, device->bridge) == 0 &&
               g_strcmp0(old->network, device->network) == 0;
}

static bool claim_is_his(const Change *change, const NetworkClaim *claim)
{
        if (!claim)
                return false;

        return claim->owner == change->uid ||
               (claim->group != GID_INVALID && call_in_group(change->call, claim->group));
}

static bool network_is_allowed(const Change *change, const DefinitionDevice *device,
                const DefinitionDevice *old, const char *bridge)
{
        const NetworkClaim *claim = find_claim(change, device, bridge);
        const Conf *conf = change->conf->conf;

        if (may_administer(change) || is_where_it_was(device, old) || claim_is_his(change, claim))
                return true;
        /* Which bridge a network has is chance, but where an administrator has named it. */
        if (claim && !claim->bridge_is_named)
                return is_among(conf->allowed_networks, claim->name);
        if (bridge)
                return g_strcmp0(bridge, conf->bridge_interface) == 0 ||
                       is_among(conf->allowed_bridges, bridge);

        return is_among(conf->allowed_networks, device->network);
}

static bool isolation_is_allowed(
                const Change *change, const DefinitionDevice *device, const DefinitionDevice *old)
{
        return !device->open || may_administer(change) || (old && old->open);
}

/* Another's, which nothing keeps a guest from whose own it is: what is sent to that one would come to it. On
 * a network of one's own there is nobody else to be taken for. */
static bool mac_is_allowed(const Change *change, const DefinitionDevice *device, const DefinitionDevice *old,
                const char *bridge)
{
        const NetworkClaim *claim = find_claim(change, device, bridge);
        char own[18];

        if (!device->mac || may_administer(change))
                return true;
        if (is_where_it_was(device, old) && g_strcmp0(old->mac, device->mac) == 0)
                return true;
        if (claim_is_his(change, claim) && !claim->bridge_is_named)
                return true;

        return identity_mac(change->name, device->name, own) >= 0 && g_str_equal(own, device->mac);
}

static bool is_in(const Subnet *subnet, const Address *address)
{
        return address_is_set(&subnet->network) && address_contains(&subnet->network, address);
}

/* Where it is known which addresses there are, those that are somebody's are refused when one is given
 * out. */
static bool is_in_told_subnet(const Change *change, const DefinitionDevice *device, const char *bridge,
                const Address *address)
{
        const ConfBridge *told = bridge ? conf_find_bridge(change->conf->conf, bridge) : NULL;

        for (guint i = 0; change->subnets && i < change->subnets->len; i++) {
                const ChangeSubnet *one = change->subnets->pdata[i];

                if (bridge ? !g_str_equal(one->bridge, bridge) : !g_str_equal(one->network, device->network))
                        continue;
                if (is_in(&one->subnet, address))
                        return true;
                /* A network of libvirt's may only name a bridge, and the administrator tell about that. */
                if (!told)
                        told = conf_find_bridge(change->conf->conf, one->bridge);
        }
        return told && (is_in(&told->subnet4, address) || is_in(&told->subnet6, address));
}

/* Elsewhere it may be the gateway's, or that of any host which has not been heard of lately. On a network of
 * one's own there is nobody else to be taken for. */
static bool address_is_allowed(const Change *change, const DefinitionDevice *device,
                const DefinitionDevice *old, const char *bridge, AddressMode mode, const Address *address)
{
        const NetworkClaim *claim = find_claim(change, device, bridge);
        char mac[18] = "";

        if (mode != ADDRESS_MODE_FIXED || may_administer(change))
                return true;
        if (is_where_it_was(device, old) && (address_equal(&old->setting.fixed4, address) ||
                                                            address_equal(&old->setting.fixed6, address)))
                return true;
        if (address_is_link_local(address) && address->family == AF_INET6) {
                Address derived;

                if (!device->mac && identity_mac(change->name, device->name, mac) < 0)
                        return false;
                derived = address_link_local(device->mac ?: mac);
                return address_equal(&derived, address);
        }
        if (claim_is_his(change, claim) && !claim->bridge_is_named)
                return true;

        return is_in_told_subnet(change, device, bridge, address);
}

static int check_address(Change *change, const DefinitionDevice *device, const DefinitionDevice *old,
                const char *bridge, AddressMode mode, const Address *address)
{
        char ip[ADDRESS_TEXT_MAX];

        if (address_is_allowed(change, device, old, bridge, mode, address))
                return 0;

        address_format_ip(address, ip);
        if (address_is_link_local(address) && address->family == AF_INET6)
                return change_needs_administer(change, ERROR_NETWORK_NOT_ALLOWED,
                                "Network '%s': only an administrator may choose another link-local address "
                                "than the one that follows from the MAC address; leave %s out",
                                device->name, ip);
        return change_needs_administer(change, ERROR_NETWORK_NOT_ALLOWED,
                        "Network '%s': only an administrator may choose %s, which lies in no subnet that is "
                        "known of %s '%s'%s%s%s",
                        device->name, ip, bridge ? "bridge" : "libvirt network", bridge ?: device->network,
                        bridge ? " ([Bridge " : "", bridge ?: "",
                        bridge ? "] in shruthi.conf tells one)" : "");
}

/* Which networks there are comes first: whoever may create a unikernel may list them (and /sys has the
 * bridges), and an administrator's word makes none. */
int change_check_network(Change *change, const DefinitionDevice *device, const DefinitionDevice *old)
{
        const AddressSetting *setting = &device->setting;
        const char *bridge = bridge_of(change, device);
        int r;

        if (!bridge && !device->network)
                return error_set(&change->error, ERROR_NO_SUCH_NETWORK,
                                "Network '%s': name a bridge or a libvirt network; this host has no "
                                "BridgeInterface= in shruthi.conf",
                                device->name);
        if (change->have_networks && bridge && !is_among(change->bridges, bridge))
                return error_set(&change->error, ERROR_NO_SUCH_NETWORK,
                                "Network '%s': this host has no bridge '%s'", device->name, bridge);
        /* One of ours that somebody has stopped is started again with the guest. */
        if (change->have_networks && !bridge && !is_among(change->networks, device->network) &&
                        !find_claim(change, device, NULL))
                return error_set(&change->error, ERROR_NO_SUCH_NETWORK,
                                "Network '%s': libvirt has no active network '%s' (virsh net-list)",
                                device->name, device->network);

        if (!network_is_allowed(change, device, old, bridge))
                return change_needs_administer(change, ERROR_NETWORK_NOT_ALLOWED,
                                "Network '%s': %s '%s' is not among those for everybody (%s= in "
                                "shruthi.conf)",
                                device->name, bridge ? "bridge" : "libvirt network",
                                bridge ?: device->network, bridge ? "AllowedBridges" : "AllowedNetworks");
        if (!isolation_is_allowed(change, device, old))
                return change_needs_administer(change, ERROR_NETWORK_NOT_ALLOWED,
                                "Network '%s': only an administrator may write Isolation=no", device->name);
        if (!mac_is_allowed(change, device, old, bridge))
                return change_needs_administer(change, ERROR_NETWORK_NOT_ALLOWED,
                                "Network '%s': on a network that others use only an administrator may write "
                                "MACAddress=; leave it out, and one is derived",
                                device->name);

        r = check_address(change, device, old, bridge, setting->mode4, &setting->fixed4);
        if (r >= 0)
                r = check_address(change, device, old, bridge, setting->mode6, &setting->fixed6);

        return r;
}

unsigned change_count_addresses(const Change *change, const Definition *definition)
{
        return network_count_addresses(change->claims, change->conf->conf, definition);
}

/* What is known of the subnets that a device will be on, without asking libvirt; false: nothing. */
static bool find_subnets(const Change *change, const DefinitionDevice *device, Subnet *ret_subnet4,
                Subnet *ret_subnet6)
{
        const char *bridge = bridge_of(change, device);
        const NetworkClaim *claim = find_claim(change, device, bridge);
        const ConfBridge *told = bridge ? conf_find_bridge(change->conf->conf, bridge) : NULL;
        g_autoptr(NetworkRecord) record = NULL;

        if (claim && network_record_load(claim->name, &record, NULL) >= 0) {
                *ret_subnet4 = record->subnet4;
                *ret_subnet6 = record->subnet6;
        } else if (!claim && told) {
                *ret_subnet4 = told->subnet4;
                *ret_subnet6 = told->subnet6;
        }

        return address_is_set(&ret_subnet4->network) || address_is_set(&ret_subnet6->network);
}

/* Any address does where it is only asked whether there will be one. */
static void fill_in(PlaceholderDevice *facts, const DefinitionDevice *device, int family, bool subnet)
{
        static const Address some4 = {.family = AF_INET, .prefix = 24, .bytes = {192, 0, 2, 1}};
        static const Address some6 = {.family = AF_INET6, .prefix = 64, .bytes = {0x20, 0x01, 0x0d, 0xb8}};
        bool six = family == AF_INET6;
        AddressMode mode = six ? device->setting.mode6 : device->setting.mode4;
        Address some = six ? some6 : some4, none = {};
        bool address = mode == ADDRESS_MODE_FIXED || (mode == ADDRESS_MODE_AUTO && subnet);

        *(six ? &facts->address6 : &facts->address4) = address ? some : none;
        *(six ? &facts->gateway6 : &facts->gateway4) = subnet ? some : none;
        *(six ? &facts->dns6 : &facts->dns4) = subnet ? some : none;
}

int change_check_fields(Change *change, const Definition *definition)
{
        g_autofree PlaceholderDevice *devices = g_new0(PlaceholderDevice, definition->devices->len);
        PlaceholderFacts facts = {
                        .name = definition->name, .uuid = "any", .owner = "any", .devices = devices};
        g_autofree char *expanded = NULL;

        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];
                Subnet subnet4 = {}, subnet6 = {};
                PlaceholderDevice *filled = &devices[facts.n_devices];
                bool known;

                if (device->kind != DEVICE_NETWORK)
                        continue;
                known = find_subnets(change, device, &subnet4, &subnet6);
                *filled = (PlaceholderDevice){.name = device->name, .mac = "any"};
                fill_in(filled, device, AF_INET, !known || address_is_set(&subnet4.network));
                fill_in(filled, device, AF_INET6, !known || address_is_set(&subnet6.network));
                facts.n_devices++;
        }

        return placeholders_expand(definition->arguments, &facts, &expanded, &change->error);
}

/* It was looked at when the images had still to be taken in, which a caller can draw out: of a network that
 * is removed meanwhile the next owner of its name or bridge would not be asked. Who removes one holds this
 * lock while looking into the definitions. */
int change_hold_networks(Change *change, const Definition *definition, int *ret_lock)
{
        _cleanup_close_ int lock = -EBADF;

        for (guint i = 0; !may_administer(change) && i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];
                g_autoptr(NetworkRecord) record = NULL;
                const NetworkClaim *claim;

                if (device->kind != DEVICE_NETWORK)
                        continue;
                claim = find_claim(change, device, bridge_of(change, device));
                if (!claim)
                        continue;
                if (lock < 0)
                        lock = network_records_lock(&change->error);
                if (lock < 0)
                        return lock;
                if (network_record_load(claim->name, &record, NULL) < 0 || record->state != NETWORK_READY ||
                                record->owner != claim->owner || record->group != claim->group)
                        return error_set(&change->error, ERROR_BUSY,
                                        "Network '%s' is being made or removed: try again", claim->name);
        }

        *ret_lock = TAKE_FD(lock);
        return 0;
}
