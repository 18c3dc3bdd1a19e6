/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who gets which address. Called by shruthid when a unikernel is created and removed, and by the runner's
 * helper at each start. */

#include "unikernel/lease.h"

#include <string.h>

#include "common/paths.h"
#include "common/unikernel-name.h"
#include "unikernel/lease-private.h"

/* Between lease_list_hold() and lease_list_release(): all leases. */
static GPtrArray *held;

void lease_list_hold(void)
{
        g_autoptr(GPtrArray) all = NULL;

        if (held || lease_list(NULL, NULL, &all, NULL) < 0)
                return;
        held = g_steal_pointer(&all);
}

void lease_list_release(void)
{
        g_clear_pointer(&held, g_ptr_array_unref);
}

static void lease_note(const char *network, const Address *address, const LeaseOwner *owner)
{
        const Lease lease = {.network = (char *) network,
                        .address = *address,
                        .unikernel = (char *) owner->unikernel,
                        .device = (char *) owner->device,
                        .mac = (char *) owner->mac};

        if (held)
                g_ptr_array_add(held, lease_copy(&lease));
}

static void leases_add_held(const char *network, const char *unikernel, GPtrArray *leases)
{
        for (guint i = 0; i < held->len; i++) {
                const Lease *lease = held->pdata[i];

                if ((!network || g_str_equal(lease->network, network)) &&
                                (!unikernel || g_strcmp0(lease->unikernel, unikernel) == 0))
                        g_ptr_array_add(leases, lease_copy(lease));
        }
}

static bool lease_is_of(const Lease *lease, const LeaseOwner *owner)
{
        return g_strcmp0(lease->unikernel, owner->unikernel) == 0 &&
               g_strcmp0(lease->device, owner->device) == 0;
}

/* Who has the address: *ret_lease if a lease of this network has it (also the owner's own), or *ret_seen.
 * Both NULL if it is free. */
static void lease_find_holder(const LeaseFolder *folder, const LeaseRequest *request, const Address *address,
                Lease **ret_lease, const SeenAddress **ret_seen)
{
        g_autofree char *released = NULL;

        *ret_seen = NULL;
        *ret_lease = lease_find(folder, address);
        if (*ret_lease)
                return;

        for (size_t i = 0; i < request->n_seen && !*ret_seen; i++) {
                const SeenAddress *seen = &request->seen[i];

                if (!address_equal(&seen->address, address) || g_strcmp0(seen->mac, request->owner.mac) == 0)
                        continue;
                if (seen->mac[0] && !released)
                        released = lease_released_read(folder) ?: g_strdup("");
                /* A DHCP server gives an address that it has leased to nobody else, even if the holder has
                 * gone. */
                if (seen->by == SEEN_BY_LEASE || !seen->mac[0] || !strstr(released, seen->mac))
                        *ret_seen = seen;
        }
}

static int lease_refuse_taken(
                const Address *address, const Lease *lease, const SeenAddress *seen, Error *ret_error)
{
        char ip[ADDRESS_TEXT_MAX];

        address_format_ip(address, ip);
        if (lease && lease->unikernel)
                return error_set(ret_error, ERROR_ADDRESS_IN_USE,
                                "%s is allocated to unikernel '%s' (device '%s'); choose another address, "
                                "or auto",
                                ip, lease->unikernel, lease->device);
        if (lease)
                return error_set(ret_error, ERROR_ADDRESS_IN_USE,
                                "%s has a lease that cannot be read, %s/leases/%s/%s: remove that file if "
                                "nobody uses the address",
                                ip, paths_state_dir(), lease->network, ip);

        return error_set(ret_error, ERROR_ADDRESS_IN_USE,
                        "%s is in use%s%s: %s. Choose another address, or auto", ip,
                        seen->mac[0] ? " by " : "", seen->mac, seen_by_to_string(seen->by));
}

static int lease_choose_asked(
                const LeaseFolder *folder, const LeaseRequest *request, Address *ret, Error *ret_error)
{
        g_autoptr(Lease) lease = NULL;
        const SeenAddress *found;
        int r;

        r = subnet_check_host(request->subnet, request->asked, ret_error);
        if (r < 0)
                return r;

        lease_find_holder(folder, request, request->asked, &lease, &found);
        if (found || (lease && !lease_is_of(lease, &request->owner)))
                return lease_refuse_taken(request->asked, lease, found, ret_error);

        *ret = *request->asked;
        return 0;
}

static char *lease_seed(const LeaseOwner *owner)
{
        return g_strdup_printf("%s/%s", owner->unikernel, owner->device);
}

