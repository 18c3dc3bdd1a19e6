/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Creates, restores and removes libvirt networks. Called by verbs.c for shruthid, and by addresses.c and
 * reattach.c for a network that libvirt has lost. */

#include "domain/network/networks.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"
#include "common/io.h"
#include "domain/host/protocol.h"
#include "domain/host/virt.h"
#include "domain/network/attachment.h"
#include "domain/network/hosts.h"
#include "domain/network/subnets.h"
#include "domain/xml/network-create.h"
#include "unikernel/definition.h"
#include "unikernel/lease.h"
#include "unikernel/process.h"

#define ANSWER_GUARD    120 /* seconds; starting one waits for dnsmasq and the firewall */
#define BRIDGE_TRIES    40  /* to skip bridges with leases of removed networks */
#define LEASES_PAUSE    (G_USEC_PER_SEC / 2)
#define LIBVIRTS_BRIDGE "virbr"

/* The work on one network, under the lock of all. */
typedef struct NetworkTask {
        Conf *conf;
        int lock_fd;
        virConnectPtr connection;
        NetworkRecord *record;
        virNetworkPtr network; /* ours in libvirt; NULL if none */
        NetworkInfo *info;     /* of that */
        char *bridge;          /* chosen by us; NULL if libvirt chooses, or the record has it */
        bool hosts_are_new;    /* neither libvirt nor our files knew its hosts */
} NetworkTask;

#define NETWORK_TASK_INIT ((NetworkTask){.lock_fd = -EBADF})

static void network_task_clear(NetworkTask *task)
{
        g_free(task->bridge);
        if (task->network)
                (void) virNetworkFree(task->network);
        network_info_free(task->info);
        virt_connection_unref(&task->connection);
        network_record_free(task->record);
        conf_free(task->conf);
        close_safe(task->lock_fd);
}
#define _cleanup_network_task_ __attribute__((cleanup(network_task_clear)))

static int network_task_connect(NetworkTask *task, Error *ret_error)
{
        int r;

        r = conf_load(&task->conf, ret_error);
        if (r >= 0)
                r = virt_setup(ret_error);
        if (r < 0)
                return r;

        protocol_guard(ANSWER_GUARD, "manage networks");
        return virt_connect(task->conf->libvirt_uri, &task->connection, ret_error);
}

/* Locks first, so that the record stays valid until this is done. *ret_foreign says that the network with
 * that name is not ours; then nothing else is known about it. */
static int network_task_begin(const char *name, NetworkTask *task, bool *ret_foreign, Error *ret_error)
{
        g_autoptr(NetworkInfo) info = NULL;
        virNetworkPtr network;
        int r;

        task->lock_fd = network_records_lock(ret_error);
        if (task->lock_fd < 0)
                return task->lock_fd;
        r = network_record_load(name, &task->record, ret_error);
        if (r >= 0)
                r = network_task_connect(task, ret_error);
        if (r < 0)
                return r;

        *ret_foreign = false;
        network = virNetworkLookupByName(task->connection, name);
        if (!network)
                return virGetLastErrorCode() == VIR_ERR_NO_NETWORK
                                       ? 0
                                       : virt_error_set(ret_error, task->connection, ERROR_FAILED,
                                                         "Cannot look up libvirt network '%s'", name);

        r = attachment_read_info(task->connection, network, &info, ret_error);
        if (r >= 0 && info->ours && info->owner == task->record->owner) {
                task->network = network;
                task->info = g_steal_pointer(&info);
        } else {
                *ret_foreign = true;
                (void) virNetworkFree(network);
        }
        return r;
}

static int network_task_remove(NetworkTask *task, Error *ret_error)
{
        const char *name = task->record->name;

        if (!task->network)
                return 0;
        if (virNetworkIsActive(task->network) == 1 && virNetworkDestroy(task->network) < 0)
                return virt_error_set(
                                ret_error, task->connection, ERROR_FAILED, "Cannot stop network '%s'", name);
        if (virNetworkIsPersistent(task->network) == 1 && virNetworkUndefine(task->network) < 0)
                return virt_error_set(ret_error, task->connection, ERROR_FAILED,
                                "Cannot remove network '%s'", name);

        (void) virNetworkFree(task->network);
        task->network = NULL;
        return 0;
}

/* Copies the hosts of a network created by a former version, which entered them in libvirt, to the files
 * that dnsmasq reads now. */
