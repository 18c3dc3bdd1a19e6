/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tables "bridge shruthi", "inet shruthi" and "arp shruthi". A packet passes one look-up for each thing
 * that it must bear, however many guests there are, and a guest that comes or goes is a few elements of
 * sets. Only what guests send is looked at. What libvirt's filters do instead (see domain/xml/filter.c)
 * these rules do too, and more. */

#include "antispoof/ruleset.h"

#include <string.h>

#define TABLE    "bridge " RULESET_NAME
#define HOST     "inet " RULESET_NAME
#define HOST_ARP "arp " RULESET_NAME

/* Counted up when a table changes: those that an older program of ours has made are no longer found then,
 * and made anew. */
#define VERSION "3"

/* What tells that a table is there. */
#define MARK     "mark-" VERSION
#define MARK_SET "set " MARK " { type ifname; elements = { \"" ANTISPOOF_INTERFACE_PREFIX "\" }; }\n"

#define MACS        "mac-" VERSION
#define ANY4        "any4-" VERSION
#define ANY6        "any6-" VERSION
#define OWN4        "own4-" VERSION
#define OWN6        "own6-" VERSION
#define OWN_TARGETS "target6-" VERSION
#define CLIENTS     "client-" VERSION

#define TARGET "iifname . @th,64,128 @" OWN_TARGETS /* of neighbour discovery */

/* What DHCP has behind the 8 bytes of UDP's header (RFC 2131, 2): a request by an address of Ethernet's, of
 * six bytes, which is that of the client. */
#define DHCP_HEAD   "@th,64,24 0x010106"
#define DHCP_CLIENT "@th,288,48"

/* Its cookie and, as the first option, where all clients write it, what it asks for: an address (1, 3), or
 * more information (8). Others' addresses are given back by an identifier, too, which stands anywhere. */
#define DHCP_FIRST "@th,1952,48 0x638253633501"
#define DHCP_ASKS_FOR "@th,2000,8 { 1, 3, 8 }"

/* A rule that a packet is too short for does not match, so only what matches is let through; what is left is
 * dropped.
 *
 * An asker by DHCP has no address yet (RFC 2131, 4.1), and one by IPv6 asks from the unspecified address
 * whether one is free (RFC 4862, 5.4): both are among the guest's own where it has one of that
 * family. Besides it only looks for routers then and names the groups that it is in (RFC 3590).
 *
 * A DHCP server knows its clients by the hardware address in what they ask, whoever the frame is from: who
 * invents one after the other has all addresses that there are, and who writes another's gives that one's
 * back.
 *
 * Whoever advertises itself as a router, or answers those who ask by DHCP, is sent what the others have for
 * the world: no guest does (RFC 6105, 7610). A header that stands in the second fragment is not seen here
 * (RFC 7113): what is discovered from a link-local address comes in one piece, and there are no extension
 * headers in fragments. Who advertises another's address is sent what is for it, and who asks whether it is
 * free keeps its owner from having it.
 *
 * "ether type" is what stands in the frame, and of one with a VLAN tag that of the tag: no guest sends tags.
 */
static const char table[] =
                "table " TABLE " {\n" MARK_SET "set " MACS " { type ifname . ether_addr; }\n"
                "set " ANY4 " { type ifname; }\n"
                "set " ANY6 " { type ifname; }\n"
                "set " OWN4 " { type ifname . ipv4_addr; }\n"
                "set " OWN6 " { type ifname . ipv6_addr; }\n"
                "set " OWN_TARGETS " { typeof meta iifname . @th,64,128; }\n"
                "set " CLIENTS " { typeof meta iifname . " DHCP_CLIENT "; }\n"
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
                "chain asks-dhcp {\n" DHCP_HEAD " " DHCP_FIRST " " DHCP_ASKS_FOR " iifname . " DHCP_CLIENT
                " @" CLIENTS " return\n"
                "drop\n"
                "}\n"
                "chain sends-ipv4 {\n"
                "udp sport 67 drop\n"
                "udp dport 67 jump asks-dhcp\n"
                "iifname @" ANY4 " accept\n"
                "ip saddr != 0.0.0.0 iifname . ip saddr @" OWN4 " accept\n"
                "ip saddr 0.0.0.0 udp sport 68 udp dport 67 iifname . ip saddr @" OWN4 " accept\n"
                "drop\n"
                "}\n"
                "chain sends-ipv6 {\n"
                "icmpv6 type nd-router-advert drop\n"
                "udp sport 547 drop\n"
                "ip6 saddr fe80::/10 exthdr frag exists drop\n"
                "frag nexthdr { 0, 43, 44, 51, 60 } drop\n"
                "iifname @" ANY6 " accept\n"
                "ip6 saddr :: icmpv6 type nd-neighbor-solicit iifname . ip6 saddr @" OWN6 " " TARGET
                " accept\n"
                "ip6 saddr :: icmpv6 type { nd-router-solicit, mld-listener-report, mld2-listener-report } "
                "iifname . ip6 saddr @" OWN6 " accept\n"
                "ip6 saddr :: drop\n"
                "icmpv6 type nd-neighbor-advert iifname . ip6 saddr @" OWN6 " " TARGET " accept\n"
                "icmpv6 type nd-neighbor-advert drop\n"
                "iifname . ip6 saddr @" OWN6 " accept\n"
                "drop\n"
                "}\n"
                "chain sends {\n"
                "iifname . ether saddr @" MACS
                " ether type vmap { ip : goto sends-ipv4, arp : goto sends-arp, ip6 : goto sends-ipv6 }\n"
                "drop\n"
                "}\n"
                "chain prerouting {\n"
                "type filter hook prerouting priority -310; policy accept;\n"
                "iifname \"" ANTISPOOF_INTERFACE_PREFIX "*\" goto sends\n"
                "}\n"
                "}\n";

