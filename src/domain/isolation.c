/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Filters on the guests' interfaces (https://libvirt.org/formatnwfilter.html). Called by lifecycle.c and
 * check.c. */

#include "domain/isolation.h"

#include <libvirt/virterror.h>
#include <string.h>

#include "domain/protocol.h"
#include "domain/virt.h"

/* As libvirt ships it: IPv4 and ARP, from one address, which it learns. */
#define FILTER_LEARN "clean-traffic"

/* Ours, for those whose addresses are known. They do the same in one chain and a few rules: each rule is a
 * run of ebtables, which with libvirt's own filter takes longer than all the rest of a start. Only what the
 * guest sends is looked at. The number is counted up when one of them changes. */
#define FILTER_PREFIX "shruthi-1-"

#define RULE_REST "<rule action='drop' direction='out' priority='1000'/>"

/* An asker by DHCP has no address yet (RFC 2131, 4.1). */
#define RULES_IPV4                                                                                          \
        "<rule action='accept' direction='out' priority='-800'><ip srcmacaddr='$MAC' "                      \
        "srcipaddr='$IP'/></rule>"                                                                          \
        "<rule action='accept' direction='out' priority='-700'>"                                            \
        "<arp srcmacaddr='$MAC' arpsrcmacaddr='$MAC' arpsrcipaddr='$IP'/></rule>"                           \
        "<rule action='accept' direction='out' priority='-600'>"                                            \
        "<ip srcmacaddr='$MAC' srcipaddr='0.0.0.0' protocol='udp' srcportstart='68' "                       \
        "dstportstart='67'/></rule>"

/* $IPV6 is the lease and the link-local address, without which there is no neighbour discovery; from the
 * unspecified one a host asks whether an address is free (RFC 4862, 5.4). */
#define RULES_IPV6                                                                                          \
        "<rule action='accept' direction='out' priority='-500'><ipv6 srcmacaddr='$MAC' "                    \
        "srcipaddr='$IPV6'/></rule>"                                                                        \
        "<rule action='accept' direction='out' priority='-400'>"                                            \
        "<ipv6 srcmacaddr='$MAC' srcipaddr='::' srcipmask='128' protocol='icmpv6'/></rule>"

#define FILTER(name, rules) "<filter name='" name "'>" rules RULE_REST "</filter>"

#define FILTER_IPV4 FILTER_PREFIX "ipv4"
#define FILTER_IPV6 FILTER_PREFIX "ipv6"
#define FILTER_BOTH FILTER_PREFIX "both"

static const struct {
        const char *name, *xml;
} filters[] = {
                {FILTER_IPV4, FILTER(FILTER_IPV4, RULES_IPV4)},
                {FILTER_IPV6, FILTER(FILTER_IPV6, RULES_IPV6)},
                {FILTER_BOTH, FILTER(FILTER_BOTH, RULES_IPV4 RULES_IPV6)},
};

char *isolation_problem(virConnectPtr connection)
{
        virNWFilterPtr filter = virNWFilterLookupByName(connection, FILTER_LEARN);

        if (filter) {
                (void) virNWFilterFree(filter);
                return NULL;
        }

        return g_strdup(virGetLastErrorMessage());
}

/* Defines the filter if it is one of ours that is not there yet. */
static int define_filter(virConnectPtr connection, const char *name, Error *ret_error)
{
        for (size_t i = 0; i < G_N_ELEMENTS(filters); i++) {
                virNWFilterPtr filter;

                if (strcmp(filters[i].name, name) != 0)
                        continue;
                filter = virNWFilterLookupByName(connection, name);
                if (!filter)
                        filter = virNWFilterDefineXML(connection, filters[i].xml);
                /* Another start may have been quicker. */
                if (!filter)
                        filter = virNWFilterLookupByName(connection, name);
                if (!filter)
                        return virt_error_set(ret_error, connection, ERROR_FAILED,
                                        "Cannot define the filter %s", name);
                (void) virNWFilterFree(filter);
        }

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
        add_parameter(network, "IPV6", ip);
}

/* Without a lease the host cannot know the guest's address beforehand: it learns the first that is used, or
 * watches DHCP. */
static void choose(bool strict, PlanNetwork *network)
{
        const PlaceholderDevice *facts = &network->facts;
        bool v4 = address_is_set(&facts->address4), v6 = address_is_set(&facts->address6);
        char ip[ADDRESS_TEXT_MAX];

        network->filter_parameters = g_ptr_array_new_with_free_func(g_free);
        network->filter = v4 && v6 ? FILTER_BOTH : v4 ? FILTER_IPV4 : v6 ? FILTER_IPV6 : FILTER_LEARN;
        if (v4) {
                address_format_ip(&facts->address4, ip);
                add_parameter(network, "IP", ip);
        }
        if (!v4 && !v6)
                add_parameter(network, "CTRL_IP_LEARNING", strict ? "dhcp" : "any");
        if (v6) {
                address_format_ip(&facts->address6, ip);
                add_parameter(network, "IPV6", ip);
                add_link_local(network);
        }
        g_ptr_array_add(network->filter_parameters, NULL);
}

int isolation_choose(virConnectPtr connection, Plan *plan, Error *ret_error)
{
        const Definition *definition = plan->definition;
        g_autofree char *problem = NULL;
        bool asked = false, strict;
        int r;

        strict = plan->conf->strict_addresses && definition->owner != 0 &&
                 definition->origin == DEFINITION_ORIGIN_STATE;

        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];

                if (device->kind != DEVICE_NETWORK || device->open)
                        continue;
                if (!asked) {
                        asked = true;
                        problem = isolation_problem(connection);
                        if (problem)
                                protocol_emit("notice",
                                                "Nothing keeps the guest from sending from others' "
                                                "addresses: %s",
                                                problem);
                }
                if (problem)
                        continue;

                choose(strict, &plan->networks[i]);
                r = define_filter(connection, plan->networks[i].filter, ret_error);
                if (r < 0)
                        return r;
        }

        return 0;
}
