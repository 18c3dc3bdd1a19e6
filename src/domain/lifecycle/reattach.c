/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reattaches guests. libvirt knows which domain a tap belongs to, and which bridge a network has now; only
 * shruthi-antispoof may attach the tap. Called by verbs.c. */

#include "domain/lifecycle/reattach.h"

#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/unikernel-name.h"
#include "domain/host/antispoof-client.h"
#include "domain/host/protocol.h"
#include "domain/host/virt.h"
#include "domain/lifecycle/lifecycle-private.h"
#include "domain/network/networks.h"
#include "domain/xml/domain-xml.h"
#include "domain/xml/network-xml.h"
#include "unikernel/cut-off.h"
#include "unikernel/process.h"
#include "unikernel/run-state.h"

#define LOOK_GUARD 120 /* seconds, for as many domains as there are */

typedef struct Reattachment {
        virConnectPtr connection;
        char **lost;          /* taps */
        GHashTable *networks; /* name → its current bridge, or "" */
        GHashTable *seen;     /* names of unikernels that were checked */
} Reattachment;

static bool reattachment_has_lost(const Reattachment *reattachment, const char *interface)
{
        return g_strv_contains((const char *const *) reattachment->lost, interface);
}

static char *network_find_bridge(virConnectPtr connection, const char *name)
{
        virNetworkPtr network = virNetworkLookupByName(connection, name);
        char *found = network && virNetworkIsActive(network) == 1 ? virNetworkGetBridgeName(network) : NULL;
        char *bridge = g_strdup(found);

        free(found);
        if (network)
                (void) virNetworkFree(network);
        return bridge;
}

/* Returns "" if the network has no bridge now. A network of ours is started for this. */
static const char *reattachment_find_bridge(Reattachment *reattachment, const char *name)
{
        const char *known = g_hash_table_lookup(reattachment->networks, name);
        g_autofree char *bridge = known ? NULL : network_find_bridge(reattachment->connection, name);

        if (known)
                return known;

        if (!bridge && networks_restore(reattachment->connection, name, NULL) > 0)
                bridge = network_find_bridge(reattachment->connection, name);
        known = bridge ? g_steal_pointer(&bridge) : g_strdup("");
        g_hash_table_insert(reattachment->networks, g_strdup(name), (char *) known);
        return known;
}

/* Returns NULL if it is on its bridge, otherwise the reason; free with g_free(). */
static char *reattachment_attach_port(Reattachment *reattachment, const DomainPort *port)
{
        /* Without libvirt a network is where it was. */
        const char *bridge = port->network && (reattachment->connection || !port->bridge)
                                             ? reattachment_find_bridge(reattachment, port->network)
                                             : port->bridge;
        AntispoofPort wanted = {.isolated = port->isolated};
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        if (!bridge[0])
                return g_strdup_printf("network '%s' is not active", port->network);

        g_strlcpy(wanted.interface, port->interface, sizeof wanted.interface);
        g_strlcpy(wanted.bridge, bridge, sizeof wanted.bridge);
        r = antispoof_attach(&wanted, &error);
        return r < 0 ? g_strdup(error_message(&error, r)) : NULL;
}

static void log_attached(const LogObject *object, const char *device)
{
        log_object(LOG_NOTICE, object, SHRUTHI_MESSAGE_REATTACHED, NULL,
                        "Network '%s' of '%s' had lost its bridge and is attached again", device,
                        object->unikernel);
}

/* Logs each change once. mended are the devices that were reattached. */
static void cut_off_note(const LogObject *object, const GPtrArray *after, GPtrArray *mended)
{
        g_autoptr(GPtrArray) before = cut_off_read(object->unikernel);
        int r;

        for (guint i = 0; i < after->len; i++) {
                const CutOff *one = after->pdata[i];

                if (!cut_off_find(before, one->device))
                        log_object(LOG_WARNING, object, SHRUTHI_MESSAGE_CUT_OFF, NULL,
                                        "Network '%s' of '%s' is cut off: %s; it is attached again when "
                                        "this is resolved",
                                        one->device, object->unikernel, one->reason);
        }
        for (guint i = 0; i < mended->len; i++)
                log_attached(object, mended->pdata[i]);
        for (guint i = 0; i < before->len; i++) {
                const CutOff *one = before->pdata[i];

                if (!cut_off_find(after, one->device) &&
                                !g_ptr_array_find_with_equal_func(mended, one->device, g_str_equal, NULL))
                        log_attached(object, one->device);
        }
        if (before->len == 0 && after->len == 0)
                return;
        r = cut_off_write(object->unikernel, after);
        if (r < 0)
                log_warning("Cannot record the networks that '%s' is cut off from: %s", object->unikernel,
                                g_strerror(-r));
}

/* Reattaches the ports of one guest that have lost their bridge. Returns their number. */
static guint reattachment_attach_ports(Reattachment *reattachment, const GPtrArray *ports, char **devices,
                GPtrArray *cut_off, GPtrArray *mended)
{
        guint n = MIN(ports->len, g_strv_length(devices)), n_lost = 0;

        for (guint i = 0; i < n; i++) {
                const DomainPort *port = ports->pdata[i];
                g_autofree char *reason = NULL;

                if (!port->interface || !(port->network || port->bridge) ||
                                !reattachment_has_lost(reattachment, port->interface))
                        continue;
                n_lost++;
                reason = reattachment_attach_port(reattachment, port);
                if (reason)
                        cut_off_add(cut_off, port->interface, devices[i], reason);
                else
                        g_ptr_array_add(mended, devices[i]);
        }
        return n_lost;
}

