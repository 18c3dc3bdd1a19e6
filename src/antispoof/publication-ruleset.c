/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table "inet shruthi_publish". A packet to this host passes one look-up for each protocol, however many
 * ports are published. What was measured of libvirt's rules and decides the priorities:
 *
 * - The guest is to see its client's address, also one of another network: libvirt's masquerade comes later
 *   than "return-path", and an address that was translated once is not again.
 * - A client of the guest's own network, or the guest itself, would be answered past the host: its address
 *   is replaced by the host's there, as is 127.0.0.1, which nobody can answer.
 * - With route_localnet (loopback.h) packets to 127.0.0.1 from the network would be taken: "guard". */

#include "antispoof/publication-ruleset.h"

#define TABLE "inet " PUBLICATION_TABLE

/* What each protocol and family has. */
typedef struct RulesetKind {
        PortProtocol protocol;
        int family;
        const char *suffix, *type, *ip;
} RulesetKind;

static const RulesetKind kinds[] = {
                {PORT_TCP, AF_INET, "tcp4", "ipv4_addr", "ip"},
                {PORT_UDP, AF_INET, "udp4", "ipv4_addr", "ip"},
                {PORT_TCP, AF_INET6, "tcp6", "ipv6_addr", "ip6"},
                {PORT_UDP, AF_INET6, "udp6", "ipv6_addr", "ip6"},
};

/* Those that are the same whatever is published. */
static const char chains[] = "chain prerouting {\n"
                             "type nat hook prerouting priority dstnat - 1; policy accept;\n"
                             "jump translate\n"
                             "}\n"
                             "chain output {\n"
                             "type nat hook output priority -101; policy accept;\n"
                             "jump translate\n"
                             "}\n"
                             "chain recognize {\n"
                             "ct direction original ip daddr . meta l4proto . th dport @guests4 meta mark "
                             "set " PUBLICATION_MARK "\n"
                             "ct direction reply ip saddr . meta l4proto . th sport @guests4 meta mark "
                             "set " PUBLICATION_MARK "\n"
                             "ct direction original ip6 daddr . meta l4proto . th dport @guests6 meta mark "
                             "set " PUBLICATION_MARK "\n"
                             "ct direction reply ip6 saddr . meta l4proto . th sport @guests6 meta mark "
                             "set " PUBLICATION_MARK "\n"
                             "ct state related meta l4proto icmp ct reply ip saddr @addresses4 meta mark "
                             "set " PUBLICATION_MARK "\n"
                             "ct state related meta l4proto ipv6-icmp ct reply ip6 saddr @addresses6 meta "
                             "mark set " PUBLICATION_MARK "\n"
                             "}\n"
                             "chain forward-before {\n"
                             "type filter hook forward priority filter - 1; policy accept;\n"
                             "ct status dnat jump recognize\n"
                             "}\n"
                             "chain forward-after {\n"
                             "type filter hook forward priority filter + 1; policy accept;\n"
                             "meta mark " PUBLICATION_MARK " meta mark set 0\n"
                             "}\n"
                             "chain guard {\n"
                             "type filter hook prerouting priority raw; policy accept;\n"
                             "iifname @bridges ip daddr 127.0.0.0/8 drop\n"
                             "iifname @bridges ip6 daddr ::1 drop\n"
                             "}\n"
                             "}\n";

typedef void (*RulesetElements)(GString *text, const AntispoofPublication *publication, const void *data);

/* A set or map of that type: what each publication appends, each element with ", " behind it. */
static void ruleset_append_set(GString *commands, const char *head, const GPtrArray *publications,
                RulesetElements append, const void *data)
{
        gsize begin;

        g_string_append_printf(commands, "%s", head);
        begin = commands->len;
        for (guint i = 0; i < publications->len; i++)
                append(commands, publications->pdata[i], data);
        if (commands->len > begin) {
                g_string_insert(commands, (gssize) begin, "elements = { ");
                g_string_append(commands, "} ");
        }
        g_string_append(commands, "}\n");
}

static const Address *publication_address(const AntispoofPublication *publication, int family)
{
        return family == AF_INET ? &publication->address4 : &publication->address6;
}

