/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The methods about networks that only read. They ask libvirt, so polkit is asked first. */

#include "daemon/bus/network-bus.h"

#include <string.h>

#include "common/names.h"
#include "common/string-util.h"
#include "daemon/core/dictionary.h"
#include "daemon/state/network-leases.h"
#include "daemon/state/network-registry.h"
#include "unikernel/lease.h"

static void subnet_format(const Subnet *subnet, NetworkMode mode, char network[static ADDRESS_TEXT_MAX],
                char gateway[static ADDRESS_TEXT_MAX], char dns[static ADDRESS_TEXT_MAX])
{
        address_format(&subnet->network, network);
        address_format_ip(mode == NETWORK_ISOLATED ? &ADDRESS_NONE : &subnet->gateway, gateway);
        address_format_ip(&subnet->dns, dns);
}

/* --- the list --- */

static gint compare_networks(gconstpointer a, gconstpointer b)
{
        return strcmp(((const Network *) a)->name, ((const Network *) b)->name);
}

/* NULL if libvirt has none with that name. */
static const char *seen_network_state(const SeenNetwork *seen)
{
        if (!seen)
                return "missing";

        return seen->active ? "active" : "stopped";
}

static int network_append_row(sd_bus_message *reply, const Network *network, const SeenNetwork *seen)
{
        const NetworkRecord *record = network->loaded.record;
        char subnet[ADDRESS_TEXT_MAX], subnet6[ADDRESS_TEXT_MAX];

        address_format(&record->subnet4.network, subnet);
        address_format(&record->subnet6.network, subnet6);
        return sd_bus_message_append(reply, "(ssussos)", network->name, network_mode_to_string(record->mode),
                        (uint32_t) record->owner, subnet, subnet6, network->path, seen_network_state(seen));
}

static int networks_append_rows(sd_bus_message *reply, Manager *manager, const GPtrArray *seen)
{
        g_autoptr(GList) own = g_list_sort(g_hash_table_get_values(manager->networks), compare_networks);
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(ssussos)");
        for (GList *l = own; r >= 0 && l; l = l->next)
                if (((Network *) l->data)->announced)
                        r = network_append_row(reply, l->data,
                                        seen_networks_find(seen, ((Network *) l->data)->name));
        for (guint i = 0; r >= 0 && i < seen->len; i++) {
                const SeenNetwork *one = seen->pdata[i];

                if (!network_get(manager, one->name))
                        r = sd_bus_message_append(reply, "(ssussos)", one->name, one->mode, (uint32_t) 0,
                                        one->subnet, one->subnet6, "/", seen_network_state(one));
        }

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static void on_networks_listed(int r, Error *error, const GPtrArray *seen, void *userdata)
{
        g_autoptr(sd_bus_message) reply = NULL;
        Call *call = userdata;

        if (r >= 0)
                r = call_new_reply(call, &reply);
        if (r >= 0)
                r = networks_append_rows(reply, call->manager, seen);
        call_finish(call, reply, r, error);
}

int method_list_networks(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        PolkitDetails details = {.verb = "list the networks"};
        Manager *manager = userdata;
        Call *call;

        if (!call_authorize(manager, message, &details, SHRUTHI_ACTION_READ_NETWORK, &call))
                return 1;

        networks_look(manager, call->uid, on_networks_listed, call);
        return 1;
}

/* --- one of them --- */

typedef struct NetworkReading {
        Call *call;
        char *name;
        SeenNetwork *seen; /* NULL if libvirt has none with that name */
        char *dhcp;        /* "shruthi-domain network-leases"; NULL without a DHCP server, or if it failed */
        GPtrArray *leases; /* Lease; NULL if they cannot be read */
} NetworkReading;

static void network_reading_free(NetworkReading *reading)
{
        g_free(reading->name);
        seen_network_free(reading->seen);
        g_free(reading->dhcp);
        g_clear_pointer(&reading->leases, g_ptr_array_unref);
        g_free(reading);
}

static int network_reading_append_leases(sd_bus_message *m, const GPtrArray *leases)
{
        int r;

        r = dictionary_open_array(m, "Leases", "(sss)");
        for (guint i = 0; r >= 0 && leases && i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];
                char address[ADDRESS_TEXT_MAX];

                address_format(&lease->address, address);
                r = sd_bus_message_append(m, "(sss)", lease->unikernel ?: "", lease->device ?: "", address);
        }

        return r < 0 ? r : dictionary_close_array(m);
}

