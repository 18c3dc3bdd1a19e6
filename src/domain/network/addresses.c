/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Addresses at a unikernel's start, creation and removal. */

#include "domain/network/addresses.h"

#include <pwd.h>
#include <string.h>

#include "common/paths.h"
#include "common/unikernel-name.h"
#include "domain/host/protocol.h"
#include "domain/network/attachment.h"
#include "domain/network/hosts.h"
#include "domain/network/networks.h"
#include "unikernel/arguments.h"
#include "unikernel/lease.h"
#include "uplink/protocol.h"

/* The allocation of one unikernel's addresses. */
typedef struct Allocation {
        virConnectPtr connection;
        Plan *plan;
        bool acquire;     /* acquire leases; otherwise use only existing ones */
        bool create;      /* for a unikernel that is being created */
        GPtrArray *own;   /* Lease: existing leases of the unikernel */
        GPtrArray *kept;  /* the leases of own that it keeps; not owned */
        unsigned n_named; /* devices that have an address */
        bool missing;     /* a device has no lease yet */
} Allocation;

/* The allocation for one device. */
typedef struct DeviceRequest {
        Allocation *allocation;
        const DefinitionDevice *device;
        PlanNetwork *network;
        Attachment *attachment;
        bool first; /* of the devices with an address: it gets the unikernel's name */
} DeviceRequest;

static const char *request_unikernel(const DeviceRequest *request)
{
        return request->allocation->plan->definition->name;
}

/* Finds the lease that the device has in that network and family. */
static Lease *request_find_own_lease(const DeviceRequest *request, int family)
{
        const GPtrArray *own = request->allocation->own;

        for (guint i = 0; i < own->len; i++) {
                Lease *lease = own->pdata[i];

                if (g_str_equal(lease->network, request->attachment->key) &&
                                g_strcmp0(lease->device, request->device->name) == 0 &&
                                lease->address.family == family)
                        return lease;
        }

        return NULL;
}

/* The addresses in use on the network are listed only for a new lease: that takes longer than all the
 * rest. */
static int request_acquire_lease(const DeviceRequest *request, const Subnet *subnet, const Address *asked,
                const Lease *own, Address *ret, Error *ret_error)
{
        Attachment *attachment = request->attachment;
        LeaseRequest lease = {
                        .network = attachment->key,
                        .subnet = subnet,
                        .asked = asked,
                        .owner = {.unikernel = request_unikernel(request),
                                        .device = request->device->name,
                                        .mac = request->network->mac},
        };
        g_autoptr(GArray) seen = g_array_new(FALSE, TRUE, sizeof(SeenAddress));
        int r;

        if (!own || (asked && !address_equal(&own->address, asked))) {
                r = attachment_list_seen(attachment, seen, ret_error);
                if (r < 0)
                        return r;
        }

        lease.seen = (const SeenAddress *) seen->data;
        lease.n_seen = seen->len;
        return lease_acquire(&lease, ret, ret_error);
}

/* Finds one address of the device; leaves it unset if the network has none of that family to allocate. */
static int request_find_address(const DeviceRequest *request, int family, Address *ret, Error *ret_error)
{
        const AddressSetting *setting = &request->device->setting;
        const Attachment *attachment = request->attachment;
        Allocation *allocation = request->allocation;
        bool v4 = family == AF_INET;
        AddressMode mode = v4 ? setting->mode4 : setting->mode6;
        const Address *asked = mode != ADDRESS_MODE_FIXED ? NULL : v4 ? &setting->fixed4 : &setting->fixed6;
        Subnet subnet = v4 ? attachment->subnet4 : attachment->subnet6;
        Lease *own = request_find_own_lease(request, family);
        int r;

        if (mode == ADDRESS_MODE_NONE)
                return 0;
        if (asked && !address_is_set(&subnet.network))
                subnet.network = address_first(asked);
        if (!address_is_set(&subnet.network))
                return 0;

        if (!allocation->acquire) {
                allocation->missing |= !own && !asked;
                *ret = asked ? *asked : own ? own->address : ADDRESS_NONE;
                return 0;
        }

        r = request_acquire_lease(request, &subnet, asked, own, ret, ret_error);
        if (r >= 0 && own && address_equal(&own->address, ret))
                g_ptr_array_add(allocation->kept, own);
        if (r < 0)
                error_prefix(ret_error, "Network '%s'", request->device->name);
        return r < 0 ? r : 0;
}