static int network_info_copy_hosts(const NetworkInfo *info, const char *hosts_path, Error *ret_error)
{
        int r = 0;

        for (guint i = 0; r >= 0 && i < info->reserved->len; i++) {
                const SeenAddress *seen = &g_array_index(info->reserved, SeenAddress, i);
                g_autofree char *name = NULL, *suffix = NULL;
                NetworkHost host = {.mac = seen->mac, .address = seen->address};
                char ip[ADDRESS_TEXT_MAX];

                if (seen->by != SEEN_BY_DHCP)
                        continue;
                address_format_ip(&seen->address, ip);
                suffix = g_strconcat("=", ip, NULL);
                for (guint k = 0; !name && k < info->host_names->len; k++)
                        if (g_str_has_suffix(info->host_names->pdata[k], suffix))
                                name = g_strndup(info->host_names->pdata[k],
                                                strlen(info->host_names->pdata[k]) - strlen(suffix));
                host.name = name;
                r = hosts_enter(hosts_path, &host, ret_error);
        }

        return r;
}

static int network_task_format(
                const NetworkTask *task, const char *hosts_path, char **ret_xml, Error *ret_error)
{
        const NetworkRecord *record = task->record;
        const NetworkInfo *former = task->info;
        g_autofree char *host_name = attachment_host_name();
        const NetworkSettings settings = {
                        .uuid = former ? former->uuid : NULL,
                        .hosts_path = hosts_path,
                        .host_name = host_name,
                        .name = record->name,
                        .owner = record->owner,
                        .mode = record->mode,
                        .emulated = record->emulated,
                        .bridge = former ? former->bridge : task->bridge ?: record->bridge,
                        .subnet4 = address_is_set(&record->subnet4.network) ? &record->subnet4 : NULL,
                        .subnet6 = address_is_set(&record->subnet6.network) ? &record->subnet6 : NULL,
        };

        return network_create_format(&settings, ret_xml, ret_error);
}

/* Replaces the network in task->info if it is set. */
static int network_task_define(NetworkTask *task, Error *ret_error)
{
        g_autofree char *hosts_path = hosts_find(task->record->name), *xml = NULL;
        int r;

        task->hosts_are_new = !hosts_path && !task->info;
        g_clear_pointer(&hosts_path, g_free);
        r = hosts_make(task->record->name, &hosts_path, ret_error);
        if (r >= 0 && task->info)
                r = network_info_copy_hosts(task->info, hosts_path, ret_error);
        if (r >= 0)
                r = network_task_format(task, hosts_path, &xml, ret_error);
        if (r < 0)
                return r;

        task->network = virNetworkDefineXML(task->connection, xml);
        return 0;
}

static int network_task_start(NetworkTask *task, Error *ret_error)
{
        const char *name = task->record->name;
        int r;

        r = task->network ? 0 : network_task_define(task, ret_error);
        if (r < 0)
                return r;
        if (!task->network || virNetworkSetAutostart(task->network, 1) < 0)
                return virt_error_set(ret_error, task->connection, ERROR_FAILED,
                                "Cannot define network '%s'", name);
        if (virNetworkIsActive(task->network) != 1 && virNetworkCreate(task->network) < 0)
                return virt_error_set(ret_error, task->connection, ERROR_FAILED, "Cannot start network '%s'",
                                name);

        return 0;
}

/* Guests that are processes and attached to it. */
static void names_add_processes(GString *names, const char *network, const char *bridge)
{
        g_auto(GStrv) all = process_list();

        for (char **name = all; *name; name++) {
                g_autoptr(GPtrArray) ports = process_read_ports(*name);
                bool there = false;

                for (guint i = 0; i < ports->len; i++) {
                        const ProcessPort *port = ports->pdata[i];

                        there = there || g_strcmp0(port->network, network) == 0 ||
                                g_strcmp0(port->bridge, bridge) == 0;
                }
                if (there)
                        g_string_append_printf(names, "%s'%s'", names->len > 0 ? ", " : "", *name);
        }
}

/* The names of the domains that are attached to it, by its name or its bridge, running or not, and of
 * processes. */
static char *network_task_find_domains(const NetworkTask *task)
{
        char *bridge = virNetworkGetBridgeName(task->network);
        virDomainPtr *domains = NULL;
        int n = virConnectListAllDomains(task->connection, &domains, 0);
        GString *names = g_string_new(NULL);

        for (int i = 0; i < n; i++) {
                char *xml = virDomainGetXMLDesc(domains[i], 0);

                if (xml && domain_xml_is_on_network(xml, task->record->name, bridge))
                        g_string_append_printf(names, "%s'%s'", names->len > 0 ? ", " : "",
                                        virDomainGetName(domains[i]));
                free(xml);
                (void) virDomainFree(domains[i]);
        }
        free(domains);
        names_add_processes(names, task->record->name, bridge);
        free(bridge);

        return g_string_free(names, FALSE);
}

/* Creates a network of a former version again if nobody is on it, because users would be cut off. Until then
 * it works as before. */
