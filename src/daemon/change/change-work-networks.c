/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks that the caller may use the networks that the definition being made names, also at the moment it is
 * written. Runs in the thread of a change. */

#include "common/io.h"
#include "common/paths.h"
#include "daemon/change/change-work-private.h"
#include "unikernel/identity.h"
#include "unikernel/network.h"
#include "unikernel/placeholders.h"

static bool names_contain(char **names, const char *name)
{
        return names && g_strv_contains((const char *const *) names, name);
}

/* NULL if neither the definition nor shruthi.conf names one. */
static const char *draft_bridge_of(const Draft *draft, const DefinitionDevice *device)
{
        return device->network ? NULL : device->bridge ?: draft->conf->bridge_interface;
}

static const NetworkClaim *draft_find_claim(
                const Draft *draft, const DefinitionDevice *device, const char *bridge)
{
        return network_claim_find(draft->request->claims, device, bridge);
}

static bool device_is_where_it_was(const DefinitionDevice *device, const DefinitionDevice *old)
{
        return old && g_strcmp0(old->bridge, device->bridge) == 0 &&
               g_strcmp0(old->network, device->network) == 0;
}

static bool draft_owns_claim(const Draft *draft, const NetworkClaim *claim)
{
        if (!claim)
                return false;

        return claim->owner == draft->request->call->uid ||
               (claim->group != GID_INVALID && call_in_group(draft->request->call, claim->group));
}

static bool draft_network_is_allowed(const Draft *draft, const DefinitionDevice *device,
                const DefinitionDevice *old, const char *bridge)
{
        const NetworkClaim *claim = draft_find_claim(draft, device, bridge);
        const Conf *conf = draft->conf;

        if (draft_may_administer(draft) || device_is_where_it_was(device, old) ||
                        draft_owns_claim(draft, claim))
                return true;
        /* The bridge of a network is arbitrary, unless an administrator has named it. */
        if (claim && !claim->bridge_is_named)
                return names_contain(conf->allowed_networks, claim->name);
        if (bridge)
                return g_strcmp0(bridge, conf->bridge_interface) == 0 ||
                       names_contain(conf->allowed_bridges, bridge);

        return names_contain(conf->allowed_networks, device->network);
}

/* Anti-spoofing does not prevent a guest from configuring the MAC address of another host: it would receive
 * the traffic for that host. On the caller's own network there is nobody else to impersonate. */
static bool draft_mac_is_allowed(const Draft *draft, const DefinitionDevice *device,
                const DefinitionDevice *old, const char *bridge)
{
        const NetworkClaim *claim = draft_find_claim(draft, device, bridge);
        char own[18];

        if (!device->mac || draft_may_administer(draft))
                return true;
        if (device_is_where_it_was(device, old) && g_strcmp0(old->mac, device->mac) == 0)
                return true;
        if (draft_owns_claim(draft, claim) && !claim->bridge_is_named)
                return true;

        return identity_mac(draft->request->name, device->name, own) >= 0 && g_str_equal(own, device->mac);
}

static bool subnet_contains(const Subnet *subnet, const Address *address)
{
        return address_is_set(&subnet->network) && address_contains(&subnet->network, address);
}

/* If the subnet is known, the allocation refuses addresses that are in use. */
static bool draft_address_is_in_subnet(const Draft *draft, const DefinitionDevice *device,
                const char *bridge, const Address *address)
{
        const ConfBridge *told = bridge ? conf_find_bridge(draft->conf, bridge) : NULL;

        for (guint i = 0; draft->request->subnets && i < draft->request->subnets->len; i++) {
                const ChangeSubnet *one = draft->request->subnets->pdata[i];

                if (bridge ? !g_str_equal(one->bridge, bridge) : !g_str_equal(one->network, device->network))
                        continue;
                if (subnet_contains(&one->subnet, address))
                        return true;
                /* A libvirt network may just name a bridge, which shruthi.conf describes. */
                if (!told)
                        told = conf_find_bridge(draft->conf, one->bridge);
        }
        return told &&
               (subnet_contains(&told->subnet4, address) || subnet_contains(&told->subnet6, address));
}

/* Outside of known subnets it may be the address of the gateway, or of a host that was not seen lately. On
 * the caller's own network there is nobody else to impersonate. */
static bool draft_address_is_allowed(const Draft *draft, const DefinitionDevice *device,
                const DefinitionDevice *old, const char *bridge, AddressMode mode, const Address *address)
{
        const NetworkClaim *claim = draft_find_claim(draft, device, bridge);
        char mac[18] = "";

        if (mode != ADDRESS_MODE_FIXED || draft_may_administer(draft))
                return true;
        if (device_is_where_it_was(device, old) &&
                        (address_equal(&old->setting.fixed4, address) ||
                                        address_equal(&old->setting.fixed6, address)))
                return true;
        if (address_is_link_local(address) && address->family == AF_INET6) {
                Address derived;

                if (!device->mac && identity_mac(draft->request->name, device->name, mac) < 0)
                        return false;
                derived = address_link_local(device->mac ?: mac);
                return address_equal(&derived, address);
        }
        if (draft_owns_claim(draft, claim) && !claim->bridge_is_named)
                return true;

        return draft_address_is_in_subnet(draft, device, bridge, address);
}