/* All addresses that the unikernel has anywhere, and those being allocated. */
static GArray *allocation_list_own(const Allocation *allocation)
{
        GArray *own = g_array_new(FALSE, FALSE, sizeof(Address));

        for (guint i = 0; i < allocation->plan->definition->devices->len; i++) {
                const PlaceholderDevice *facts = &allocation->plan->networks[i].facts;

                g_array_append_vals(own, &facts->address4, 1);
                g_array_append_vals(own, &facts->address6, 1);
        }
        for (guint i = 0; i < allocation->own->len; i++)
                g_array_append_vals(own, &((const Lease *) allocation->own->pdata[i])->address, 1);

        return own;
}

/* The name of a further device of another unikernel may equal that of a unikernel created later: the
 * unikernel gets the name, and the device loses it. */
static int request_evict_name(const DeviceRequest *request, const char *name, Error *ret_error)
{
        const Attachment *attachment = request->attachment;
        g_autoptr(GPtrArray) leases = NULL;
        int r;

        r = lease_list(attachment->key, NULL, &leases, ret_error);
        for (guint i = 0; r >= 0 && i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];
                const NetworkHost nameless = {.mac = lease->mac, .address = lease->address};
                g_autofree char *other = NULL;

                if (!lease->unikernel || g_str_equal(lease->unikernel, request_unikernel(request)))
                        continue;
                other = g_strdup_printf("%s-%s", lease->unikernel, lease->device);
                if (!g_str_equal(other, name))
                        continue;
                r = attachment_remove_host(attachment, &lease->address, ret_error);
                if (r >= 0)
                        r = attachment_enter_host(attachment, &nameless, ret_error);
        }

        return r;
}

static bool name_is_unikernel(const char *name)
{
        g_autofree char *path = NULL;
        DefinitionOrigin origin;

        return definition_find(name, &path, &origin, NULL) >= 0;
}

/* Names that programs look up on any network and trust: for their proxy (WPAD), a route to IPv6 (RFC 5214),
 * themselves (RFC 6761), and the gateway. */
static bool name_is_conventional(const char *name)
{
        static const char *const names[] = {"broadcasthost", "gateway", "isatap", "localdomain", "localhost",
                        "router", "wpad", NULL};
        g_autofree char *own = attachment_host_name();

        return g_strv_contains(names, name) || g_strcmp0(own, name) == 0;
}

/* Checks whether the unikernel can have that name in the network. Root, and a user who shares the network
 * with nobody, may use a conventional one. */
static int request_check_name(const DeviceRequest *request, const char *name, Error *ret_error)
{
        uid_t owner = request->allocation->plan->definition->owner;
        g_autoptr(GArray) own = allocation_list_own(request->allocation);
        Attachment *attachment = request->attachment;
        g_autofree char *who = NULL;

        if (owner != 0 && !(attachment->info->ours && attachment->info->owner == owner) &&
                        name_is_conventional(name))
                return error_set(ret_error, ERROR_INVALID_NAME,
                                "'%s' is a name that machines in network '%s' trust by convention; choose "
                                "another name, or address=none",
                                name, attachment->info->name);
        if (attachment_name_is_anothers(attachment, name, request->network->mac, own, &who))
                return error_set(ret_error, ERROR_INVALID_NAME,
                                "'%s' is already the name of %s; choose another name, or address=none", name,
                                who);

        return 0;
}

/* Chooses the name that the device has in DNS; NULL if none. A refused name is an error for a create; later
 * the unikernel starts without a name. */
