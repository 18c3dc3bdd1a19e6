/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tables "ip shruthi_demand" and "ip6 shruthi_demand": two, because libnftables cannot read what
 * demand-target.c adds in a table of both families. Their chains stand behind the translation of
 * publication-ruleset.c, so that the destination is the guest's, and before what marks and accepts such
 * packets: a packet that was held goes on with the next chain, not with the next rule. A client's later
 * packets, and answers, are not "new". Of TCP only a SYN counts: what is left of a connection to an earlier
 * run starts nobody. A guest is in one of the two sets, or in none.
 *
 * With br_netfilter the kernel sends a reset to a client behind a bridge, such as another guest, with the
 * address of the guest, which the client does not know (nf_send_reset()). An ICMP message has the right one,
 * and ends its attempt as well. */

#include "antispoof/demand-ruleset.h"

#include "antispoof/packet-source.h"
#include "common/address.h"

typedef struct DemandFamily {
        int family;
        const char *ip, *type;
} DemandFamily;

static const DemandFamily families[] = {
                {AF_INET, "ip", "ipv4_addr"},
                {AF_INET6, "ip6", "ipv6_addr"},
};

/* Those of one family, with ", " between. */
static char *demand_elements(const GArray *guests, int family)
{
        g_autoptr(GString) text = g_string_new(NULL);

        for (guint i = 0; i < guests->len; i++) {
                const Address *guest = &g_array_index(guests, Address, i);
                char ip[ADDRESS_TEXT_MAX];

                if (guest->family != family)
                        continue;
                address_format_ip(guest, ip);
                g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", ip);
        }
        return g_string_free(g_steal_pointer(&text), FALSE);
}

void demand_ruleset_append_removal(GString *commands)
{
        /* Only what is there can be deleted. */
        for (size_t i = 0; i < G_N_ELEMENTS(families); i++)
                g_string_append_printf(commands,
                                "add table %s " DEMAND_TABLE "\ndelete table %s " DEMAND_TABLE "\n",
                                families[i].ip, families[i].ip);
}

static void demand_ruleset_append_chain(GString *commands, const DemandFamily *family, const char *hook)
{
        g_string_append_printf(commands,
                        "chain %s {\n"
                        "type filter hook %s priority filter - 2; policy accept;\n"
                        "ct state new ct status dnat %s daddr @refused goto refuse\n"
                        "ct state new ct status dnat %s daddr @held jump begin\n"
                        "}\n",
                        hook, hook, family->ip, family->ip);
}

static void demand_ruleset_append_set(
                GString *commands, const DemandFamily *family, const char *name, const GArray *guests)
{
        g_autofree char *elements = demand_elements(guests, family->family);

        g_string_append_printf(commands, "set %s { type %s; %s%s%s}\n", name, family->type,
                        *elements ? "elements = { " : "", elements, *elements ? " } " : "");
}

static void demand_ruleset_append_family(GString *commands, const DemandFamily *family, DemandMeans means,
                const GArray *held, const GArray *refused)
{
        g_string_append_printf(commands, "table %s " DEMAND_TABLE " {\n", family->ip);
        demand_ruleset_append_set(commands, family, "held", held);
        demand_ruleset_append_set(commands, family, "refused", refused);
        g_string_append(commands, "chain " DEMAND_CHAIN " {\n");
        if (means == DEMAND_QUEUE)
                g_string_append_printf(commands, "queue num %d\n", PACKET_SOURCE_NUMBER);
        if (means == DEMAND_LOG)
                g_string_append_printf(commands, "log group %d\ndrop\n", PACKET_SOURCE_NUMBER);
        g_string_append(commands, "}\nchain begin {\n"
                                  "tcp flags & (fin | syn | rst | ack) == syn goto " DEMAND_CHAIN "\n"
                                  "meta l4proto udp goto " DEMAND_CHAIN "\n"
                                  "}\nchain refuse {\n"
                                  "meta iifkind \"bridge\" reject\n"
                                  "meta l4proto tcp reject with tcp reset\n"
                                  "reject\n"
                                  "}\n");
        demand_ruleset_append_chain(commands, family, "forward");
        demand_ruleset_append_chain(commands, family, "output");
        g_string_append(commands, "}\n");
}

void demand_ruleset_append_table(
                GString *commands, DemandMeans means, const GArray *held, const GArray *refused)
{
        demand_ruleset_append_removal(commands);
        for (size_t i = 0; i < G_N_ELEMENTS(families); i++)
                demand_ruleset_append_family(commands, &families[i], means, held, refused);
}

static void demand_ruleset_append_elements(
                GString *commands, const DemandFamily *family, const char *set, const GArray *guests)
{
        g_autofree char *elements = demand_elements(guests, family->family);

        g_string_append_printf(commands, "flush set %s " DEMAND_TABLE " %s\n", family->ip, set);
        if (*elements)
                g_string_append_printf(commands, "add element %s " DEMAND_TABLE " %s { %s }\n", family->ip,
                                set, elements);
}

void demand_ruleset_append_guests(GString *commands, const GArray *held, const GArray *refused)
{
        for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
                demand_ruleset_append_elements(commands, &families[i], "held", held);
                demand_ruleset_append_elements(commands, &families[i], "refused", refused);
        }
}
