/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Addresses at a unikernel's start, creation and removal. */

#include "domain/addresses.h"

#include <pwd.h>
#include <string.h>

#include "common/string-util.h"
#include "domain/networks.h"
#include "domain/protocol.h"
#include "domain/segment.h"
#include "unikernel/arguments.h"
#include "unikernel/lease.h"

/* One unikernel's addresses while they are being found. */
typedef struct Round {
        virConnectPtr connection;
        Plan *plan;
        bool take;
        GPtrArray *own;   /* Lease: what it has */
        GPtrArray *kept;  /* of own: what it still has; not owned */
        unsigned n_named; /* devices that have an address */
        bool missing;     /* one has no lease yet */
} Round;

/* The lease that a device has, in that network and family. */
static Lease *find_own(const Round *round, const char *key, const char *device, int family)
{
        for (guint i = 0; i < round->own->len; i++) {
                Lease *lease = round->own->pdata[i];

                if (g_str_equal(lease->network, key) && g_strcmp0(lease->device, device) == 0 &&
                                lease->address.family == family)
                        return lease;
        }

        return NULL;
}

/* Who is on the network is looked at only for a new lease: that takes longer than all the rest. */
static int take_lease(Round *round, const Segment *segment, const DefinitionDevice *device, const char *mac,
                const Subnet *subnet, const Address *asked, const Lease *own, Address *ret, Error *ret_error)
{
        const LeaseOwner owner = {
                        .unikernel = round->plan->definition->name, .device = device->name, .mac = mac};
        g_autoptr(GArray) seen = g_array_new(FALSE, TRUE, sizeof(SeenAddress));
        int r;

        if (!own || (asked && !address_equal(&own->address, asked))) {
                r = segment_look(segment, seen, ret_error);
                if (r < 0)
                        return r;
        }

        return lease_take(segment->key, subnet, asked, &owner, (const SeenAddress *) seen->data, seen->len,
                        ret, ret_error);
}

/* One address of a device, left as it is where the network has none of that family to give. */
static int find_address(Round *round, const Segment *segment, const DefinitionDevice *device,
                const char *mac, int family, Address *ret, Error *ret_error)
{
        bool v4 = family == AF_INET;
        AddressMode mode = v4 ? device->setting.mode4 : device->setting.mode6;
        const Address *asked = mode != ADDRESS_MODE_FIXED ? NULL
                               : v4                       ? &device->setting.fixed4
                                                          : &device->setting.fixed6;
        Subnet subnet = v4 ? segment->subnet4 : segment->subnet6;
        Lease *own = find_own(round, segment->key, device->name, family);
        int r;

        if (mode == ADDRESS_MODE_NONE)
                return 0;
        if (asked && !address_is_set(&subnet.network))
                subnet.network = address_first(asked);
        if (!address_is_set(&subnet.network))
                return 0;

        if (!round->take) {
                round->missing |= !own && !asked;
                *ret = asked ? *asked : own ? own->address : ADDRESS_NONE;
                return 0;
        }

        r = take_lease(round, segment, device, mac, &subnet, asked, own, ret, ret_error);
        if (r >= 0 && own && address_equal(&own->address, ret))
                g_ptr_array_add(round->kept, own);
        if (r < 0)
                error_prefix(ret_error, "Network '%s'", device->name);
        return r < 0 ? r : 0;
}

/* Whether the network's DNS has the name for an address that is none of the unikernel's. */
static bool name_is_taken(
                const Round *round, const Segment *segment, const char *name, const Address *address)
{
        g_autofree char *prefix = g_strconcat(name, "=", NULL);
        bool taken = false;

        for (guint i = 0; segment->info && i < segment->info->host_names->len; i++) {
                const char *host = segment->info->host_names->pdata[i];
                Address found;
                bool own;

                if (!g_str_has_prefix(host, prefix) || address_parse_ip(host + strlen(prefix), &found) < 0)
                        continue;
                own = address_equal(&found, address);
                for (guint k = 0; k < round->own->len; k++)
                        own |= address_equal(&found, &((const Lease *) round->own->pdata[k])->address);
                taken |= !own;
        }

        return taken;
}

/* The name of another's further device may be that of a unikernel that was made later: whose name it is, has
 * it. */
static int oust(const Round *round, const Segment *segment, const char *name, const Address *address,
                Error *ret_error)
{
        g_autoptr(GPtrArray) leases = NULL;
        int r;

        if (!name_is_taken(round, segment, name, address))
                return 0;

        r = lease_list(segment->key, NULL, &leases, ret_error);
        for (guint i = 0; r >= 0 && i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];
                g_autofree char *other = NULL;

                if (!lease->unikernel || g_str_equal(lease->unikernel, round->plan->definition->name))
                        continue;
                other = g_strdup_printf("%s-%s", lease->unikernel, lease->device);
                if (g_str_equal(other, name))
                        r = segment_remove_host(segment, &lease->address, ret_error);
        }

        return r;
}