static int request_choose_name(const DeviceRequest *request, char **ret_name, Error *ret_error)
{
        const char *unikernel = request_unikernel(request), *device = request->device->name;
        g_autofree char *name =
                        request->first ? g_strdup(unikernel) : g_strdup_printf("%s-%s", unikernel, device);
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        if (!name_is_valid(name))
                return 0;
        if (!request->first && name_is_unikernel(name)) {
                protocol_emit(DOMAIN_KEY_NOTICE,
                                "'%s' is the name of another unikernel; device '%s' has no name in DNS",
                                name, device);
                return 0;
        }

        r = request->first ? request_evict_name(request, name, &error) : 0;
        if (r >= 0)
                r = request_check_name(request, name, &error);
        if (r < 0 && request->allocation->create && error.code == ERROR_INVALID_NAME) {
                error_move(ret_error, &error);
                return r;
        }
        if (r < 0)
                protocol_emit(DOMAIN_KEY_NOTICE, "%s; device '%s' has no name in DNS",
                                error_message(&error, r), device);
        else
                *ret_name = g_steal_pointer(&name);
        return 0;
}

/* The address is right even if DHCP and DNS do not know it, so this does not fail the start. */
static int request_enter_host(const DeviceRequest *request, const Address *address, Error *ret_error)
{
        NetworkHost host = {.mac = request->network->mac, .address = *address};
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *name = NULL;
        int r;

        if (!request->allocation->acquire || !request->attachment->network || !address_is_set(address))
                return 0;

        r = request_choose_name(request, &name, ret_error);
        if (r < 0)
                return r;
        host.name = name;
        if (attachment_enter_host(request->attachment, &host, &error) < 0)
                protocol_emit(DOMAIN_KEY_NOTICE, "%s; '%s' is not known there", error.message,
                                request_unikernel(request));
        return 0;
}

/* DHCP does not give a leased address to anybody else, despite a reservation: a guest that uses DHCP would
 * get another address, from which it may not send. */
static void request_warn_of_lease(const DeviceRequest *request)
{
        const PlanNetwork *network = request->network;
        const Address *const own[] = {&network->facts.address4, &network->facts.address6};
        g_autoptr(GArray) leases = NULL;

        if (!request->allocation->acquire || attachment_read_leases(request->attachment, &leases, NULL) < 0)
                return;

        for (guint i = 0; i < leases->len; i++) {
                const DhcpLease *lease = &g_array_index(leases, DhcpLease, i);
                char ip[ADDRESS_TEXT_MAX];

                if (!lease->mac[0] || g_str_equal(lease->mac, network->mac) ||
                                (!address_equal(&lease->address, own[0]) &&
                                                !address_equal(&lease->address, own[1])))
                        continue;
                address_format_ip(&lease->address, ip);
                protocol_emit(DOMAIN_KEY_NOTICE,
                                "%s is leased by DHCP to %s; until that lease expires, DHCP gives the guest "
                                "another address, which it cannot use",
                                ip, lease->mac);
        }
}

static int request_refuse_unknown_subnet(const DeviceRequest *request, Error *ret_error)
{
        const Attachment *attachment = request->attachment;

        if (attachment->bridge && !attachment->network)
                return error_set(ret_error, ERROR_NO_FREE_ADDRESS,
                                "Network '%s': the subnet of bridge '%s' is not known; add a section "
                                "[Bridge %s] with Subnet= to shruthi.conf, or set an address",
                                request->device->name, attachment->bridge, attachment->bridge);

        return error_set(ret_error, ERROR_NO_FREE_ADDRESS,
                        "Network '%s': libvirt network '%s' has no addresses to allocate; set Address=none, "
                        "or an address",
                        request->device->name, attachment->info->name);
}

/* Also restores a network of ours that libvirt has lost or somebody has stopped. */
static int request_find_attachment(DeviceRequest *request, Error *ret_error)
{
        Allocation *allocation = request->allocation;
        const char *network = request->device->network;
        int r = 0;

        if (network && allocation->acquire && !attachment_batch_has(network))
                r = networks_restore(allocation->connection, network, ret_error);
        if (r > 0)
                protocol_emit(DOMAIN_KEY_NOTICE,
                                "Network '%s' was stopped or missing in libvirt; it was started again",
                                network);
        if (r >= 0)
                r = attachment_find(allocation->connection, allocation->plan->conf, network,
                                request->network->bridge, &request->attachment, ret_error);
        return r;
}