typedef struct RulesetMap {
        const RulesetKind *kind;
        bool at; /* of ports at one address of the host's, and not at all */
} RulesetMap;

static void ruleset_append_ports(GString *text, const AntispoofPublication *publication, const void *data)
{
        const RulesetMap *map = data;
        const Address *address = publication_address(publication, map->kind->family);
        char guest[ADDRESS_TEXT_MAX], host[ADDRESS_TEXT_MAX];

        if (!address_is_set(address) || publication->standby)
                return;
        address_format_ip(address, guest);
        for (guint i = 0; i < publication->ports->len; i++) {
                const PublishedPort *port = &g_array_index(publication->ports, PublishedPort, i);
                bool at = address_is_set(&port->address);

                if (port->protocol != map->kind->protocol || at != map->at ||
                                (at && port->address.family != map->kind->family))
                        continue;
                if (at)
                        address_format_ip(&port->address, host);
                for (unsigned j = 0; j < published_port_count(port); j++)
                        g_string_append_printf(text, "%s%s%u : %s . %u, ", at ? host : "", at ? " . " : "",
                                        port->first + j, guest, port->guest + j);
        }
}

static void ruleset_append_maps(GString *commands, const RulesetKind *kind, const GPtrArray *publications)
{
        g_autofree char *all = g_strdup_printf("map %s { type inet_service : %s . inet_service; ",
                                        kind->suffix, kind->type),
                        *at = g_strdup_printf("map %s-at { type %s . inet_service : %s . inet_service; ",
                                        kind->suffix, kind->type, kind->type);

        ruleset_append_set(commands, all, publications, ruleset_append_ports,
                        &(RulesetMap){.kind = kind, .at = false});
        ruleset_append_set(commands, at, publications, ruleset_append_ports,
                        &(RulesetMap){.kind = kind, .at = true});
}

/* Two ports of the host may lead to one of the guest: an element stands there once all the same. */
static bool ports_have_guest_before(
                const GArray *ports, guint before, const PublishedPort *port, unsigned guest)
{
        for (guint i = 0; i < before; i++) {
                const PublishedPort *other = &g_array_index(ports, PublishedPort, i);

                if (other->protocol == port->protocol && guest >= other->guest &&
                                guest < other->guest + published_port_count(other))
                        return true;
        }
        return false;
}

static void ruleset_append_guest_ports(
                GString *text, const AntispoofPublication *publication, const void *data)
{
        const Address *address = publication_address(publication, *(const int *) data);
        char guest[ADDRESS_TEXT_MAX];

        if (!address_is_set(address))
                return;
        address_format_ip(address, guest);
        for (guint i = 0; i < publication->ports->len; i++) {
                const PublishedPort *port = &g_array_index(publication->ports, PublishedPort, i);

                for (unsigned j = 0; j < published_port_count(port); j++)
                        if (!ports_have_guest_before(publication->ports, i, port, port->guest + j))
                                g_string_append_printf(text, "%s . %s . %u, ", guest,
                                                port_protocol_to_string(port->protocol), port->guest + j);
        }
}

static void ruleset_append_address(GString *text, const AntispoofPublication *publication, const void *data)
{
        const Address *address = publication_address(publication, *(const int *) data);
        char guest[ADDRESS_TEXT_MAX];

        if (!address_is_set(address))
                return;
        address_format_ip(address, guest);
        g_string_append_printf(text, "%s, ", guest);
}

/* For each network that guests are in, once. */
static void ruleset_append_near(GString *commands, const GPtrArray *publications, int family)
{
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        const char *ip = family == AF_INET ? "ip" : "ip6";

        for (guint i = 0; i < publications->len; i++) {
                const AntispoofPublication *publication = publications->pdata[i];
                const Address *address = publication_address(publication, family);
                char network[ADDRESS_TEXT_MAX];
                Address first;
                char *rule;

                if (!address_is_set(address))
                        continue;
                first = address_first(address);
                address_format(&first, network);
                rule = g_strdup_printf("ct status dnat oifname \"%s\" %s saddr %s %s daddr @addresses%c "
                                       "masquerade\n",
                                publication->bridge, ip, network, ip, family == AF_INET ? '4' : '6');
                if (g_hash_table_add(seen, rule))
                        g_string_append(commands, rule);
        }
}

