/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Filters on the guests' interfaces. Called by lifecycle.c and check.c. */

#include "domain/isolation.h"

#include <libvirt/virterror.h>
#include <string.h>

#include "domain/filter.h"
#include "domain/protocol.h"
#include "domain/virt.h"

/* Where libvirt's own services look; ours may be told less. */
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
        /* libvirt finds that out when a guest is to start, and refuses it. */
        if (!tool_is_there("ebtables")) {
                *ret_fix = "install ebtables and restart libvirtd";
                return g_strdup("libvirt's network filters need the program ebtables, which is not "
                                "installed");
        }

        return NULL;
}

/* Defines the filter if it is not there yet. */
static int define_filter(virConnectPtr connection, FilterFamily ipv4, FilterFamily ipv6, Error *ret_error)
{
        const char *name = filter_name(ipv4, ipv6);
        g_autofree char *xml = filter_format(ipv4, ipv6);
        virNWFilterPtr filter;

        filter = virNWFilterLookupByName(connection, name);
        if (!filter)
                filter = virNWFilterDefineXML(connection, xml);
        /* Another start may have been quicker. */
        if (!filter)
                filter = virNWFilterLookupByName(connection, name);
        if (!filter)
                return virt_error_set(ret_error, connection, ERROR_FAILED, "Cannot define the filter %s",
                                name);

        (void) virNWFilterFree(filter);
        return 0;
}

static void add_parameter(PlanNetwork *network, const char *name, const char *value)
{
        g_ptr_array_add(network->filter_parameters, g_strdup(name));
        g_ptr_array_add(network->filter_parameters, g_strdup(value));
}

/* fe80:: and the modified EUI-64 of the MAC address (RFC 4291, appendix A), which is what MirageOS makes. */
static void add_link_local(PlanNetwork *network)
{
        Address address = {.family = AF_INET6, .prefix = 128, .bytes = {0xfe, 0x80}};
        char ip[ADDRESS_TEXT_MAX];
        uint8_t mac[6];

        for (size_t i = 0; i < G_N_ELEMENTS(mac); i++)
                mac[i] = (uint8_t) (g_ascii_xdigit_value(network->mac[3 * i]) << 4 |
                                    g_ascii_xdigit_value(network->mac[3 * i + 1]));
        memcpy(address.bytes + 8,
                        (uint8_t[]){mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]}, 8);
        address_format_ip(&address, ip);
        add_parameter(network, "LINK_LOCAL", ip);
}

/* By lease where there is one. Where there is none the guest is let be, but where strict: there libvirt
 * watches for the address that DHCP gives it, and until then lets nothing else through. */
static int choose(virConnectPtr connection, const DefinitionDevice *device, bool strict,
                PlanNetwork *network, Error *ret_error)
{
        const PlaceholderDevice *facts = &network->facts;
        bool v4 = address_is_set(&facts->address4), v6 = address_is_set(&facts->address6);
        bool learn = strict && !v4 && !v6;
        FilterFamily without = strict ? FILTER_NOTHING : FILTER_ANY;
        FilterFamily ipv4 = v4 || learn ? FILTER_HELD : without;
        FilterFamily ipv6 = v6 ? FILTER_HELD : without;
        char ip[ADDRESS_TEXT_MAX];

        network->filter = filter_name(ipv4, ipv6);
        network->filter_parameters = g_ptr_array_new_with_free_func(g_free);
        if (v4) {
                address_format_ip(&facts->address4, ip);
                add_parameter(network, "IP", ip);
        }
        if (learn) {
                add_parameter(network, "CTRL_IP_LEARNING", "dhcp");
                /* Who types an address would look in vain for why nobody hears it. */
                protocol_emit("notice",
                                "Device %s may send from the address that DHCP gives it, and no other; an "
                                "address of its own is given to it by Address= in [Network %s]",
                                device->name, device->name);
        }
        if (v6) {
                address_format_ip(&facts->address6, ip);
                add_parameter(network, "IPV6", ip);
                add_link_local(network);
        }
        g_ptr_array_add(network->filter_parameters, NULL);

        return define_filter(connection, ipv4, ipv6, ret_error);
}

int isolation_choose(virConnectPtr connection, Plan *plan, Error *ret_error)
{
        const Definition *definition = plan->definition;
        bool asked = false, strict;

        strict = plan->conf->strict_addresses && definition->owner != 0 &&
                 definition->origin == DEFINITION_ORIGIN_STATE;

        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];
                g_autofree char *problem = NULL;
                const char *fix;
                int r;

                if (device->kind != DEVICE_NETWORK || device->open)
                        continue;
                problem = asked ? NULL : isolation_problem(connection, &fix);
                asked = true;
                if (problem) {
                        protocol_emit("notice",
                                        "Nothing keeps the guest from sending from others' addresses: %s",
                                        problem);
                        return 0;
                }

                r = choose(connection, device, strict, &plan->networks[i], ret_error);
                if (r < 0)
                        return r;
        }

        return 0;
}
