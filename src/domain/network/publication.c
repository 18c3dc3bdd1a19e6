/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Publish= at a start: that the ports can be had, and the request for them. Called by start.c. And what a
 * rolling update asks about ports. Called by verbs.c. */

#include "domain/network/publication.h"

#include <inttypes.h>
#include <sys/socket.h>

#include "common/io.h"
#include "common/published-port.h"
#include "common/socket.h"
#include "common/unikernel-name.h"
#include "domain/host/antispoof-client.h"
#include "domain/host/neighbours-client.h"
#include "domain/host/protocol.h"
#include "domain/network/attachment.h"
#include "unikernel/listeners.h"
#include "unikernel/publishers.h"

static int publication_check_network(const DefinitionDevice *device, const PlanNetwork *network,
                const Attachment *attachment, Error *ret_error)
{
        if (!attachment->info)
                return error_set(ret_error, ERROR_NO_SUCH_NETWORK, PUBLISH_ON_BRIDGE_MESSAGE, device->name,
                                network->bridge, device->name);
        if (!attachment->info->bridge || (int) attachment->info->mode < 0)
                return error_set(ret_error, ERROR_NO_SUCH_NETWORK,
                                "Network '%s': the host cannot publish ports on libvirt network '%s', which "
                                "is neither nat nor routed nor isolated; remove Publish=, or attach the "
                                "guest to another network",
                                device->name, attachment->info->name);
        if (!network->interface[0])
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "Network '%s': ports are published by shruthi-antispoof, which does not "
                                "answer: see 'systemctl status shruthi-antispoof.socket "
                                "shruthi-antispoof.service'",
                                device->name);
        return 0;
}

/* What the host's ports can lead to: of one port's own family there must be an address. */
static int publication_check_addresses(const DefinitionDevice *device, const PlaceholderDevice *facts,
                const GArray *ports, Error *ret_error)
{
        bool v4 = address_is_set(&facts->address4), v6 = address_is_set(&facts->address6);

        if (!v4 && !v6)
                return error_set(ret_error, ERROR_NO_FREE_ADDRESS,
                                "Network '%s': there is no address to publish ports of; set Address=",
                                device->name);
        for (guint i = 0; i < ports->len; i++) {
                const PublishedPort *port = &g_array_index(ports, PublishedPort, i);
                g_autofree char *text = published_port_format(port);

                if (address_is_set(&port->address) && !(port->address.family == AF_INET ? v4 : v6))
                        return error_set(ret_error, ERROR_NO_FREE_ADDRESS,
                                        "Network '%s': Publish=%s: the guest has no %s address; set one in "
                                        "Address=, or publish at an %s address of the host",
                                        device->name, text, v4 ? "IPv6" : "IPv4", v4 ? "IPv4" : "IPv6");
        }
        return 0;
}

/* What programs of this host listen on; NULL if that is not known: then the guest starts all the same, since
 * it was checked when the ports were set. Elements Listener. */
static GArray *publication_list_listeners(void)
{
        g_autoptr(GArray) listeners = g_array_new(FALSE, FALSE, sizeof(Listener));
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = neighbours_ask_listeners(listeners, &error);
        if (r < 0) {
                protocol_emit(DOMAIN_KEY_NOTICE, "%s", error_message(&error, r));
                return NULL;
        }
        return g_steal_pointer(&listeners);
}

/* With the prefix length of its network, as far as that is known. */
static Address publication_address(const Address *address, const Subnet *subnet)
{
        Address result = *address;

        if (address_is_set(address) && address_is_set(&subnet->network) &&
                        address_contains(&subnet->network, address))
                result.prefix = subnet->network.prefix;
        return result;
}