static bool is_unikernel(const char *name)
{
        g_autofree char *path = NULL;
        DefinitionOrigin origin;

        return definition_find(name, &path, &origin, NULL) >= 0;
}

/* The address itself is right without DHCP and DNS knowing it: no reason not to start. Of several devices
 * the first is called as the unikernel. */
static void enter_host(Round *round, const Segment *segment, const DefinitionDevice *device, const char *mac,
                const Address *address, bool first)
{
        const char *unikernel = round->plan->definition->name;
        g_autofree char *other = g_strdup_printf("%s-%s", unikernel, device->name);
        const NetworkHost host = {.name = first ? unikernel : other, .mac = mac, .address = *address};
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        if (!round->take || !address_is_set(address) || !name_is_valid(host.name))
                return;

        if (!first && is_unikernel(host.name)) {
                protocol_emit("notice",
                                "'%s' is another unikernel's name: device '%s' has none in DHCP and DNS",
                                host.name, device->name);
                return;
        }
        r = first ? oust(round, segment, host.name, address, &error) : 0;
        if (r >= 0)
                r = segment_enter_host(segment, &host, &error);
        if (r < 0)
                protocol_emit("notice", "%s; '%s' is not known there by its name", error_message(&error, r),
                                unikernel);
}

static int refuse_unknown_subnet(const Segment *segment, const DefinitionDevice *device, Error *ret_error)
{
        if (segment->bridge && !segment->network)
                return error_set(ret_error, ERROR_NO_FREE_ADDRESS,
                                "Network '%s': it is not known which addresses there are on the bridge "
                                "'%s'; write a section [Bridge %s] with Subnet= into shruthi.conf, or an "
                                "address",
                                device->name, segment->bridge, segment->bridge);

        return error_set(ret_error, ERROR_NO_FREE_ADDRESS,
                        "Network '%s': libvirt's network '%s' has no addresses to give; write Address=none, "
                        "or an address",
                        device->name, segment->info->name);
}

/* One of ours that libvirt has lost, or somebody has stopped, is there again afterwards. */
static int find_segment(Round *round, const DefinitionDevice *device, const PlanNetwork *network,
                Segment **ret_segment, Error *ret_error)
{
        int r = 0;

        if (device->network && round->take)
                r = networks_restore(round->connection, device->network, ret_error);
        if (r > 0)
                protocol_emit("notice",
                                "Network '%s' had been stopped or had gone from libvirt; it is started "
                                "again",
                                device->network);
        if (r >= 0)
                r = segment_find(round->connection, round->plan->conf, device->network, network->bridge,
                                ret_segment, ret_error);
        return r;
}

static int find_device_addresses(
                Round *round, const DefinitionDevice *device, PlanNetwork *network, Error *ret_error)
{
        const AddressSetting *setting = &device->setting;
        PlaceholderDevice *facts = &network->facts;
        g_autoptr(Segment) segment = NULL;
        bool first;
        int r;

        /* plan_resolve() says what is missing. */
        if (!device->network && !network->bridge)
                return 0;
        r = find_segment(round, device, network, &segment, ret_error);
        if (r < 0)
                return r;

        network->on_bridge = segment_is_on_bridge(segment);
        facts->gateway4 = segment->subnet4.gateway;
        facts->dns4 = segment->subnet4.dns;
        facts->gateway6 = segment->subnet6.gateway;
        facts->dns6 = segment->subnet6.dns;
        r = find_address(round, segment, device, network->mac, AF_INET, &facts->address4, ret_error);
        if (r >= 0)
                r = find_address(
                                round, segment, device, network->mac, AF_INET6, &facts->address6, ret_error);
        if (r < 0)
                return r;

        if ((setting->mode4 == ADDRESS_MODE_AUTO || setting->mode6 == ADDRESS_MODE_AUTO) &&
                        !address_is_set(&segment->subnet4.network) &&
                        !address_is_set(&segment->subnet6.network))
                return refuse_unknown_subnet(segment, device, ret_error);

        first = round->n_named == 0;
        round->n_named += address_is_set(&facts->address4) || address_is_set(&facts->address6);
        enter_host(round, segment, device, network->mac, &facts->address4, first);
        enter_host(round, segment, device, network->mac, &facts->address6, first);
        return 0;
}

