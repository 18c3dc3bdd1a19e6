/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Chooses who filters what guests send: shruthi-antispoof if their addresses are known, otherwise libvirt,
 * which takes a quarter of a second for it at each start and each stop, and longer with each guest. Called
 * by lifecycle.c, start.c and check.c. */

#include "domain/network/isolation.h"

#include <libvirt/virterror.h>
#include <string.h>

#include "domain/host/antispoof-client.h"
#include "domain/host/protocol.h"
#include "domain/host/virt.h"
#include "domain/network/attachment.h"
#include "domain/xml/filter.h"
#include "unikernel/typed-addresses.h"

/* The search path of libvirt's own services; that of ours may be shorter. */
#define TOOL_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static bool tool_is_there(const char *name)
{
        g_auto(GStrv) directories = g_strsplit(TOOL_PATH, ":", -1);

        for (char **directory = directories; *directory; directory++) {
                g_autofree char *path = g_build_filename(*directory, name, NULL);

                if (g_file_test(path, G_FILE_TEST_IS_EXECUTABLE))
                        return true;
        }

        return false;
}

char *isolation_problem(virConnectPtr connection, const char **ret_fix)
{
        if (virConnectNumOfNWFilters(connection) < 0) {
                *ret_fix = "install libvirt's network filters (libvirt-daemon-driver-nwfilter, in Debian a "
                           "part of libvirt-daemon) and restart libvirtd";
                return g_strdup_printf("this libvirt has no network filters (%s)", virGetLastErrorMessage());
        }
        /* libvirt notices this only at the start of a guest, and refuses it. */
        if (!tool_is_there("ebtables")) {
                *ret_fix = "install ebtables and restart libvirtd";
                return g_strdup("libvirt's network filters need the program ebtables, which is not "
                                "installed");
        }

        return NULL;
}

/* Defines the filter if it does not exist yet. */
static int filter_define(virConnectPtr connection, FilterFamily ipv4, FilterFamily ipv6, Error *ret_error)
{
        const char *name = filter_name(ipv4, ipv6);
        g_autofree char *xml = filter_format(ipv4, ipv6);
        virNWFilterPtr filter;

        filter = virNWFilterLookupByName(connection, name);
        if (!filter)
                filter = virNWFilterDefineXML(connection, xml);
        /* Another start may have defined it meanwhile. */
        if (!filter)
                filter = virNWFilterLookupByName(connection, name);
        if (!filter)
                return virt_error_set(
                                ret_error, connection, ERROR_FAILED, "Cannot define the filter %s", name);

        (void) virNWFilterFree(filter);
        return 0;
}

static void network_add_parameter(PlanNetwork *network, const char *name, const char *value)
{
        g_ptr_array_add(network->filter_parameters, g_strdup(name));
        g_ptr_array_add(network->filter_parameters, g_strdup(value));
}

/* What one interface may send, whoever filters it. */
typedef struct Choice {
        FilterFamily ipv4, ipv6;
        bool learn; /* libvirt learns the address from DHCP, and until then lets only DHCP through */
} Choice;

/* Isolation=no */
#define OPEN_CHOICE ((Choice){.ipv4 = FILTER_ANY, .ipv6 = FILTER_ANY})

/* The guest may send from its allocated addresses; without one from any address, unless strict. */
static Choice choice_for(const PlaceholderDevice *facts, bool strict)
{
        bool v4 = address_is_set(&facts->address4), v6 = address_is_set(&facts->address6);
        FilterFamily without = strict ? FILTER_NOTHING : FILTER_ANY;
        bool learn = strict && !v4 && !v6;

        return (Choice){
                        .ipv4 = v4 || learn ? FILTER_OWN : without,
                        .ipv6 = v6 ? FILTER_OWN : without,
                        .learn = learn,
        };
}

static void network_add_address(PlanNetwork *network, const char *name, const Address *address)
{
        char ip[ADDRESS_TEXT_MAX];

        address_format_ip(address, ip);
        network_add_parameter(network, name, ip);
}

static int network_set_filter(virConnectPtr connection, const DefinitionDevice *device, const Choice *choice,
                PlanNetwork *network, Error *ret_error)
{
        const PlaceholderDevice *facts = &network->facts;

        network->filter = filter_name(choice->ipv4, choice->ipv6);
        network->filter_parameters = g_ptr_array_new_with_free_func(g_free);
        if (address_is_set(&facts->address4))
                network_add_address(network, "IP", &facts->address4);
        if (choice->learn) {
                network_add_parameter(network, "CTRL_IP_LEARNING", "dhcp");
                /* A user who configures an address in the guest would not find out why it does not work. */
                protocol_emit(DOMAIN_KEY_NOTICE,
                                "Device %s can send only from the address that DHCP gives it; to allocate "
                                "an address, set Address= in [Network %s]",
                                device->name, device->name);
        }
        if (address_is_set(&facts->address6)) {
                Address link_local = address_link_local(network->mac);

                network_add_address(network, "IPV6", &facts->address6);
                network_add_address(network, "LINK_LOCAL", &link_local);
        }
        g_ptr_array_add(network->filter_parameters, NULL);

        return filter_define(connection, choice->ipv4, choice->ipv6, ret_error);
}