static unsigned definition_idle_sec(const Definition *definition)
{
        return (unsigned) ((definition->stop_when_idle_usec + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);
}

static int publication_apply_device(virConnectPtr connection, const Plan *plan,
                const DefinitionDevice *device, const PlanNetwork *network, const GArray *listeners,
                bool demand, Error *ret_error)
{
        g_autoptr(GArray) ports = published_ports_split(device->publish);
        AntispoofPublication publication = {
                        .unikernel = plan->definition->name,
                        .demand = demand,
                        .idle_sec = demand ? definition_idle_sec(plan->definition) : 0,
                        .ports = ports,
        };
        g_autoptr(Attachment) attachment = NULL;
        int r;

        r = attachment_find(
                        connection, plan->conf, device->network, network->bridge, &attachment, ret_error);
        if (r >= 0)
                r = publication_check_network(device, network, attachment, ret_error);
        if (r >= 0)
                r = publication_check_addresses(device, &network->facts, ports, ret_error);
        if (r < 0)
                return r;
        r = listeners ? listeners_check(listeners, ports, ret_error) : 0;
        if (r >= 0) {
                g_strlcpy(publication.interface, network->interface, sizeof publication.interface);
                g_strlcpy(publication.bridge, attachment->info->bridge, sizeof publication.bridge);
                publication.address4 = publication_address(&network->facts.address4, &attachment->subnet4);
                publication.address6 = publication_address(&network->facts.address6, &attachment->subnet6);
                r = antispoof_publish(&publication, ret_error);
        }
        if (r < 0)
                error_prefix(ret_error, "Network '%s'", device->name);
        return r;
}

/* It has to know when the guest is ready, and may have ended with its last unikernel. Returns whether it can
 * be had: without it nobody would ever let packets through to this guest. */
static bool publication_wake_demand(void)
{
        _cleanup_close_ int fd = -EBADF;
        int r = socket_connect("demand", SOCK_STREAM | SOCK_NONBLOCK, 1, &fd);

        if (r >= 0 || r == -EAGAIN)
                return true;
        protocol_emit(DOMAIN_KEY_NOTICE,
                        "Activation=traffic: shruthi-demand does not answer (%s), so that the ports are "
                        "published only while the unikernel runs, and traffic does not start it: "
                        "'systemctl enable --now shruthi-demand.socket'",
                        g_strerror(-r));
        return false;
}

/* What an earlier definition had published to stay while it is stopped, on a device that it no longer has or
 * that is another now. Asked for only where shruthi-antispoof has been asked for something already. */
static void publication_end_others(const Plan *plan)
{
        const GPtrArray *devices = plan->definition->devices;
        g_autoptr(GPtrArray) interfaces = g_ptr_array_new();
        _cleanup_error_ Error error = ERROR_INIT;
        bool filtered = false;
        int r;

        for (guint i = 0; i < devices->len; i++) {
                const DefinitionDevice *device = devices->pdata[i];
                char *interface = plan->networks[i].interface;

                filtered = filtered || interface[0];
                if (device->publish && interface[0])
                        g_ptr_array_add(interfaces, interface);
        }
        g_ptr_array_add(interfaces, NULL);
        if (!filtered)
                return;
        r = antispoof_keep_only(plan->definition->name, (const char *const *) interfaces->pdata, &error);
        if (r < 0)
                protocol_emit(DOMAIN_KEY_NOTICE,
                                "Ports of an earlier definition of this unikernel may stay published: %s",
                                error_message(&error, r));
}

int publication_apply(virConnectPtr connection, const Plan *plan, Error *ret_error)
{
        const GPtrArray *devices = plan->definition->devices;
        g_autoptr(GArray) listeners = NULL;
        bool asked = false, demand;
        int r = 0;

        demand = definition_is_on_demand(plan->definition) && publication_wake_demand();

        for (guint i = 0; r >= 0 && i < devices->len; i++) {
                const DefinitionDevice *device = devices->pdata[i];

                if (!device->publish)
                        continue;
                if (!asked)
                        listeners = publication_list_listeners();
                asked = true;
                r = publication_apply_device(
                                connection, plan, device, &plan->networks[i], listeners, demand, ret_error);
        }
        if (r < 0)
                publication_withdraw(plan);
        else
                publication_end_others(plan);
        return r;
}

void publication_withdraw(const Plan *plan)
{
        const GPtrArray *devices = plan->definition->devices;

        for (guint i = 0; i < devices->len; i++) {
                const DefinitionDevice *device = devices->pdata[i];

                if (device->publish && plan->networks[i].interface[0])
                        antispoof_withdraw(plan->networks[i].interface);
        }
}

int publication_lead(const char *name, Error *ret_error)
{
        int r = name_check(name, ret_error);

        return r < 0 ? r : antispoof_lead(name, ret_error);
}

int publication_report_connections(const char *name, Error *ret_error)
{
        uint64_t count;
        int r;

        r = name_check(name, ret_error);
        if (r >= 0)
                r = antispoof_count_connections(name, &count, ret_error);
        if (r < 0)
                return r;

        protocol_emit(DOMAIN_KEY_CONNECTIONS, "%" PRIu64, count);
        return 0;
}