static int request_find_addresses(DeviceRequest *request, Error *ret_error)
{
        const Attachment *attachment = request->attachment;
        const AddressSetting *setting = &request->device->setting;
        PlaceholderDevice *facts = &request->network->facts;
        unsigned *n_named = &request->allocation->n_named;
        int r;

        request->network->on_bridge = attachment_is_on_bridge(attachment);
        if (request->network->on_bridge && attachment->bridge)
                g_strlcpy(request->network->at_bridge, attachment->bridge,
                                sizeof request->network->at_bridge);
        facts->gateway4 = attachment->subnet4.gateway;
        facts->dns4 = attachment->subnet4.dns;
        facts->gateway6 = attachment->subnet6.gateway;
        facts->dns6 = attachment->subnet6.dns;
        r = request_find_address(request, AF_INET, &facts->address4, ret_error);
        if (r >= 0)
                r = request_find_address(request, AF_INET6, &facts->address6, ret_error);
        if (r < 0)
                return r;

        if ((setting->mode4 == ADDRESS_MODE_AUTO || setting->mode6 == ADDRESS_MODE_AUTO) &&
                        !address_is_set(&attachment->subnet4.network) &&
                        !address_is_set(&attachment->subnet6.network))
                return request_refuse_unknown_subnet(request, ret_error);

        request_warn_of_lease(request);
        request->first = *n_named == 0;
        *n_named += address_is_set(&facts->address4) || address_is_set(&facts->address6);
        r = request_enter_host(request, &facts->address4, ret_error);
        return r < 0 ? r : request_enter_host(request, &facts->address6, ret_error);
}

static int allocation_find_device(Allocation *allocation, const DefinitionDevice *device,
                PlanNetwork *network, Error *ret_error)
{
        DeviceRequest request = {.allocation = allocation, .device = device, .network = network};
        int r;

        /* plan_resolve() reports what is missing. */
        if (!device->network && !network->bridge)
                return 0;

        r = request_find_attachment(&request, ret_error);
        if (r >= 0)
                r = request_find_addresses(&request, ret_error);
        attachment_free(request.attachment);
        return r;
}

/* Removes a lease's address from DHCP and DNS. Nothing to do if the network no longer exists. */
static int connection_forget_host(
                virConnectPtr connection, const Conf *conf, const Lease *lease, Error *ret_error)
{
        g_autofree char *network = lease_key_network(lease->network), *hosts_path = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Attachment) attachment = NULL;
        int r;

        if (!network)
                return 0;
        r = attachment_find(connection, conf, network, NULL, &attachment, &error);
        if (r >= 0)
                r = attachment_remove_host(attachment, &lease->address, &error);
        if (r >= 0)
                return 0;
        /* A network of ours that libvirt has lost will be restored, with its hosts. */
        hosts_path = error.code == ERROR_NO_SUCH_NETWORK ? hosts_find(network) : NULL;
        if (hosts_path)
                return hosts_leave(hosts_path, &lease->address, ret_error);
        if (error.code == ERROR_NO_SUCH_NETWORK)
                return 0;

        error_move(ret_error, &error);
        return r;
}

/* Releases the leases of devices and networks that the definition no longer has. If that fails, the next
 * start tries again. */
static void allocation_give_back_others(const Allocation *allocation)
{
        for (guint i = 0; i < allocation->own->len; i++) {
                const Lease *lease = allocation->own->pdata[i];
                _cleanup_error_ Error error = ERROR_INIT;
                int r;

                if (g_ptr_array_find(allocation->kept, lease, NULL))
                        continue;
                r = connection_forget_host(allocation->connection, allocation->plan->conf, lease, &error);
                if (r >= 0)
                        r = lease_give_back(lease, &error);
                if (r < 0)
                        protocol_emit(DOMAIN_KEY_NOTICE, "%s", error_message(&error, r));
        }
}