/* What others see of a connection to a guest. */
static void ruleset_append_return_path(GString *commands, const GPtrArray *publications)
{
        g_string_append(commands, "chain return-path {\n"
                                  "type nat hook postrouting priority srcnat - 1; policy accept;\n");
        ruleset_append_near(commands, publications, AF_INET);
        ruleset_append_near(commands, publications, AF_INET6);
        g_string_append(commands,
                        "ct status dnat ip saddr 127.0.0.0/8 ip daddr @addresses4 masquerade\n"
                        "ct status dnat ip6 saddr ::1 ip6 daddr @addresses6 masquerade\n"
                        "ct status dnat ip daddr . meta l4proto . th dport @guests4 snat ip to ip saddr\n"
                        "ct status dnat ip6 daddr . meta l4proto . th dport @guests6 snat ip6 to ip6 saddr\n"
                        "}\n");
}

static void ruleset_append_bridges(GString *commands, const GPtrArray *publications)
{
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

        g_string_append(commands, "set bridges { type ifname; elements = { ");
        for (guint i = 0; i < publications->len; i++) {
                AntispoofPublication *publication = publications->pdata[i];

                if (g_hash_table_add(seen, publication->bridge))
                        g_string_append_printf(
                                        commands, "%s\"%s\"", i == 0 ? "" : ", ", publication->bridge);
        }
        g_string_append(commands, " } }\n");
}

static void ruleset_append_translation(GString *commands)
{
        g_string_append(commands, "chain translate {\n");
        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
                const RulesetKind *kind = &kinds[i];
                const char *protocol = port_protocol_to_string(kind->protocol);

                /* Only what comes to this host: an address in the map may be anybody's. */
                g_string_append_printf(commands,
                                "fib daddr type local dnat %s to %s daddr . %s dport map @%s-at\n", kind->ip,
                                kind->ip, protocol, kind->suffix);
                g_string_append_printf(commands, "fib daddr type local dnat %s to %s dport map @%s\n",
                                kind->ip, protocol, kind->suffix);
        }
        g_string_append(commands, "}\n");
}

static void ruleset_append_all(GString *commands, const GPtrArray *publications)
{
        static const int families[] = {AF_INET, AF_INET6};

        g_string_append(commands, "table " TABLE " {\n");
        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
                ruleset_append_maps(commands, &kinds[i], publications);
        for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
                char version = families[i] == AF_INET ? '4' : '6';
                g_autofree char *guests = g_strdup_printf("set guests%c { type ipv%c_addr . inet_proto . "
                                                          "inet_service; ",
                                                version, version),
                                *addresses = g_strdup_printf(
                                                "set addresses%c { type ipv%c_addr; ", version, version);

                ruleset_append_set(commands, guests, publications, ruleset_append_guest_ports, &families[i]);
                ruleset_append_set(commands, addresses, publications, ruleset_append_address, &families[i]);
        }
        ruleset_append_bridges(commands, publications);
        ruleset_append_translation(commands);
        ruleset_append_return_path(commands, publications);
        g_string_append(commands, chains);
}

void publication_ruleset_append(GString *commands, const GPtrArray *publications)
{
        /* Only what is there can be deleted. */
        g_string_append(commands, "add table " TABLE "\ndelete table " TABLE "\n");
        if (publications->len > 0)
                ruleset_append_all(commands, publications);
}

void publication_ruleset_append_again(GString *commands, const GPtrArray *publications)
{
        static const char *const sets[] = {"guests4", "addresses4", "guests6", "addresses6", "bridges"};

        g_string_append(commands, "flush table " TABLE "\n");
        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
                g_string_append_printf(commands, "flush map " TABLE " %s\nflush map " TABLE " %s-at\n",
                                kinds[i].suffix, kinds[i].suffix);
        for (size_t i = 0; i < G_N_ELEMENTS(sets); i++)
                g_string_append_printf(commands, "flush set " TABLE " %s\n", sets[i]);
        ruleset_append_all(commands, publications);
}
