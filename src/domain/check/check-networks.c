/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks what guests are attached to: bridges, libvirt's networks, ours, allocated addresses, and the limits
 * of the kernel. Called by check.c. */

#include "domain/check/check-private.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io.h"
#include "common/socket.h"
#include "common/users.h"
#include "config.h"
#include "domain/host/neighbours-client.h"
#include "unikernel/host-network.h"
#include "unikernel/lease.h"
#include "unikernel/network.h"

/* network is NULL if the host's network cannot be read. */
static void check_bridge(const HostNetwork *network, const char *bridge)
{
        g_autofree char *fix = g_strdup_printf(
                        "ip link add %s type bridge (or 'virsh net-start default' for virbr0)", bridge);

        if (!network)
                check_emit("bridge", "warning", "systemctl enable --now shruthi-neighbours.socket",
                                "Cannot check whether bridge '%s' exists", bridge);
        else if (host_network_find_bridge(network, bridge))
                check_emit("bridge", "ok", "", "Bridge '%s' exists", bridge);
        else
                check_emit("bridge", "failed", fix, "Bridge '%s', named in shruthi.conf, does not exist",
                                bridge);
}

static void check_network(const Host *host, const char *name)
{
        virNetworkPtr network = virNetworkLookupByName(host->connection, name);
        g_autofree char *fix = g_strdup_printf("virsh net-start %s", name);

        if (network && virNetworkIsActive(network) == 1)
                check_emit("network", "ok", "", "libvirt network '%s' is active", name);
        else
                check_emit("network", "failed", fix,
                                "libvirt network '%s', named in shruthi.conf, is not %s", name,
                                network ? "active" : "there");
        if (network)
                (void) virNetworkFree(network);
}

static void check_bridges(const HostNetwork *network, const Conf *conf)
{
        if (!conf->bridge_interface)
                check_emit("bridge", "warning",
                                "set BridgeInterface=virbr0 (or another bridge) in shruthi.conf",
                                "No default bridge is configured; each [Network] section has to name a "
                                "bridge or network");
        else
                check_bridge(network, conf->bridge_interface);

        for (char **bridge = conf->allowed_bridges; bridge && *bridge; bridge++)
                if (g_strcmp0(*bridge, conf->bridge_interface) != 0)
                        check_bridge(network, *bridge);
}

static void check_networks(const Host *host)
{
        for (char **network = host->conf->allowed_networks; network && *network; network++)
                check_network(host, *network);
}

static bool connection_has_network(virConnectPtr connection, const char *name, bool *ret_active)
{
        virNetworkPtr network = virNetworkLookupByName(connection, name);

        *ret_active = network && virNetworkIsActive(network) == 1;
        if (!network)
                return false;

        (void) virNetworkFree(network);
        return true;
}

/* Our networks, and whether libvirt still has them. */
static void check_made_networks(const Host *host)
{
        g_auto(GStrv) names = NULL;
        bool active;

        if (network_record_list(&names, NULL) < 0)
                return;

        for (char **name = names; *name; name++) {
                _cleanup_error_ Error error = ERROR_INIT;
                g_autoptr(NetworkRecord) record = NULL;
                int r = network_record_load(*name, &record, &error);
                bool there = connection_has_network(host->connection, *name, &active);
                g_autofree char *owner = r >= 0 ? user_name(record->owner) : NULL;

                if (r < 0)
                        check_emit("network", "failed", "", "%s", error_message(&error, r));
                else if (!there)
                        check_emit("network", "failed", "systemctl reload shruthid",
                                        "Network '%s' of user %s is missing in libvirt", *name, owner);
                else if (!active)
                        check_emit("network", "failed", "systemctl reload shruthid",
                                        "Network '%s' of user %s is not active", *name, owner);
        }
}

/* Addresses allocated in networks that libvirt no longer has. */
static void check_leases(const Host *host)
{
        g_autoptr(GPtrArray) leases = NULL;

        if (lease_list(NULL, NULL, &leases, NULL) < 0)
                return;

        for (guint i = 0; i < leases->len; i++) {
                const Lease *lease = leases->pdata[i], *last = i > 0 ? leases->pdata[i - 1] : NULL;
                g_autofree char *network = lease_key_network(lease->network);
                bool active;

                /* Leases are sorted by network: one message for each. */
                if (!network || (last && g_str_equal(last->network, lease->network)) ||
                                connection_has_network(host->connection, network, &active))
                        continue;
                check_emit("addresses", "warning",
                                "attach it to another network (shruthictl set), and start it once",
                                "Unikernel '%s' has an address in network '%s', which no longer exists in "
                                "libvirt",
                                lease->unikernel ?: "?", network);
        }
}

/* A warning at three quarters leaves time to do something about it. */
static bool usage_is_high(uint64_t used, uint64_t most)
{
        return most > 0 && used >= most - most / 4;
}