/* Only the leases of our unikernels, whoever else the server serves. */
static int network_reading_append_dhcp_leases(sd_bus_message *m, const NetworkReading *reading)
{
        const char *bridge = reading->seen ? reading->seen->bridge : "";
        g_autoptr(GHashTable) devices = dhcp_devices_find(reading->call->manager, reading->name, bridge);
        g_autoptr(GPtrArray) found = dhcp_leases_match(reading->dhcp ?: "", devices, reading->leases);
        int r;

        r = dictionary_open_array(m, "DHCPLeases", "(sss)");
        for (guint i = 0; r >= 0 && i < found->len; i++) {
                const DeviceLease *lease = found->pdata[i];
                char address[ADDRESS_TEXT_MAX];

                address_format(&lease->address, address);
                r = sd_bus_message_append(
                                m, "(sss)", lease->device->unikernel, lease->device->name, address);
        }

        return r < 0 ? r : dictionary_close_array(m);
}

static int network_append_details(sd_bus_message *m, const Network *network)
{
        char subnet[ADDRESS_TEXT_MAX], gateway[ADDRESS_TEXT_MAX], dns[ADDRESS_TEXT_MAX];
        char subnet6[ADDRESS_TEXT_MAX], gateway6[ADDRESS_TEXT_MAX], dns6[ADDRESS_TEXT_MAX];
        const NetworkRecord *record = network->loaded.record;

        subnet_format(&record->subnet4, record->mode, subnet, gateway, dns);
        subnet_format(&record->subnet6, record->mode, subnet6, gateway6, dns6);
        return sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "Name", "s",
                        network->name, "Managed", "b", 1, "Owner", "u", (uint32_t) record->owner, "Group",
                        "s", network->loaded.group_name, "Mode", "s", network_mode_to_string(record->mode),
                        "Active", "b", (int) network->active, "Bridge", "s",
                        network->bridge ?: record->bridge ?: "", "Subnet", "s", subnet, "Gateway", "s",
                        gateway, "DNS", "s", dns, "IPv6Subnet", "s", subnet6, "IPv6Gateway", "s", gateway6,
                        "IPv6DNS", "s", dns6);
}

static int seen_network_append_details(sd_bus_message *m, const SeenNetwork *seen)
{
        return sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "Name", "s",
                        seen->name, "Managed", "b", 0, "Owner", "u", (uint32_t) 0, "Group", "s", "", "Mode",
                        "s", seen->mode, "Active", "b", (int) seen->active, "Bridge", "s", seen->bridge,
                        "Subnet", "s", seen->subnet, "Gateway", "s", seen->gateway, "DNS", "s", seen->dns,
                        "IPv6Subnet", "s", seen->subnet6, "IPv6Gateway", "s", seen->gateway6, "IPv6DNS", "s",
                        seen->dns6);
}

/* It may have a different owner, or have become one of ours, since the call was authorized. */
static int network_reading_check_owner(
                const NetworkReading *reading, const Network *network, Error *ret_error)
{
        const Call *call = reading->call;

        if (g_strcmp0(call->owner, network ? network->loaded.owner_name : "root") == 0 &&
                        g_strcmp0(call->group, network ? network->loaded.group_name : "") == 0)
                return 0;

        return error_set(ret_error, ERROR_BUSY, "The owner of network '%s' has changed meanwhile; try again",
                        reading->name);
}