/* The user's name only if it cannot be read as more than one word of the arguments. */
static char *owner_name(uid_t uid)
{
        const struct passwd *passwd = getpwuid(uid);
        const char *name = passwd ? passwd->pw_name : "";

        if (name[0] && strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-") == strlen(name))
                return g_strdup(name);

        return g_strdup_printf("%u", (unsigned) uid);
}

static int allocation_fill_in_arguments(Allocation *allocation, Error *ret_error)
{
        const Definition *definition = allocation->plan->definition;
        g_autofree PlaceholderDevice *devices = g_new0(PlaceholderDevice, definition->devices->len);
        g_autofree char *owner = owner_name(definition->owner), *arguments = NULL,
                        *name = name_without_twin(definition->name);
        PlaceholderFacts facts = {
                        .name = name, .uuid = allocation->plan->uuid, .owner = owner, .devices = devices};
        int r;

        for (guint i = 0; i < definition->devices->len; i++)
                if (((const DefinitionDevice *) definition->devices->pdata[i])->kind == DEVICE_NETWORK)
                        devices[facts.n_devices++] = allocation->plan->networks[i].facts;

        r = placeholders_expand(definition->arguments, &facts, &arguments, ret_error);
        if (r < 0 && allocation->missing) {
                error_clear(ret_error);
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "'%s' has no address yet; one is allocated at its first start",
                                definition->name);
        }
        if (r >= 0)
                r = arguments_check(arguments, ret_error);
        if (r < 0)
                return r;

        g_free(allocation->plan->arguments);
        allocation->plan->arguments = g_steal_pointer(&arguments);
        return 0;
}

/* The networks of a user's own unikernel are its alone. */
static void allocation_use_uplinks(Allocation *allocation)
{
        const Definition *definition = allocation->plan->definition;
        unsigned number = 0;

        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];
                PlaceholderDevice *facts = &allocation->plan->networks[i].facts;

                if (device->kind != DEVICE_NETWORK)
                        continue;
                facts->address4 = uplink_address(number);
                facts->gateway4 = uplink_gateway(number);
                facts->dns4 = uplink_dns(number);
                number++;
        }
}

static int allocation_find_all(Allocation *allocation, Error *ret_error)
{
        const Definition *definition = allocation->plan->definition;
        bool fields = strchr(definition->arguments, '{');

        if (paths_are_of_user()) {
                allocation_use_uplinks(allocation);
                return 0;
        }
        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];
                const AddressSetting *setting = &device->setting;
                int r;

                if (device->kind != DEVICE_NETWORK || (!fields && setting->mode4 == ADDRESS_MODE_NONE &&
                                                                      setting->mode6 == ADDRESS_MODE_NONE))
                        continue;
                r = allocation_find_device(allocation, device, &allocation->plan->networks[i], ret_error);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int allocation_run(virConnectPtr connection, Plan *plan, bool acquire, bool create, Error *ret_error)
{
        g_autoptr(GPtrArray) own = NULL, kept = g_ptr_array_new();
        Allocation allocation = {.connection = connection,
                        .plan = plan,
                        .acquire = acquire,
                        .create = create,
                        .kept = kept};
        int r;

        r = lease_list(NULL, plan->definition->name, &own, ret_error);
        if (r < 0)
                return r;
        allocation.own = own;

        r = allocation_find_all(&allocation, ret_error);
        if (r >= 0)
                r = allocation_fill_in_arguments(&allocation, ret_error);
        if (r >= 0 && acquire)
                allocation_give_back_others(&allocation);
        return r;
}

int addresses_acquire(virConnectPtr connection, Plan *plan, Error *ret_error)
{
        return allocation_run(connection, plan, true, false, ret_error);
}

int addresses_allocate(virConnectPtr connection, Plan *plan, Error *ret_error)
{
        return allocation_run(connection, plan, true, true, ret_error);
}

int addresses_read(virConnectPtr connection, Plan *plan, Error *ret_error)
{
        return allocation_run(connection, plan, false, false, ret_error);
}

int addresses_release(virConnectPtr connection, const char *name, Error *ret_error)
{
        g_autoptr(GPtrArray) leases = NULL;
        g_autoptr(Conf) conf = NULL;
        int r;

        r = conf_load(&conf, ret_error);
        if (r >= 0)
                r = lease_list(NULL, name, &leases, ret_error);
        if (r < 0)
                return r;

        /* Each lease separately: if a network cannot be reached, its lease stays, and is tried again
         * later. */
        for (guint i = 0; i < leases->len; i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                int k;

                /* Released only after that, so the next owner of the address finds no old entries. */
                k = connection_forget_host(connection, conf, leases->pdata[i], &error);
                if (k >= 0)
                        k = lease_give_back(leases->pdata[i], &error);
                if (k < 0 && r >= 0) {
                        r = k;
                        error_move(ret_error, &error);
                }
        }

        return r;
}