static int network_task_renew(NetworkTask *task, Error *ret_error)
{
        g_autofree char *domains = NULL;
        int r;

        if (!task->network || task->info->hosts_path)
                return 0;
        domains = network_task_find_domains(task);
        if (domains[0])
                return 0;

        r = network_task_remove(task, ret_error);
        return r < 0 ? r : network_task_define(task, ret_error);
}

/* A network that is not active has no leases of its own. Leases that cannot be read are not its own
 * either. */
static bool network_task_has_leases(const NetworkTask *task)
{
        virNetworkDHCPLeasePtr *leases = NULL;
        int n = virNetworkGetDHCPLeases(task->network, NULL, &leases, 0);

        for (int i = 0; i < n; i++)
                virNetworkDHCPLeaseFree(leases[i]);
        free(leases);
        return n != 0;
}

/* libvirt always uses the first free number. */
static void network_task_choose_bridge(NetworkTask *task)
{
        char *name = task->network ? virNetworkGetBridgeName(task->network) : NULL;
        const char *former = task->bridge ?: name;
        guint64 number;

        if (!task->record->bridge && former && g_str_has_prefix(former, LIBVIRTS_BRIDGE) &&
                        g_ascii_string_to_unsigned(former + strlen(LIBVIRTS_BRIDGE), 10, 0, UINT16_MAX,
                                        &number, NULL)) {
                g_free(task->bridge);
                task->bridge = g_strdup_printf(LIBVIRTS_BRIDGE "%" G_GUINT64_FORMAT, number + 1);
        } else
                g_usleep(LEASES_PAUSE);
        free(name);
}

/* dnsmasq's helper continues after dnsmasq has ended, for a minute if there were many leases, and writes the
 * leases of a network that libvirt has removed. The next network on a bridge with that name would have to
 * serve them, and does not start if there are too many. So another bridge is used; if the caller named the
 * bridge, this waits. */
static int network_task_start_new(NetworkTask *task, Error *ret_error)
{
        for (unsigned int i = 0;; i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                bool last = i == BRIDGE_TRIES;
                int r = network_task_define(task, ret_error);

                if (r < 0)
                        return r;
                if (last || !task->network || !network_task_has_leases(task)) {
                        r = network_task_start(task, &error);
                        if (r >= 0)
                                return 0;
                        /* Another interface may have the name that we chose. */
                        if (last || (!task->bridge && !(task->network && network_task_has_leases(task)))) {
                                error_move(ret_error, &error);
                                return r;
                        }
                }

                network_task_choose_bridge(task);
                r = network_task_remove(task, ret_error);
                if (r < 0)
                        return r;
        }
}

/* Enters the hosts from leases if libvirt has lost the network and our files of its hosts are missing
 * too. */
static void network_task_enter_leases(const NetworkTask *task)
{
        const char *network = task->record->name;
        g_autofree char *key = lease_network_key(true, network);
        g_autoptr(Attachment) attachment = NULL;
        g_autoptr(GPtrArray) leases = NULL;

        if (attachment_find(task->connection, task->conf, network, NULL, &attachment, NULL) < 0 ||
                        lease_list(key, NULL, &leases, NULL) < 0)
                return;
        for (guint i = 0; i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];
                const NetworkHost host = {
                                .name = lease->unikernel, .mac = lease->mac, .address = lease->address};

                /* What is not entered now is entered at the next start. */
                if (lease->unikernel && lease->mac)
                        (void) attachment_enter_host(attachment, &host, NULL);
        }
}

static int network_refuse_foreign(const char *name, Error *ret_error)
{
        return error_set(ret_error, ERROR_NETWORK_EXISTS,
                        "libvirt has another network '%s' (virsh net-dumpxml %s)", name, name);
}

int networks_create(const char *name, Error *ret_error)
{
        _cleanup_network_task_ NetworkTask task = NETWORK_TASK_INIT;
        bool foreign, creating;
        char *bridge;
        int r;

        r = network_task_begin(name, &task, &foreign, ret_error);
        if (r < 0)
                return r;
        if (foreign)
                return network_refuse_foreign(name, ret_error);
        if (task.record->state == NETWORK_REMOVING)
                return error_set(ret_error, ERROR_BUSY, "Network '%s' is being removed", name);

        /* Remains of an interrupted attempt would conflict with this one. */
        creating = task.record->state == NETWORK_CREATING;
        r = creating ? network_task_remove(&task, ret_error) : network_task_renew(&task, ret_error);
        if (creating)
                g_clear_pointer(&task.info, network_info_free);
        if (r >= 0 && creating)
                r = network_subnets_settle(task.connection, task.conf, task.record, ret_error);
        if (r >= 0)
                r = creating ? network_task_start_new(&task, ret_error)
                             : network_task_start(&task, ret_error);
        if (r >= 0 && task.hosts_are_new)
                network_task_enter_leases(&task);
        if (r >= 0 && creating) {
                task.record->state = NETWORK_READY;
                r = network_record_write(task.record, false, ret_error);
        }
        if (r < 0)
                return r;

        bridge = virNetworkGetBridgeName(task.network);
        protocol_emit(DOMAIN_KEY_BRIDGE, "%s", bridge ?: "");
        free(bridge);
        return 0;
}