/* Takes a lease's address out of DHCP and DNS. A network that is no more has nothing to be taken out of. */
static int forget_host(virConnectPtr connection, const Conf *conf, const Lease *lease, Error *ret_error)
{
        g_autofree char *network = lease_key_network(lease->network);
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Segment) segment = NULL;
        int r;

        if (!network)
                return 0;
        r = segment_find(connection, conf, network, NULL, &segment, &error);
        if (r >= 0)
                r = segment_remove_host(segment, &lease->address, &error);
        if (r >= 0 || error.code == ERROR_NO_SUCH_NETWORK)
                return 0;

        error_move(ret_error, &error);
        return r;
}

/* Of devices and networks that the definition no longer has. Where that fails, the next start tries again.
 */
static void give_back_others(const Round *round)
{
        for (guint i = 0; i < round->own->len; i++) {
                const Lease *lease = round->own->pdata[i];
                _cleanup_error_ Error error = ERROR_INIT;
                int r;

                if (g_ptr_array_find(round->kept, lease, NULL))
                        continue;
                r = forget_host(round->connection, round->plan->conf, lease, &error);
                if (r >= 0)
                        r = lease_give_back(lease, &error);
                if (r < 0)
                        protocol_emit("notice", "%s", error_message(&error, r));
        }
}

/* A name only where it cannot be taken for more than one word of the arguments. */
static char *owner_name(uid_t uid)
{
        const struct passwd *passwd = getpwuid(uid);
        const char *name = passwd ? passwd->pw_name : "";

        if (name[0] && strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-") == strlen(name))
                return g_strdup(name);

        return g_strdup_printf("%u", (unsigned) uid);
}

static int fill_in(Round *round, Error *ret_error)
{
        const Definition *definition = round->plan->definition;
        g_autofree PlaceholderDevice *devices = g_new0(PlaceholderDevice, definition->devices->len);
        g_autofree char *owner = owner_name(definition->owner), *arguments = NULL;
        PlaceholderFacts facts = {.name = definition->name,
                        .uuid = round->plan->uuid,
                        .owner = owner,
                        .devices = devices};
        int r;

        for (guint i = 0; i < definition->devices->len; i++)
                if (((const DefinitionDevice *) definition->devices->pdata[i])->kind == DEVICE_NETWORK)
                        devices[facts.n_devices++] = round->plan->networks[i].facts;

        r = placeholders_expand(definition->arguments, &facts, &arguments, ret_error);
        if (r < 0 && round->missing) {
                error_clear(ret_error);
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "'%s' has no address yet: it is given one at its first start",
                                definition->name);
        }
        if (r >= 0)
                r = arguments_check(arguments, ret_error);
        if (r < 0)
                return r;

        g_free(round->plan->arguments);
        round->plan->arguments = g_steal_pointer(&arguments);
        return 0;
}

static int find_all(Round *round, Error *ret_error)
{
        const Definition *definition = round->plan->definition;
        bool fields = strchr(definition->arguments, '{');

        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];
                const AddressSetting *setting = &device->setting;
                int r;

                if (device->kind != DEVICE_NETWORK || (!fields && setting->mode4 == ADDRESS_MODE_NONE &&
                                                                      setting->mode6 == ADDRESS_MODE_NONE))
                        continue;
                r = find_device_addresses(round, device, &round->plan->networks[i], ret_error);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int run_round(virConnectPtr connection, Plan *plan, bool take, Error *ret_error)
{
        g_autoptr(GPtrArray) own = NULL, kept = g_ptr_array_new();
        Round round = {.connection = connection, .plan = plan, .take = take, .kept = kept};
        int r;

        r = lease_list(NULL, plan->definition->name, &own, ret_error);
        if (r < 0)
                return r;
        round.own = own;

        r = find_all(&round, ret_error);
        if (r >= 0)
                r = fill_in(&round, ret_error);
        if (r >= 0 && take)
                give_back_others(&round);
        return r;
}

int addresses_take(virConnectPtr connection, Plan *plan, Error *ret_error)
{
        return run_round(connection, plan, true, ret_error);
}

int addresses_look(virConnectPtr connection, Plan *plan, Error *ret_error)
{
        return run_round(connection, plan, false, ret_error);
}

int addresses_release(virConnectPtr connection, const char *name, Error *ret_error)
{
        g_autoptr(GPtrArray) leases = NULL;
        g_autoptr(Conf) conf = NULL;
        int r;

        r = conf_load(&conf, ret_error);
        if (r >= 0)
                r = lease_list(NULL, name, &leases, ret_error);
        for (guint i = 0; r >= 0 && i < leases->len; i++)
                r = forget_host(connection, conf, leases->pdata[i], ret_error);

        /* Only now: whoever is given an address next finds nothing of this one there. */
        return r < 0 ? r : lease_release(name, NULL, ret_error);
}