static int draft_check_fixed_address(const Draft *draft, const DefinitionDevice *device,
                const DefinitionDevice *old, AddressMode mode, const Address *address)
{
        const char *bridge = draft_bridge_of(draft, device);
        char ip[ADDRESS_TEXT_MAX];

        if (draft_address_is_allowed(draft, device, old, bridge, mode, address))
                return 0;

        address_format_ip(address, ip);
        if (address_is_link_local(address) && address->family == AF_INET6)
                return draft_needs_administer(draft, ERROR_NETWORK_NOT_ALLOWED,
                                "Network '%s': only an administrator may choose a link-local address other "
                                "than the one derived from the MAC address; remove %s",
                                device->name, ip);
        return draft_needs_administer(draft, ERROR_NETWORK_NOT_ALLOWED,
                        "Network '%s': only an administrator may choose %s, which is in no known subnet of "
                        "%s '%s'%s%s%s",
                        device->name, ip, bridge ? "bridge" : "libvirt network", bridge ?: device->network,
                        bridge ? " ([Bridge " : "", bridge ?: "",
                        bridge ? "] in shruthi.conf can describe one)" : "");
}

int draft_check_address(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old)
{
        const AddressSetting *wanted = &device->setting;
        int r;

        r = draft_check_fixed_address(draft, device, old, wanted->mode4, &wanted->fixed4);
        return r < 0 ? r : draft_check_fixed_address(draft, device, old, wanted->mode6, &wanted->fixed6);
}

/* Checks Bridge=, Network=, or the default bridge if neither is set. */
int draft_check_attachment(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old)
{
        const char *bridge = draft_bridge_of(draft, device);

        if (draft_network_is_allowed(draft, device, old, bridge))
                return 0;

        return draft_needs_administer(draft, ERROR_NETWORK_NOT_ALLOWED,
                        "Network '%s': users may not use %s '%s'; the allowed ones are in %s= of "
                        "shruthi.conf",
                        device->name, bridge ? "bridge" : "libvirt network", bridge ?: device->network,
                        bridge ? "AllowedBridges" : "AllowedNetworks");
}

int draft_check_mac(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old)
{
        if (draft_mac_is_allowed(draft, device, old, draft_bridge_of(draft, device)))
                return 0;

        return draft_needs_administer(draft, ERROR_NETWORK_NOT_ALLOWED,
                        "Network '%s': only an administrator may set MACAddress= on a network of other "
                        "users; without it an address is derived",
                        device->name);
}

/* The existence of the network is checked first: whoever may create a unikernel may list the networks (and
 * /sys shows the bridges), and an administrator's authorization does not create one. */
int draft_check_network(const Draft *draft, const DefinitionDevice *device)
{
        const char *bridge = draft_bridge_of(draft, device);

        /* What is wrong with one is said with its image (user_rules_check()). */
        if (paths_are_of_user())
                return 0;
        if (!bridge && !device->network)
                return error_set(&draft->result->error, ERROR_NO_SUCH_NETWORK,
                                "Network '%s': name a bridge or a libvirt network, because shruthi.conf "
                                "has no BridgeInterface=",
                                device->name);
        if (draft->request->have_networks && bridge && !names_contain(draft->request->bridges, bridge))
                return error_set(&draft->result->error, ERROR_NO_SUCH_NETWORK,
                                "Network '%s': this host has no bridge '%s'", device->name, bridge);
        /* A network of ours that somebody has stopped is started with the guest. */
        if (draft->request->have_networks && !bridge &&
                        !names_contain(draft->request->networks, device->network) &&
                        !draft_find_claim(draft, device, NULL))
                return error_set(&draft->result->error, ERROR_NO_SUCH_NETWORK,
                                "Network '%s': libvirt has no active network '%s' (virsh net-list)",
                                device->name, device->network);

        return 0;
}

/* Finds the subnets that a device will be on, without asking libvirt; false if they are not known. */
static bool draft_find_subnets(
                const Draft *draft, const DefinitionDevice *device, Subnet *ret_subnet4, Subnet *ret_subnet6)
{
        const char *bridge = draft_bridge_of(draft, device);
        const NetworkClaim *claim = draft_find_claim(draft, device, bridge);
        const ConfBridge *told = bridge ? conf_find_bridge(draft->conf, bridge) : NULL;
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

/* Any address will do, because only its presence is checked. */
static void placeholder_fill_in(
                PlaceholderDevice *facts, const DefinitionDevice *device, int family, bool subnet)
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

int draft_check_placeholders(const Draft *draft)
{
        const Definition *definition = draft->definition;
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
                known = draft_find_subnets(draft, device, &subnet4, &subnet6);
                *filled = (PlaceholderDevice){.name = device->name, .mac = "any"};
                placeholder_fill_in(filled, device, AF_INET, !known || address_is_set(&subnet4.network));
                placeholder_fill_in(filled, device, AF_INET6, !known || address_is_set(&subnet6.network));
                facts.n_devices++;
        }

        return placeholders_expand(definition->arguments, &facts, &expanded, &draft->result->error);
}

/* The networks were checked before the import of the images, which a caller can delay: meanwhile a network
 * may be removed, and its name or bridge get a new owner, who was not considered. A removal holds this lock
 * while it reads the definitions. */
int draft_lock_networks(const Draft *draft, int *ret_lock)
{
        const Definition *definition = draft->definition;
        _cleanup_close_ int lock = -EBADF;

        for (guint i = 0; !draft_may_administer(draft) && i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];
                g_autoptr(NetworkRecord) record = NULL;
                const NetworkClaim *claim;

                if (device->kind != DEVICE_NETWORK)
                        continue;
                claim = draft_find_claim(draft, device, draft_bridge_of(draft, device));
                if (!claim)
                        continue;
                if (lock < 0)
                        lock = network_records_lock(&draft->result->error);
                if (lock < 0)
                        return lock;
                if (network_record_load(claim->name, &record, NULL) < 0 || record->state != NETWORK_READY ||
                                record->owner != claim->owner || record->group != claim->group)
                        return error_set(&draft->result->error, ERROR_BUSY,
                                        "Network '%s' is being created or removed; try again", claim->name);
        }

        *ret_lock = TAKE_FD(lock);
        return 0;
}