static bool network_is_active(virConnectPtr connection, const char *name)
{
        virNetworkPtr network = virNetworkLookupByName(connection, name);
        bool active = network && virNetworkIsActive(network) == 1;

        if (network)
                (void) virNetworkFree(network);
        return active;
}

int networks_restore(virConnectPtr connection, const char *name, Error *ret_error)
{
        g_autoptr(NetworkRecord) record = NULL;
        _cleanup_network_task_ NetworkTask task = NETWORK_TASK_INIT;
        bool foreign;
        int r;

        /* Checked without the lock first: nearly always there is nothing to do. */
        if (network_record_load(name, &record, NULL) < 0 || record->state != NETWORK_READY ||
                        network_is_active(connection, name))
                return 0;
        r = network_task_begin(name, &task, &foreign, ret_error);
        if (r < 0)
                return r;
        if (foreign)
                return network_refuse_foreign(name, ret_error);
        if (task.record->state != NETWORK_READY || (task.network && virNetworkIsActive(task.network) == 1))
                return 0;

        r = network_task_start(&task, ret_error);
        if (r < 0)
                return r;
        if (task.hosts_are_new)
                network_task_enter_leases(&task);
        return 1;
}

static bool network_task_is_used_by(
                const NetworkTask *task, const char *bridge, const DefinitionDevice *device)
{
        if (device->kind != DEVICE_NETWORK)
                return false;
        if (device->network)
                return g_str_equal(device->network, task->record->name);
        return g_strcmp0(device->bridge ?: task->conf->bridge_interface, bridge) == 0;
}

/* The unikernels whose definitions name it or its bridge. libvirt gives the bridge to the next network, so
 * these would end up on somebody else's. */
static int network_task_find_unikernels(const NetworkTask *task, char **ret_names, Error *ret_error)
{
        char *bridge = task->network ? virNetworkGetBridgeName(task->network) : NULL;
        g_autoptr(GString) found = g_string_new(NULL);
        g_autoptr(GPtrArray) definitions = NULL;
        int r;

        r = definition_load_all(&definitions, NULL, ret_error);
        for (guint k = 0; r >= 0 && k < definitions->len; k++) {
                const Definition *definition = definitions->pdata[k];
                bool on = false;

                for (guint i = 0; i < definition->devices->len; i++)
                        on |= network_task_is_used_by(task, bridge, definition->devices->pdata[i]);
                if (on)
                        g_string_append_printf(
                                        found, "%s'%s'", found->len > 0 ? ", " : "", definition->name);
        }
        free(bridge);
        if (r < 0)
                return r;

        *ret_names = g_string_free(g_steal_pointer(&found), FALSE);
        return 0;
}

static int network_task_check_unused(const NetworkTask *task, Error *ret_error)
{
        g_autofree char *domains = task->network ? network_task_find_domains(task) : g_strdup(""),
                        *unikernels = NULL;
        const char *name = task->record->name;
        int r;

        if (domains[0])
                return error_set(ret_error, ERROR_NETWORK_IN_USE,
                                "Network '%s' is in use by libvirt domains %s; detach or stop them first",
                                name, domains);
        /* A network that was never completed has no users, and nobody may prevent its removal. */
        if (task->record->state == NETWORK_CREATING)
                return 0;
        r = network_task_find_unikernels(task, &unikernels, ret_error);
        if (r < 0 || !unikernels[0])
                return r;

        return error_set(ret_error, ERROR_NETWORK_IN_USE,
                        "Network '%s' is in use by %s; remove these unikernels, or attach them to another "
                        "network",
                        name, unikernels);
}

int networks_remove(const char *name, Error *ret_error)
{
        g_autofree char *key = lease_network_key(true, name);
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_network_task_ NetworkTask task = NETWORK_TASK_INIT;
        bool foreign;
        int r;

        r = network_task_begin(name, &task, &foreign, ret_error);
        if (r < 0 || foreign)
                return r;

        r = network_task_check_unused(&task, ret_error);
        if (r < 0)
                return r;
        r = lease_forget_network(key, &error);
        if (r == -EADDRINUSE)
                return error_set(ret_error, ERROR_NETWORK_IN_USE, "%s", error_message(&error, r));
        if (r < 0) {
                error_move(ret_error, &error);
                return r;
        }

        r = network_task_remove(&task, ret_error);
        return r < 0 ? r : hosts_remove(name, ret_error);
}