static int lease_choose_free(
                const LeaseFolder *folder, const LeaseRequest *request, Address *ret, Error *ret_error)
{
        g_autofree char *seed = lease_seed(&request->owner);
        SubnetWalk walk = subnet_walk(request->subnet, seed);
        char network[ADDRESS_TEXT_MAX];
        bool leased = false;
        Address address;

        while (subnet_walk_next(&walk, &address)) {
                g_autoptr(Lease) lease = NULL;
                const SeenAddress *found;

                lease_find_holder(folder, request, &address, &lease, &found);
                if (!found && (!lease || lease_is_of(lease, &request->owner))) {
                        *ret = address;
                        return 0;
                }
                leased |= found && found->by == SEEN_BY_LEASE;
        }

        address_format(&request->subnet->network, network);
        return error_set(ret_error, ERROR_NO_FREE_ADDRESS,
                        "all addresses of network %s are in use: remove unikernels that are not needed, or "
                        "use a larger network%s",
                        network,
                        leased ? "; some become free when their DHCP leases expire (virsh net-dhcp-leases)"
                               : "");
}

/* The device's leases of that family in this network: one, or two after a crash. */
static int lease_find_own(const LeaseFolder *folder, const LeaseOwner *owner, int family, GPtrArray **ret)
{
        g_autoptr(GPtrArray) leases = g_ptr_array_new_with_free_func(lease_destroy);
        int r = 0;

        if (held)
                leases_add_held(folder->network, owner->unikernel, leases);
        else
                r = lease_folder_read(folder->network, owner->unikernel, leases);
        if (r < 0)
                return r;

        for (guint i = leases->len; i > 0; i--) {
                const Lease *lease = leases->pdata[i - 1];

                if (!lease_is_of(lease, owner) || lease->address.family != family)
                        g_ptr_array_remove_index_fast(leases, i - 1);
        }

        *ret = g_steal_pointer(&leases);
        return 0;
}

/* The first of the device's leases that the subnet still allows. */
static const Lease *lease_find_usable(const GPtrArray *own, const Subnet *subnet)
{
        for (guint i = 0; i < own->len; i++) {
                const Lease *lease = own->pdata[i];

                if (subnet_check_host(subnet, &lease->address, NULL) >= 0)
                        return lease;
        }

        return NULL;
}

/* The new lease is written first, then the old ones are removed: a crash in between leaves one too many,
 * never one too few. */
static int lease_settle(const LeaseFolder *folder, const GPtrArray *own, const Address *address,
                const LeaseOwner *owner)
{
        bool written = false;
        int r;

        for (guint i = 0; i < own->len; i++) {
                const Lease *lease = own->pdata[i];

                written |= address_equal(&lease->address, address) &&
                           lease->address.prefix == address->prefix && g_str_equal(lease->mac, owner->mac);
        }
        if (!written) {
                r = lease_write(folder, address, owner);
                if (r < 0)
                        return r;
                lease_note(folder->network, address, owner);
        }

        for (guint i = 0; i < own->len; i++) {
                const Lease *lease = own->pdata[i];

                if (address_equal(&lease->address, address))
                        continue;
                r = lease_remove(folder, &lease->address);
                if (r < 0 && r != -ENOENT)
                        return r;
        }

        return 0;
}

/* Looks for the device's lease where it is most likely, so that an ordinary start reads a file or two and
 * not all of them: at the address that is asked for, or where the choice by name would have ended. */
static bool lease_find_at_hand(const LeaseFolder *folder, const LeaseRequest *request, Address *ret)
{
        g_autofree char *seed = lease_seed(&request->owner);
        SubnetWalk walk = subnet_walk(request->subnet, seed);
        const Address *asked = request->asked;
        Address address;

        while (asked || subnet_walk_next(&walk, &address)) {
                g_autoptr(Lease) lease = lease_find(folder, asked ?: &address);

                if (lease && lease_is_of(lease, &request->owner) &&
                                g_str_equal(lease->mac, request->owner.mac) &&
                                (!asked || lease->address.prefix == asked->prefix) &&
                                subnet_check_host(request->subnet, &lease->address, NULL) >= 0) {
                        *ret = lease->address;
                        return true;
                }
                if (asked || !lease)
                        break;
        }

        return false;
}

static bool word_is_line(const char *text)
{
        return text && text[0] && !strpbrk(text, "\r\n");
}