static void reattachment_look_at_ports(Reattachment *reattachment, const char *name, const char *owner,
                const GPtrArray *ports, char **devices)
{
        g_autoptr(GPtrArray) cut_off = cut_off_new(), mended = g_ptr_array_new();

        if (reattachment_attach_ports(reattachment, ports, devices, cut_off, mended) == 0)
                return;

        g_hash_table_add(reattachment->seen, g_strdup(name));
        cut_off_note(&(LogObject){.unikernel = name, .owner = owner}, cut_off, mended);
}

/* A foreign domain has no such name, or not our metadata. */
static void reattachment_look_at_domain(Reattachment *reattachment, virDomainPtr domain)
{
        const char *domain_name = virDomainGetName(domain);
        const char *name = domain_name + strlen(SHRUTHI_DOMAIN_PREFIX);
        char *metadata, *xml;

        if (!g_str_has_prefix(domain_name, SHRUTHI_DOMAIN_PREFIX) || !name_is_valid(name))
                return;
        metadata = virt_domain_metadata(domain);
        xml = domain_xml_metadata_is(metadata, name) ? virDomainGetXMLDesc(domain, 0) : NULL;
        if (xml) {
                g_auto(GStrv) devices = domain_xml_metadata_devices(metadata, DEVICE_NETWORK);
                g_autofree char *owner = domain_xml_metadata_owner(metadata);
                g_autoptr(GPtrArray) ports = domain_xml_ports(xml);

                reattachment_look_at_ports(reattachment, name, owner, ports, devices);
        }
        free(xml);
        free(metadata);
}

static int reattachment_look_at_domains(Reattachment *reattachment, Error *ret_error)
{
        virDomainPtr *domains = NULL;
        int n = virConnectListAllDomains(
                        reattachment->connection, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);

        if (n < 0)
                return virt_error_set(ret_error, reattachment->connection, ERROR_FAILED,
                                "Cannot list libvirt's domains");
        for (int i = 0; i < n; i++) {
                reattachment_look_at_domain(reattachment, domains[i]);
                (void) virDomainFree(domains[i]);
        }
        free(domains);
        return 0;
}

static bool ports_have_network(const GPtrArray *ports)
{
        for (guint i = 0; i < ports->len; i++)
                if (((const DomainPort *) ports->pdata[i])->network)
                        return true;

        return false;
}

/* Those on networks of libvirt, or all others. */
static void reattachment_look_at_processes(Reattachment *reattachment, bool networks)
{
        g_auto(GStrv) names = process_list();

        for (char **name = names; *name; name++) {
                g_autofree char *dir = paths_unikernel_runtime(*name);
                g_auto(GStrv) devices = NULL;
                g_autoptr(GPtrArray) ports = lifecycle_process_ports(*name, &devices);
                _cleanup_run_state_ RunState run = RUN_STATE_INIT;

                if (ports_have_network(ports) != networks)
                        continue;
                (void) run_state_read(dir, &run);
                reattachment_look_at_ports(reattachment, *name, run.owner, ports, devices);
        }
}

/* Handles unikernels that were cut off and are no longer: somebody else has attached them, or they ended. */
static void reattachment_look_at_notes(const Reattachment *reattachment)
{
        g_autoptr(GPtrArray) none = cut_off_new(), mended = g_ptr_array_new();
        g_auto(GStrv) names = cut_off_list();

        for (char **name = names; *name; name++)
                if (!g_hash_table_contains(reattachment->seen, *name))
                        cut_off_note(&(LogObject){.unikernel = *name}, none, mended);
}

static int reattachment_look(Reattachment *reattachment, Error *ret_error)
{
        g_autoptr(Conf) conf = NULL;
        int r;

        r = conf_load(&conf, ret_error);
        if (r < 0)
                return r;
        /* A libvirt that hangs keeps only those waiting that it knows. */
        reattachment_look_at_processes(reattachment, false);
        r = lifecycle_open_if_wanted(conf->libvirt_uri, &reattachment->connection, ret_error);

        protocol_guard(LOOK_GUARD, "list the network attachments of guests");
        reattachment_look_at_processes(reattachment, true);
        if (r >= 0 && reattachment->connection)
                r = reattachment_look_at_domains(reattachment, ret_error);
        protocol_guard(0, NULL);
        return r;
}

int reattach(Error *ret_error)
{
        Reattachment reattachment = {};
        int r;

        r = antispoof_lost(&reattachment.lost, ret_error);
        if (r < 0)
                return r;

        reattachment.networks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        reattachment.seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        if (reattachment.lost[0])
                r = reattachment_look(&reattachment, ret_error);
        if (r >= 0)
                reattachment_look_at_notes(&reattachment);
        virt_connection_unref(&reattachment.connection);
        g_hash_table_unref(reattachment.networks);
        g_hash_table_unref(reattachment.seen);
        g_strfreev(reattachment.lost);
        return r;
}
