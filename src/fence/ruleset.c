/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table "bridge shruthi". A packet passes one look-up for each thing that it must bear, however many
 * guests there are, and a guest that comes or goes is a few elements of sets. Only what guests send is
 * looked at. What libvirt's filters do instead (see domain/filter.c) these rules do too. */

#include "fence/ruleset.h"

#define TABLE "bridge shruthi"

/* Counted up when the table changes: one that an older program of ours has made is no longer found then, and
 * made anew. */
#define VERSION "1"

#define MACS "mac-" VERSION
#define ANY4 "any4-" VERSION
#define ANY6 "any6-" VERSION
#define OWN4 "own4-" VERSION
#define OWN6 "own6-" VERSION

/* A rule that a packet is too short for does not match, so only what matches is let through; what is left is
 * dropped.
 *
 * An asker by DHCP has no address yet (RFC 2131, 4.1), and one by IPv6 asks from the unspecified address
 * whether one is free (RFC 4862, 5.4): both are among the guest's own where it is held to one of that
 * family. Whoever advertises itself as a router is sent what the others have for the world: no guest does
 * (RFC 6105).
 *
 * "ether type" is what stands in the frame, and of one with a VLAN tag that of the tag: no guest sends tags.
 */
static const char table[] =
                "table " TABLE " {\n"
                "set " MACS " { type ifname . ether_addr; }\n"
                "set " ANY4 " { type ifname; }\n"
                "set " ANY6 " { type ifname; }\n"
                "set " OWN4 " { type ifname . ipv4_addr; }\n"
                "set " OWN6 " { type ifname . ipv6_addr; }\n"
                "chain sends-arp-own {\n"
                "iifname @" ANY4 " accept\n"
                "arp saddr ip != 0.0.0.0 iifname . arp saddr ip @" OWN4 " accept\n"
                "drop\n"
                "}\n"
                "chain sends-arp {\n"
                "arp htype 1 arp ptype ip arp hlen 6 arp plen 4 iifname . arp saddr ether @" MACS
                " goto sends-arp-own\n"
                "drop\n"
                "}\n"
                "chain sends-ipv4 {\n"
                "iifname @" ANY4 " accept\n"
                "ip saddr != 0.0.0.0 iifname . ip saddr @" OWN4 " accept\n"
                "ip saddr 0.0.0.0 udp sport 68 udp dport 67 iifname . ip saddr @" OWN4 " accept\n"
                "drop\n"
                "}\n"
                "chain sends-ipv6 {\n"
                "icmpv6 type nd-router-advert drop\n"
                "iifname @" ANY6 " accept\n"
                "ip6 saddr != :: iifname . ip6 saddr @" OWN6 " accept\n"
                "ip6 saddr :: meta l4proto ipv6-icmp iifname . ip6 saddr @" OWN6 " accept\n"
                "drop\n"
                "}\n"
                "chain sends {\n"
                "iifname . ether saddr @" MACS
                " ether type vmap { ip : goto sends-ipv4, arp : goto sends-arp, ip6 : goto sends-ipv6 }\n"
                "drop\n"
                "}\n"
                "chain prerouting {\n"
                "type filter hook prerouting priority -310; policy accept;\n"
                "iifname \"" FENCE_INTERFACE_PREFIX "*\" goto sends\n"
                "}\n"
                "}\n";

void ruleset_append_table(GString *commands)
{
        /* Only what is there can be deleted. */
        g_string_append(commands, "add table " TABLE "\ndelete table " TABLE "\n");
        g_string_append(commands, table);
}

static void append_element(GString *commands, const char *verb, const char *set, const char *interface,
                const char *value)
{
        g_string_append_printf(commands, "%s element " TABLE " %s { \"%s\"%s%s }\n", verb, set, interface,
                        value ? " . " : "", value ?: "");
}

static void append_family(GString *commands, const char *verb, const FenceHold *hold, const char *interface,
                const FenceFamily *family)
{
        bool v4 = family == &hold->ipv4;
        const char *own = v4 ? OWN4 : OWN6;
        char ip[ADDRESS_TEXT_MAX];
        Address link_local;

        if (family->any)
                append_element(commands, verb, v4 ? ANY4 : ANY6, interface, NULL);
        if (family->any || !address_is_set(&family->address))
                return;

        address_format_ip(&family->address, ip);
        append_element(commands, verb, own, interface, ip);
        append_element(commands, verb, own, interface, v4 ? "0.0.0.0" : "::");
        /* Without a link-local address there is no neighbour discovery. */
        link_local = fence_link_local(hold->mac);
        if (!v4 && !address_equal(&link_local, &family->address)) {
                address_format_ip(&link_local, ip);
                append_element(commands, verb, own, interface, ip);
        }
}

static void append_elements(GString *commands, const char *verb, const FenceHold *hold)
{
        char interface[IF_NAMESIZE];

        fence_interface_name(hold, interface);
        append_element(commands, verb, MACS, interface, hold->mac);
        append_family(commands, verb, hold, interface, &hold->ipv4);
        append_family(commands, verb, hold, interface, &hold->ipv6);
}

void ruleset_append_hold(GString *commands, const FenceHold *hold)
{
        append_elements(commands, "add", hold);
}

void ruleset_append_release(GString *commands, const FenceHold *hold)
{
        /* Only what is there can be deleted. */
        append_elements(commands, "add", hold);
        append_elements(commands, "delete", hold);
}

void ruleset_append_test(GString *commands)
{
        append_element(commands, "add", MACS, FENCE_INTERFACE_PREFIX, "02:00:00:00:00:00");
        append_element(commands, "delete", MACS, FENCE_INTERFACE_PREFIX, "02:00:00:00:00:00");
}
