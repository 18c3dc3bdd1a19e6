/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Filters with one chain and as few rules as possible. libvirt 9.0 runs ebtables or iptables 46 times to
 * apply any filter to an interface, and once more for each rule; its own clean-traffic adds six chains to
 * that, and a filter that has to learn an address is applied three times. Only packets from the guest are
 * filtered. Called by isolation.c. */

#include "domain/xml/filter.h"

#include <glib.h>

/* The number increases when a filter changes, because an existing filter with that name is not replaced. */
#define FILTER_PREFIX "shruthi-3-"

static const char *const family_names[_FILTER_FAMILY_MAX] = {"none", "any", "held"};

/* A host that answers DHCP requests can redirect the clients' traffic to itself, like a router, so no guest
 * may (RFC 7610). A DHCP client has no address yet (RFC 2131, 4.1). */
#define RULE_NO_DHCP                                                                                        \
        "<rule action='drop' direction='out' priority='-860'>"                                              \
        "<ip protocol='udp' srcportstart='67'/></rule>"

static const char *const rules_ipv4[_FILTER_FAMILY_MAX] = {
                [FILTER_NOTHING] = "",
                [FILTER_ANY] = RULE_NO_DHCP "<rule action='accept' direction='out' priority='-800'>"
                                            "<mac srcmacaddr='$MAC' protocolid='ipv4'/></rule>"
                                            "<rule action='accept' direction='out' priority='-700'>"
                                            "<arp srcmacaddr='$MAC' arpsrcmacaddr='$MAC'/></rule>",
                [FILTER_OWN] = RULE_NO_DHCP
                "<rule action='accept' direction='out' priority='-800'>"
                "<ip srcmacaddr='$MAC' srcipaddr='$IP'/></rule>"
                "<rule action='accept' direction='out' priority='-700'>"
                "<arp srcmacaddr='$MAC' arpsrcmacaddr='$MAC' arpsrcipaddr='$IP'/></rule>"
                "<rule action='accept' direction='out' priority='-600'>"
                "<ip srcmacaddr='$MAC' srcipaddr='0.0.0.0' protocol='udp' "
                "srcportstart='68' dstportstart='67'/></rule>",
};

/* No guest may advertise itself as a router (RFC 6105), or answer DHCPv6. Neighbour discovery needs a
 * link-local address; from the unspecified address a host asks whether an address is free (RFC 4862,
 * 5.4). */
#define RULE_NO_ROUTER                                                                                      \
        "<rule action='drop' direction='out' priority='-560'>"                                              \
        "<ipv6 protocol='icmpv6' type='134'/></rule>"                                                       \
        "<rule action='drop' direction='out' priority='-555'>"                                              \
        "<ipv6 protocol='udp' srcportstart='547'/></rule>"

static const char *const rules_ipv6[_FILTER_FAMILY_MAX] = {
                [FILTER_NOTHING] = "",
                [FILTER_ANY] = RULE_NO_ROUTER "<rule action='accept' direction='out' priority='-500'>"
                                              "<mac srcmacaddr='$MAC' protocolid='ipv6'/></rule>",
                [FILTER_OWN] = RULE_NO_ROUTER "<rule action='accept' direction='out' priority='-500'>"
                                              "<ipv6 srcmacaddr='$MAC' srcipaddr='$IPV6'/></rule>"
                                              "<rule action='accept' direction='out' priority='-450'>"
                                              "<ipv6 srcmacaddr='$MAC' srcipaddr='$LINK_LOCAL'/></rule>"
                                              "<rule action='accept' direction='out' priority='-400'>"
                                              "<ipv6 srcmacaddr='$MAC' srcipaddr='::' srcipmask='128' "
                                              "protocol='icmpv6'/></rule>",
};

const char *filter_name(FilterFamily ipv4, FilterFamily ipv6)
{
        g_autofree char *name =
                        g_strconcat(FILTER_PREFIX, family_names[ipv4], "-", family_names[ipv6], NULL);

        return g_intern_string(name);
}

char *filter_format(FilterFamily ipv4, FilterFamily ipv6)
{
        return g_strconcat("<filter name='", filter_name(ipv4, ipv6), "'>", rules_ipv4[ipv4],
                        rules_ipv6[ipv6], "<rule action='drop' direction='out' priority='1000'/></filter>",
                        NULL);
}