static void check_ports(const HostNetwork *network)
{
        for (guint i = 0; i < network->bridges->len; i++) {
                const HostBridge *bridge = network->bridges->pdata[i];

                if (usage_is_high(bridge->ports, BRIDGE_PORTS_MAX))
                        check_emit("bridge-ports", bridge->ports >= BRIDGE_PORTS_MAX ? "failed" : "warning",
                                        "attach further unikernels to another bridge or network",
                                        "Bridge '%s' has %u of at most %d ports; beyond that, unikernels on "
                                        "it cannot start",
                                        bridge->name, bridge->ports, BRIDGE_PORTS_MAX);
        }
}

/* given is the number of addresses of that family that guests have or may use. */
static void check_table(const char *family, const NeighbourTable *table, uint64_t given)
{
        uint64_t needed = MAX(table->used, given), most = MAX(table->most, 1);
        g_autofree char *fix = NULL;

        if (!usage_is_high(needed, table->most))
                return;

        while (most < needed * 4)
                most *= 2;
        fix = g_strdup_printf("sysctl -w net.%s.neigh.default.gc_thresh2=%" PRIu64
                              " net.%s.neigh.default.gc_thresh3=%" PRIu64
                              ", and the same two lines in /etc/sysctl.d/shruthi.conf",
                        family, most / 2, family, most);
        check_emit("neighbour-table", needed >= table->most ? "failed" : "warning", fix,
                        "The kernel keeps at most %" PRIu64
                        " neighbours of %s on all interfaces together (gc_thresh3), %" PRIu64
                        " are known, and guests have %" PRIu64
                        " addresses; beyond that, some lose their connections without an error",
                        table->most, g_str_equal(family, "ipv4") ? "IPv4" : "IPv6", table->used, given);
}

static void check_tables(const HostNetwork *network)
{
        g_autoptr(GPtrArray) leases = NULL;
        uint64_t given4 = 0, given6 = 0;

        if (lease_list(NULL, NULL, &leases, NULL) >= 0)
                for (guint i = 0; i < leases->len; i++) {
                        const Lease *lease = leases->pdata[i];

                        *(lease->address.family == AF_INET6 ? &given6 : &given4) += 1;
                }
        check_table("ipv4", &network->ipv4, given4);
        check_table("ipv6", &network->ipv6, given6);
}

void check_attachments(Host *host)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(HostNetwork) network = NULL;

        /* check_neighbours() reports if it cannot be asked. */
        (void) neighbours_ask_host(&network, &error);
        check_bridges(network, host->conf);
        check_live(host, check_networks);
        check_live(host, check_made_networks);
        check_live(host, check_leases);
        if (network) {
                check_ports(network);
                check_tables(network);
        }
}

/* systemd owns the socket, so a connection shows whether it exists. */
void check_probes(void)
{
        _cleanup_close_ int fd = -EBADF;
        int r = socket_connect("probes", SOCK_SEQPACKET, 2, &fd);

        if (r >= 0)
                check_emit("probes", "ok", "", "Guests can be checked over the network (Ready=)");
        else
                check_emit("probes", "warning", "systemctl enable --now shruthi-probe.socket",
                                "Unikernels with Ready=tcp:, http: or ping: do not become ready: "
                                "shruthi-probe.socket does not answer (%s)",
                                g_strerror(-r));
}

/* Whoever connects there only has definitions read again. */
void check_demand(void)
{
        _cleanup_close_ int fd = -EBADF;
        int r = socket_connect("demand", SOCK_STREAM | SOCK_NONBLOCK, 2, &fd);

        if (r >= 0 || r == -EAGAIN)
                check_emit("demand", "ok", "", "Traffic can start unikernels (Activation=traffic)");
        else
                check_emit("demand", "warning", "systemctl enable --now shruthi-demand.socket",
                                "Traffic starts no unikernel (Activation=traffic): shruthi-demand.socket "
                                "does not answer (%s)",
                                g_strerror(-r));
}

/* A client that leaves without naming a network is none. */
void check_links(void)
{
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!HAVE_NFTABLES) /* then there is no such service */
                return;
        r = socket_connect("switch", SOCK_SEQPACKET, 2, &fd);
        if (r >= 0)
                check_emit("links", "ok", "",
                                "Links between guests can be emulated (network create --emulated)");
        else
                check_emit("links", "warning", "systemctl enable --now shruthi-switch.socket",
                                "The guests of emulated networks do not reach each other: "
                                "shruthi-switch.socket "
                                "does not answer (%s)",
                                g_strerror(-r));
}

/* Any interface that always exists will do: the check is whether the service answers. */
void check_neighbours(void)
{
        g_autoptr(GArray) seen = g_array_new(FALSE, TRUE, sizeof(SeenAddress));
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = neighbours_ask("lo", seen, &error);
        if (r >= 0)
                check_emit("neighbours", "ok", "",
                                "Address=auto does not allocate addresses that were recently seen on the "
                                "bridge");
        else
                check_emit("neighbours", "warning", "systemctl enable --now shruthi-neighbours.socket",
                                "Address=auto does not work on bridges that libvirt does not manage, and "
                                "elsewhere only checks DHCP: %s",
                                error_message(&error, r));
}