static const char *const names[] = {TABLE, HOST, HOST_ARP};

/* Frames to 01:80:c2:00:00:0X a bridge hands to the host as they come, past its table. Whatever the host is
 * given by a guest's interface itself has come that way: all else comes by the bridge. */
static void ruleset_append_host_table(GString *commands, const char *name, const char *hook)
{
        g_string_append_printf(commands,
                        "table %s {\n" MARK_SET "chain %s {\n"
                        "type filter hook %s priority -310; policy accept;\n"
                        "iifname \"" ANTISPOOF_INTERFACE_PREFIX "*\" drop\n"
                        "}\n"
                        "}\n",
                        name, hook, hook);
}

void ruleset_append_tables(GString *commands)
{
        /* Only what is there can be deleted. */
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                g_string_append_printf(commands, "add table %s\ndelete table %s\n", names[i], names[i]);
        g_string_append(commands, table);
        ruleset_append_host_table(commands, HOST, "prerouting");
        ruleset_append_host_table(commands, HOST_ARP, "input");
}

static void ruleset_append_element(GString *commands, const char *verb, const char *set,
                const char *interface, const char *value)
{
        g_string_append_printf(commands, "%s element " TABLE " %s { \"%s\"%s%s }\n", verb, set, interface,
                        value ? " . " : "", value ?: "");
}

/* An address of the guest's own; one of IPv6 may be what it discovers or advertises, too. */
static void ruleset_append_own(
                GString *commands, const char *verb, const char *interface, const Address *address)
{
        char ip[ADDRESS_TEXT_MAX], target[2 + 2 * sizeof address->bytes + 1] = "0x";
        bool v4 = address->family == AF_INET;

        address_format_ip(address, ip);
        ruleset_append_element(commands, verb, v4 ? OWN4 : OWN6, interface, ip);
        if (v4)
                return;

        for (size_t i = 0; i < sizeof address->bytes; i++)
                (void) g_snprintf(target + 2 + 2 * i, 3, "%02x", address->bytes[i]);
        ruleset_append_element(commands, verb, OWN_TARGETS, interface, target);
}

static void ruleset_append_family(GString *commands, const char *verb, const AntispoofFilter *filter,
                const char *interface, const AntispoofFamily *family)
{
        bool v4 = family == &filter->ipv4;
        Address link_local;

        if (family->any)
                ruleset_append_element(commands, verb, v4 ? ANY4 : ANY6, interface, NULL);
        if (family->any || !address_is_set(&family->address))
                return;

        ruleset_append_own(commands, verb, interface, &family->address);
        ruleset_append_element(commands, verb, v4 ? OWN4 : OWN6, interface, v4 ? "0.0.0.0" : "::");
        /* Without a link-local address there is no neighbour discovery. */
        link_local = address_link_local(filter->mac);
        if (!v4 && !address_equal(&link_local, &family->address))
                ruleset_append_own(commands, verb, interface, &link_local);
}

static void ruleset_append_elements(GString *commands, const char *verb, const AntispoofFilter *filter)
{
        char interface[IF_NAMESIZE], client[sizeof "0x" + 12] = "0x";

        antispoof_interface_name(filter, interface);
        ruleset_append_element(commands, verb, MACS, interface, filter->mac);
        for (size_t i = 0; i < 6; i++)
                memcpy(client + 2 + 2 * i, filter->mac + 3 * i, 2);
        ruleset_append_element(commands, verb, CLIENTS, interface, client);
        ruleset_append_family(commands, verb, filter, interface, &filter->ipv4);
        ruleset_append_family(commands, verb, filter, interface, &filter->ipv6);
}

void ruleset_append_filter(GString *commands, const AntispoofFilter *filter)
{
        ruleset_append_elements(commands, "add", filter);
}

void ruleset_append_removal(GString *commands, const AntispoofFilter *filter)
{
        /* Only what is there can be deleted. */
        ruleset_append_elements(commands, "add", filter);
        ruleset_append_elements(commands, "delete", filter);
}

void ruleset_append_test(GString *commands)
{
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                g_string_append_printf(commands,
                                "add element %s " MARK " { \"" ANTISPOOF_INTERFACE_PREFIX "\" }\n",
                                names[i]);
}