/* Whether the guest's packets pass a Linux bridge, where they can be filtered. If a bridge is named, libvirt
 * attaches the guest to a Linux bridge or not at all. */
static bool network_is_on_bridge(virConnectPtr connection, const Conf *conf, const DefinitionDevice *device,
                const PlanNetwork *network)
{
        g_autoptr(Attachment) attachment = NULL;

        return !device->network || network->on_bridge ||
               (attachment_find(connection, conf, device->network, NULL, &attachment, NULL) >= 0 &&
                               attachment_is_on_bridge(attachment));
}

static AntispoofFamily antispoof_family(FilterFamily family, const Address *address)
{
        return (AntispoofFamily){
                        .any = family == FILTER_ANY,
                        .address = family == FILTER_OWN ? *address : ADDRESS_NONE,
        };
}

static AntispoofFilter filter_for(const Definition *definition, const DefinitionDevice *device,
                const Choice *choice, const PlanNetwork *network)
{
        AntispoofFilter filter = {
                        .unikernel = definition->name,
                        .device = device->name,
                        .ipv4 = antispoof_family(
                                        choice->learn ? FILTER_ANY : choice->ipv4, &network->facts.address4),
                        .ipv6 = antispoof_family(choice->ipv6, &network->facts.address6),
        };

        g_strlcpy(filter.mac, network->mac, sizeof filter.mac);
        return filter;
}

/* Filters the interface with shruthi-antispoof; without apply only checks whether it could. Returns whether
 * libvirt's filter is not needed. If libvirt has to learn the address, both filter: shruthi-antispoof checks
 * what libvirt does not, such as the identity that the guest claims to DHCP. */
static bool network_set_antispoof(virConnectPtr connection, const Plan *plan, const DefinitionDevice *device,
                const Choice *choice, bool apply, PlanNetwork *network)
{
        AntispoofFilter filter = filter_for(plan->definition, device, choice, network);
        g_autofree char *interface = NULL;
        bool restored;
        int r;

        if (!network_is_on_bridge(connection, plan->conf, device, network))
                return false;

        r = apply ? antispoof_filter(&filter, &interface, NULL) : antispoof_check(&restored, NULL);
        if (r < 0)
                return false;

        antispoof_interface_name(&filter, network->interface);
        return !choice->learn;
}

int isolation_refuse(const DefinitionDevice *device, int r, Error *ret_error)
{
        error_prefix(ret_error, "Network '%s'", device->name);
        if (ret_error->code != ERROR_FAILED)
                return r;

        ret_error->code = ERROR_START_FAILED;
        return error_code_to_errno(ERROR_START_FAILED);
}

int isolation_apply_to_process(Plan *plan, Error *ret_error)
{
        const Definition *definition = plan->definition;
        bool strict = definition_is_strict(definition, plan->conf->strict_addresses);

        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];
                PlanNetwork *network = &plan->networks[i];
                g_autofree char *interface = NULL;
                AntispoofFilter filter;
                Choice choice;
                int r;

                if (device->kind != DEVICE_NETWORK)
                        continue;
                choice = device->open ? OPEN_CHOICE : choice_for(&network->facts, strict);
                if (choice.learn)
                        return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                        "Network '%s': a unikernel that runs as a process needs an address "
                                        "that it is held to: set Address= in [Network %s] (or Isolation=no, "
                                        "by an administrator)",
                                        device->name, device->name);
                filter = filter_for(definition, device, &choice, network);
                r = antispoof_filter(&filter, &interface, ret_error);
                if (r < 0)
                        return isolation_refuse(device, r, ret_error);
                g_strlcpy(network->interface, interface, sizeof network->interface);
        }

        return 0;
}

static bool device_is_isolated(const DefinitionDevice *device)
{
        return device->kind == DEVICE_NETWORK && !device->open;
}

void isolation_prepare(const Plan *plan)
{
        const GPtrArray *devices = plan->definition->devices;

        for (guint i = 0; i < devices->len; i++)
                if (device_is_isolated(devices->pdata[i])) {
                        antispoof_wake();
                        return;
                }
}

int isolation_choose(virConnectPtr connection, Plan *plan, bool apply, Error *ret_error)
{
        const Definition *definition = plan->definition;
        g_autofree char *problem = NULL;
        bool asked = false, strict;

        strict = definition_is_strict(definition, plan->conf->strict_addresses);

        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];
                PlanNetwork *network = &plan->networks[i];
                const char *fix;
                Choice choice;
                int r;

                if (!device_is_isolated(device))
                        continue;
                choice = choice_for(&network->facts, strict);
                if (network_set_antispoof(connection, plan, device, &choice, apply, network))
                        continue;

                if (!asked) {
                        problem = isolation_problem(connection, &fix);
                        asked = true;
                        if (problem)
                                protocol_emit(DOMAIN_KEY_NOTICE,
                                                "The guest is not filtered and can send from other "
                                                "addresses: %s",
                                                problem);
                }
                r = problem ? 0 : network_set_filter(connection, device, &choice, network, ret_error);
                if (r < 0)
                        return r;
        }

        return 0;
}