static int network_reading_fill(const NetworkReading *reading, sd_bus_message **ret_reply, Error *ret_error)
{
        g_autofree char *shown = text_for_display(reading->name, 80);
        g_autoptr(sd_bus_message) reply = NULL;
        Network *network = network_get(reading->call->manager, reading->name);
        int r;

        if (network && !network->announced)
                network = NULL;
        r = network_reading_check_owner(reading, network, ret_error);
        if (r < 0)
                return r;
        if (!network && !reading->seen)
                return error_set(ret_error, ERROR_NO_SUCH_NETWORK, "There is no network '%s'", shown);

        r = call_new_reply(reading->call, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0)
                r = network ? network_append_details(reply, network)
                            : seen_network_append_details(reply, reading->seen);
        if (r >= 0)
                r = sd_bus_message_append(reply, "{sv}{sv}{sv}", "Emulated", "b",
                                (int) (network && network->loaded.record->emulated), "Fleet", "s",
                                network ? network->loaded.record->fleet ?: "" : "", "State", "s",
                                seen_network_state(reading->seen));
        if (r >= 0)
                r = network_reading_append_leases(reply, reading->leases);
        if (r >= 0)
                r = network_reading_append_dhcp_leases(reply, reading);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot create the reply");

        *ret_reply = g_steal_pointer(&reply);
        return 0;
}

static void network_reading_run(void *userdata)
{
        NetworkReading *reading = userdata;
        g_autofree char *key = lease_network_key(true, reading->name);

        if (key)
                (void) lease_list(key, NULL, &reading->leases, NULL);
}

static void network_reading_done(void *userdata)
{
        g_autoptr(sd_bus_message) reply = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        NetworkReading *reading = userdata;
        int r;

        r = network_reading_fill(reading, &reply, &error);
        if (r < 0)
                call_fail(reading->call, &error, r);
        else
                call_send(reading->call, reply);
        network_reading_free(reading);
}

static void network_reading_start(NetworkReading *reading)
{
        worker_run(reading->call->manager->worker, reading->call->uid, NULL, network_reading_run,
                        network_reading_done, reading);
}

/* If this fails, the rest is returned without them. */
static void on_network_dhcp_leases(int r, Error *error, const char *output, void *userdata)
{
        NetworkReading *reading = userdata;

        if (r >= 0)
                reading->dhcp = g_strdup(output);
        network_reading_start(reading);
}

static void on_network_seen(int r, Error *error, const GPtrArray *seen, void *userdata)
{
        NetworkReading *reading = userdata;

        if (r < 0) {
                call_fail(reading->call, error, r);
                network_reading_free(reading);
                return;
        }

        reading->seen = seen_network_copy(seen_networks_find(seen, reading->name));
        if (reading->seen && reading->seen->active)
                libvirt_helper_run(reading->call->manager->helper, reading->call->uid, "network-leases",
                                reading->name, on_network_dhcp_leases, reading);
        else
                network_reading_start(reading);
}

static int network_method_read_details(
                sd_bus_message *message, Manager *manager, const PolkitDetails *details)
{
        NetworkReading *reading;
        Call *call;

        if (!call_authorize(manager, message, details, SHRUTHI_ACTION_READ_NETWORK, &call))
                return 1;

        reading = g_new0(NetworkReading, 1);
        *reading = (NetworkReading){.call = call, .name = g_strdup(details->network)};
        networks_look(manager, call->uid, on_network_seen, reading);
        return 1;
}

int network_method_get_details(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Network *network = userdata;
        PolkitDetails details = network_polkit_details(network, "read");

        return network_method_read_details(message, network->manager, &details);
}

/* A network that is not ours counts as root's. Only authorized callers learn whether libvirt has such a
 * network. */
int method_get_network_details(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        PolkitDetails details = {.verb = "read", .owner = "root", .group = ""};
        Manager *manager = userdata;
        Network *network;
        int r;

        r = sd_bus_message_read(message, "s", &details.network);
        if (r < 0)
                return reply_invalid_args(message, r);

        network = network_get(manager, details.network);
        if (network && network->announced)
                details = network_polkit_details(network, "read");

        return network_method_read_details(message, manager, &details);
}