int lease_acquire(const LeaseRequest *request, Address *ret_address, Error *ret_error)
{
        _cleanup_lease_folder_ LeaseFolder folder = LEASE_FOLDER_INIT;
        const LeaseOwner *owner = &request->owner;
        g_autoptr(GPtrArray) own = NULL;
        const Lease *usable;
        Address address;
        int r;

        if (!lease_key_is_valid(request->network) || !name_is_valid(owner->unikernel) ||
                        !word_is_line(owner->device) || !word_is_line(owner->mac))
                return error_set(ret_error, ERROR_INVALID_ARGS, "Malformed request for an address");

        r = lease_folder_lock(request->network, true, &folder);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot lock the leases of %s", request->network);
        if (lease_find_at_hand(&folder, request, ret_address))
                return 0;
        r = lease_find_own(&folder, owner, request->subnet->network.family, &own);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot read the leases of %s", request->network);

        usable = request->asked ? NULL : lease_find_usable(own, request->subnet);
        if (usable)
                address = usable->address;
        else if (request->asked)
                r = lease_choose_asked(&folder, request, &address, ret_error);
        else
                r = lease_choose_free(&folder, request, &address, ret_error);
        if (r < 0)
                return r;

        r = lease_settle(&folder, own, &address, owner);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot write the lease of an address of %s",
                                request->network);

        *ret_address = address;
        return 0;
}

static int give_back(const Lease *lease)
{
        _cleanup_lease_folder_ LeaseFolder folder = LEASE_FOLDER_INIT;
        g_autoptr(Lease) found = NULL;
        int r;

        r = lease_folder_lock(lease->network, false, &folder);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        found = lease_find(&folder, &lease->address);
        if (!found || g_strcmp0(found->unikernel, lease->unikernel) != 0 ||
                        g_strcmp0(found->device, lease->device) != 0)
                return 0;

        r = lease_released_add(&folder, lease->mac);
        return r < 0 ? r : lease_remove(&folder, &lease->address);
}

int lease_give_back(const Lease *lease, Error *ret_error)
{
        int r = give_back(lease);

        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot release an address of '%s'", lease->unikernel);

        return 0;
}

static gint compare_leases(gconstpointer pa, gconstpointer pb)
{
        const Lease *a = *(const Lease *const *) pa, *b = *(const Lease *const *) pb;
        int by_network = strcmp(a->network, b->network);

        if (by_network != 0)
                return by_network;
        if (a->address.family != b->address.family)
                return a->address.family < b->address.family ? -1 : 1;
        return memcmp(a->address.bytes, b->address.bytes, sizeof a->address.bytes);
}

int lease_list(const char *network, const char *unikernel, GPtrArray **ret_leases, Error *ret_error)
{
        g_autoptr(GPtrArray) leases = g_ptr_array_new_with_free_func(lease_destroy);
        g_auto(GStrv) networks = NULL;
        int r;

        if (network && !lease_key_is_valid(network))
                return error_set(ret_error, ERROR_INVALID_ARGS, "Not the key of a network");

        if (held)
                leases_add_held(network, unikernel, leases);
        r = held ? 0 : lease_folder_list(&networks);
        for (char **key = networks; key && r >= 0 && *key; key++)
                if (!network || g_str_equal(*key, network))
                        r = lease_folder_read(*key, unikernel, leases);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot read the leases");

        g_ptr_array_sort(leases, compare_leases);
        *ret_leases = g_steal_pointer(&leases);
        return 0;
}

int lease_forget_network(const char *network, Error *ret_error)
{
        _cleanup_lease_folder_ LeaseFolder folder = LEASE_FOLDER_INIT;
        g_autoptr(GPtrArray) leases = g_ptr_array_new_with_free_func(lease_destroy);
        int r;

        if (!lease_key_is_valid(network))
                return error_set(ret_error, ERROR_INVALID_ARGS, "Not the key of a network");

        r = lease_folder_lock(network, false, &folder);
        if (r == -ENOENT)
                return 0;
        if (r >= 0)
                r = lease_folder_read(network, NULL, leases);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot read the leases of %s", network);
        if (leases->len > 0) {
                const Lease *lease = leases->pdata[0];
                char ip[ADDRESS_TEXT_MAX];

                address_format_ip(&lease->address, ip);
                return error_set(ret_error, ERROR_ADDRESS_IN_USE,
                                "%s is in use: unikernel '%s' has the address %s in it", network,
                                lease->unikernel ?: "?", ip);
        }

        r = lease_folder_remove(&folder);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot remove the leases of %s", network);

        return 0;
}
