/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Boxes that translate addresses: their tables, and what they do by them with packets. Called by
 * shruthi-switch for each packet that passes one. */

#include "link/nat.h"

#include <netinet/in.h>
#include <string.h>

#include "link/frame.h"
#include "link/nat-packet.h"

#define PORT_FIRST    1024 /* of those that are given to others than those who had them */
#define PORT_TRIES    128
#define FRAGMENTS_MAX 64
#define FRAGMENT_USEC (30 * G_USEC_PER_SEC)
#define SWEEP_USEC    (10 * G_USEC_PER_SEC)
#define SWEEP_FULL    G_USEC_PER_SEC /* as often at most, when it is full */

#define TCP_FLAGS   13 /* their offset */
#define TCP_FIN_RST 0x05
#define TCP_SYN     0x02

typedef struct NatKey {
        uint32_t inside, remote; /* remote and its port: 0 where the mapping does not depend on them */
        uint16_t inside_port, remote_port;
        uint32_t protocol;
} NatKey;

typedef struct NatMapping {
        NatKey key;
        uint32_t outer; /* protocol and port, see outer_of() */
        uint32_t number;
        bool established; /* TCP */
        uint64_t used_usec;
} NatMapping;

/* Whom a mapping has spoken to. */
typedef struct NatRemote {
        uint32_t mapping; /* its number */
        uint32_t address;
        uint32_t port; /* 0 where filtering does not depend on it */
        uint64_t used_usec;
} NatRemote;

typedef struct NatFragment {
        uint32_t source, inside;
        uint16_t identification;
        uint8_t protocol;
        uint64_t begun_usec; /* 0: none */
} NatFragment;

struct NatBox {
        char *name;
        uint32_t address;
        NatBehaviour behaviour;
        GHashTable *mappings; /* a set, by key */
        GHashTable *outers;   /* outer → NatMapping, owned by mappings */
        GHashTable *remotes;  /* a set */
        uint32_t *entries;
        LinkKey chance;
        uint64_t drawn;
        uint32_t last_number;
        uint64_t swept_usec;
        NatFragment fragments[FRAGMENTS_MAX];
        unsigned next_fragment;
};

static guint nat_key_hash(gconstpointer data)
{
        const NatKey *key = data;
        uint64_t hash = key->inside * UINT64_C(0x9e3779b97f4a7c15);

        hash ^= (key->remote + UINT64_C(0x7f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);
        hash ^= ((uint64_t) key->inside_port << 32 | (uint64_t) key->remote_port << 8 | key->protocol) *
                UINT64_C(0x94d049bb133111eb);
        return (guint) (hash ^ hash >> 32);
}

static gboolean nat_key_equal(gconstpointer a, gconstpointer b)
{
        return memcmp(a, b, sizeof(NatKey)) == 0;
}

static guint nat_remote_hash(gconstpointer data)
{
        const NatRemote *remote = data;
        uint64_t hash = ((uint64_t) remote->mapping << 32 | remote->address) * UINT64_C(0x9e3779b97f4a7c15);

        hash ^= (remote->port + UINT64_C(1)) * UINT64_C(0xbf58476d1ce4e5b9);
        return (guint) (hash ^ hash >> 32);
}

static gboolean nat_remote_equal(gconstpointer a, gconstpointer b)
{
        const NatRemote *one = a, *other = b;

        return one->mapping == other->mapping && one->address == other->address && one->port == other->port;
}

static uint32_t outer_of(uint32_t protocol, uint16_t port)
{
        return protocol << 16 | port;
}

NatBox *nat_box_new(const RulesNat *nat, const char *seed, uint32_t *entries)
{
        NatBox *box = g_new(NatBox, 1);

        *box = (NatBox){
                        .name = g_strdup(nat->name),
                        .address = nat->address,
                        .behaviour = nat->behaviour,
                        .mappings = g_hash_table_new_full(nat_key_hash, nat_key_equal, g_free, NULL),
                        .outers = g_hash_table_new(NULL, NULL),
                        .remotes = g_hash_table_new_full(nat_remote_hash, nat_remote_equal, g_free, NULL),
                        .entries = entries,
        };
        link_key_init(&box->chance, seed, "nat", nat->name);
        return box;
}

void nat_box_free(NatBox *box)
{
        if (!box)
                return;

        *box->entries -= g_hash_table_size(box->mappings) + g_hash_table_size(box->remotes);
        g_hash_table_unref(box->outers);
        g_hash_table_unref(box->mappings);
        g_hash_table_unref(box->remotes);
        g_free(box->name);
        g_free(box);
}

void nat_box_set_behaviour(NatBox *box, const NatBehaviour *behaviour)
{
        box->behaviour = *behaviour;
}

const char *nat_box_name(const NatBox *box)
{
        return box->name;
}

uint32_t nat_box_address(const NatBox *box)
{
        return box->address;
}

bool nat_box_hairpins(const NatBox *box)
{
        return !box->behaviour.no_hairpinning;
}

uint32_t nat_box_mappings(const NatBox *box)
{
        return g_hash_table_size(box->mappings);
}

static uint64_t box_lifetime(const NatBox *box, uint32_t protocol, bool established)
{
        switch (protocol) {
        case IPPROTO_TCP:
                return established ? NAT_TCP_ESTABLISHED_USEC : NAT_TCP_TRANSITORY_USEC;
        case IPPROTO_ICMP:
                return NAT_ICMP_USEC;
        default:
                return box->behaviour.timeout_usec ?: NAT_TIMEOUT_USEC;
        }
}

static bool mapping_is_over(const NatBox *box, const NatMapping *mapping, uint64_t now)
{
        return now >= mapping->used_usec + box_lifetime(box, mapping->key.protocol, mapping->established);
}

static void box_remove_mapping(NatBox *box, NatMapping *mapping)
{
        g_hash_table_remove(box->outers, GUINT_TO_POINTER(mapping->outer));
        g_hash_table_remove(box->mappings, &mapping->key);
        (*box->entries)--;
}

/* A remote may be of a mapping that is over: it is not found by its number any more, and goes in its time,
 * that of the longest kind but TCP's: such a mapping that lives on has it renewed. */
static void box_sweep(NatBox *box, uint64_t now)
{
        GHashTableIter iter;
        void *data;
        uint64_t longest = NAT_TCP_ESTABLISHED_USEC;

        box->swept_usec = now;
        g_hash_table_iter_init(&iter, box->mappings);
        while (g_hash_table_iter_next(&iter, &data, NULL)) {
                NatMapping *mapping = data;

                if (!mapping_is_over(box, mapping, now))
                        continue;
                g_hash_table_remove(box->outers, GUINT_TO_POINTER(mapping->outer));
                g_hash_table_iter_remove(&iter);
                (*box->entries)--;
        }

        if (g_hash_table_size(box->mappings) == 0)
                longest = 0;
        g_hash_table_iter_init(&iter, box->remotes);
        while (g_hash_table_iter_next(&iter, &data, NULL))
                if (now >= ((NatRemote *) data)->used_usec + longest) {
                        g_hash_table_iter_remove(&iter);
                        (*box->entries)--;
                }
}

/* What is over goes now and then; where there is no room, each second. */
static bool box_has_room(NatBox *box, GHashTable *table, uint32_t max, uint64_t now)
{
        bool full = g_hash_table_size(table) >= max || *box->entries >= NAT_ENTRIES_MAX;

        if (now >= box->swept_usec + (full ? SWEEP_FULL : SWEEP_USEC))
                box_sweep(box, now);
        return g_hash_table_size(table) < max && *box->entries < NAT_ENTRIES_MAX;
}

static NatMapping *box_find_outer(NatBox *box, uint32_t protocol, uint16_t port, uint64_t now)
{
        NatMapping *mapping = g_hash_table_lookup(box->outers, GUINT_TO_POINTER(outer_of(protocol, port)));

        if (mapping && mapping_is_over(box, mapping, now)) {
                box_remove_mapping(box, mapping);
                mapping = NULL;
        }
        return mapping;
}

static uint64_t box_draw(NatBox *box)
{
        return link_chance(&box->chance, box->drawn++, CHANCE_LOSS);
}

/* No two mappings share a port (RFC 4787, REQ-3). */
static int box_choose_port(NatBox *box, const NatKey *key, uint64_t now, uint16_t *ret_port)
{
        uint16_t port = key->inside_port;

        if (!box->behaviour.random_ports && !box_find_outer(box, key->protocol, port, now)) {
                *ret_port = port;
                return 0;
        }
        for (unsigned i = 0; i < PORT_TRIES; i++) {
                port = (uint16_t) (PORT_FIRST + box_draw(box) % (65536 - PORT_FIRST));
                if (!box_find_outer(box, key->protocol, port, now)) {
                        *ret_port = port;
                        return 0;
                }
        }
        return -ENOBUFS;
}

static NatKey box_key(const NatBox *box, uint32_t protocol, uint32_t inside, uint16_t inside_port,
                uint32_t remote, uint16_t remote_port)
{
        NatKey key = {.protocol = protocol, .inside = inside, .inside_port = inside_port};

        if (box->behaviour.mapping != NAT_ENDPOINT_INDEPENDENT)
                key.remote = remote;
        if (box->behaviour.mapping == NAT_ADDRESS_AND_PORT_DEPENDENT)
                key.remote_port = remote_port;
        return key;
}

static NatMapping *box_find(NatBox *box, const NatKey *key, uint64_t now)
{
        NatMapping *mapping = g_hash_table_lookup(box->mappings, key);

        if (mapping && mapping_is_over(box, mapping, now)) {
                box_remove_mapping(box, mapping);
                mapping = NULL;
        }
        return mapping;
}

static int box_map(NatBox *box, const NatKey *key, uint64_t now, NatMapping **ret_mapping)
{
        NatMapping *mapping = box_find(box, key, now);
        uint16_t port;
        int r;

        if (!mapping) {
                if (!box_has_room(box, box->mappings, NAT_MAPPINGS_MAX, now))
                        return -ENOBUFS;
                r = box_choose_port(box, key, now, &port);
                if (r < 0)
                        return r;
                mapping = g_new(NatMapping, 1);
                *mapping = (NatMapping){
                                .key = *key,
                                .outer = outer_of(key->protocol, port),
                                .number = ++box->last_number,
                                .used_usec = now,
                };
                g_hash_table_add(box->mappings, mapping);
                g_hash_table_insert(box->outers, GUINT_TO_POINTER(mapping->outer), mapping);
                (*box->entries)++;
        }
        *ret_mapping = mapping;
        return 0;
}

static NatRemote box_remote(
                const NatBox *box, const NatMapping *mapping, uint32_t address, uint16_t port, uint64_t now)
{
        return (NatRemote){
                        .mapping = mapping->number,
                        .address = address,
                        .port = box->behaviour.filtering == NAT_ADDRESS_AND_PORT_DEPENDENT ? port : 0,
                        .used_usec = now,
        };
}

/* It may answer from now on. */
static int box_let_answer(
                NatBox *box, const NatMapping *mapping, uint32_t address, uint16_t port, uint64_t now)
{
        NatRemote remote = box_remote(box, mapping, address, port, now), *there;

        if (box->behaviour.filtering == NAT_ENDPOINT_INDEPENDENT)
                return 0;
        there = g_hash_table_lookup(box->remotes, &remote);
        if (there) {
                there->used_usec = now;
                return 0;
        }
        if (!box_has_room(box, box->remotes, NAT_REMOTES_MAX, now))
                return -ENOBUFS;
        g_hash_table_add(box->remotes, g_memdup2(&remote, sizeof remote));
        (*box->entries)++;
        return 0;
}

static bool box_lets_in(
                NatBox *box, const NatMapping *mapping, uint32_t address, uint16_t port, uint64_t now)
{
        NatRemote remote = box_remote(box, mapping, address, port, now), *there;

        if (box->behaviour.filtering == NAT_ENDPOINT_INDEPENDENT)
                return true;
        there = g_hash_table_lookup(box->remotes, &remote);
        if (!there || now >= there->used_usec + box_lifetime(box, mapping->key.protocol,
                                                                mapping->established))
                return false;
        there->used_usec = now;
        return true;
}

/* A connection is one when its other end has answered, and is over with the first word of that (RFC 5382,
 * REQ-5 leaves the time of what follows open). */
static void mapping_use(NatMapping *mapping, const NatPacket *packet, bool is_answer)
{
        mapping->used_usec = packet->now_usec;
        if (packet->ip.protocol == IPPROTO_TCP && packet->ip.is_first) {
                uint8_t flags = packet->data[packet->ip.payload + TCP_FLAGS];

                if (flags & TCP_FIN_RST)
                        mapping->established = false;
                else if (is_answer || !(flags & TCP_SYN))
                        mapping->established = true;
        }
}

/* An error that a member behind the box sends about what it was sent. */
static int box_send_error_out(NatBox *box, NatPacket *packet)
{
        NatMapping *mapping;
        NatPacket quoted;
        NatPorts ports;
        NatKey key;

        if (!nat_packet_read_quoted(packet, &quoted, &ports) || quoted.ip.destination != packet->ip.source)
                return -EACCES;
        key = box_key(box, quoted.ip.protocol, quoted.ip.destination,
                        frame_get16(packet->data + ports.destination), quoted.ip.source,
                        quoted.ip.protocol == IPPROTO_ICMP ? 0 : frame_get16(packet->data + ports.source));
        mapping = box_find(box, &key, packet->now_usec);
        if (!mapping)
                return -EACCES;

        nat_packet_replace_address(
                        &quoted, NAT_DESTINATION, ports.checksum, ports.has_pseudo_header, box->address);
        nat_packet_replace_port(&quoted, ports.destination, ports.checksum, (uint16_t) mapping->outer);
        nat_packet_replace_address(packet, NAT_SOURCE, 0, false, box->address);
        nat_packet_renew_icmp_checksum(packet);
        return 0;
}

/* An error about what a member behind the box has sent. */
static int box_send_error_in(NatBox *box, NatPacket *packet, uint32_t *ret_inside)
{
        NatMapping *mapping;
        NatPacket quoted;
        NatPorts ports;
        uint16_t remote_port;

        if (!nat_packet_read_quoted(packet, &quoted, &ports) || quoted.ip.source != box->address)
                return -EACCES;
        mapping = box_find_outer(
                        box, quoted.ip.protocol, frame_get16(packet->data + ports.source), packet->now_usec);
        remote_port = quoted.ip.protocol == IPPROTO_ICMP ? 0 : frame_get16(packet->data + ports.destination);
        if (!mapping || !box_lets_in(box, mapping, quoted.ip.destination, remote_port, packet->now_usec))
                return -EACCES;

        nat_packet_replace_address(&quoted, NAT_SOURCE, ports.checksum, ports.has_pseudo_header,
                        mapping->key.inside);
        nat_packet_replace_port(&quoted, ports.source, ports.checksum, mapping->key.inside_port);
        nat_packet_replace_address(packet, NAT_DESTINATION, 0, false, mapping->key.inside);
        nat_packet_renew_icmp_checksum(packet);
        *ret_inside = mapping->key.inside;
        return 0;
}

int nat_box_send_out(NatBox *box, uint8_t *frame, size_t size, bool partial, uint64_t now_usec)
{
        NatMapping *mapping = NULL;
        NatPacket packet;
        NatPorts ports;
        NatKey key;
        uint16_t remote_port;
        int r;

        if (!nat_packet_read(&packet, frame, size, partial, now_usec))
                return -EACCES;
        if (!packet.ip.is_first) {
                nat_packet_replace_address(&packet, NAT_SOURCE, 0, false, box->address);
                return 0;
        }
        if (nat_packet_is_error(&packet))
                return box_send_error_out(box, &packet);
        r = nat_packet_find_ports(&packet, &ports);
        if (r < 0 || !nat_packet_is_echo(&packet, ICMP_ECHO))
                return -EACCES;

        remote_port = packet.ip.protocol == IPPROTO_ICMP ? 0 : frame_get16(frame + ports.destination);
        key = box_key(box, packet.ip.protocol, packet.ip.source, frame_get16(frame + ports.source),
                        packet.ip.destination, remote_port);
        r = box_map(box, &key, now_usec, &mapping);
        if (r >= 0)
                r = box_let_answer(box, mapping, packet.ip.destination, remote_port, now_usec);
        if (r < 0)
                return r;

        mapping_use(mapping, &packet, false);
        nat_packet_replace_address(
                        &packet, NAT_SOURCE, ports.checksum, ports.has_pseudo_header, box->address);
        nat_packet_replace_port(&packet, ports.source, ports.checksum, (uint16_t) mapping->outer);
        nat_packet_finish(&packet, &ports);
        return 0;
}

static void box_remember_fragment(NatBox *box, const NatPacket *packet, uint32_t inside)
{
        if (!packet->ip.has_more)
                return;
        box->fragments[box->next_fragment] = (NatFragment){
                        .source = packet->ip.source,
                        .inside = inside,
                        .identification = packet->ip.identification,
                        .protocol = packet->ip.protocol,
                        .begun_usec = packet->now_usec,
        };
        box->next_fragment = (box->next_fragment + 1) % FRAGMENTS_MAX;
}

static int box_send_fragment_in(NatBox *box, NatPacket *packet, uint32_t *ret_inside)
{
        for (unsigned i = 0; i < FRAGMENTS_MAX; i++) {
                const NatFragment *fragment = &box->fragments[i];

                if (fragment->begun_usec == 0 || fragment->source != packet->ip.source ||
                                fragment->identification != packet->ip.identification ||
                                fragment->protocol != packet->ip.protocol ||
                                packet->now_usec >= fragment->begun_usec + FRAGMENT_USEC)
                        continue;
                nat_packet_replace_address(packet, NAT_DESTINATION, 0, false, fragment->inside);
                *ret_inside = fragment->inside;
                return 0;
        }
        return -EACCES;
}

int nat_box_send_in(NatBox *box, uint8_t *frame, size_t size, bool partial, uint64_t now_usec,
                uint32_t *ret_inside)
{
        NatMapping *mapping;
        NatPacket packet;
        NatPorts ports;
        uint16_t remote_port;
        int r;

        if (!nat_packet_read(&packet, frame, size, partial, now_usec) ||
                        packet.ip.destination != box->address)
                return -EACCES;
        if (!packet.ip.is_first)
                return box_send_fragment_in(box, &packet, ret_inside);
        if (nat_packet_is_error(&packet))
                return box_send_error_in(box, &packet, ret_inside);
        r = nat_packet_find_ports(&packet, &ports);
        if (r < 0 || !nat_packet_is_echo(&packet, ICMP_ECHO_REPLY))
                return -EACCES;

        mapping = box_find_outer(box, packet.ip.protocol, frame_get16(frame + ports.destination), now_usec);
        remote_port = packet.ip.protocol == IPPROTO_ICMP ? 0 : frame_get16(frame + ports.source);
        if (!mapping || !box_lets_in(box, mapping, packet.ip.source, remote_port, now_usec))
                return -EACCES;

        mapping_use(mapping, &packet, true);
        nat_packet_replace_address(&packet, NAT_DESTINATION, ports.checksum, ports.has_pseudo_header,
                        mapping->key.inside);
        nat_packet_replace_port(&packet, ports.destination, ports.checksum, mapping->key.inside_port);
        nat_packet_finish(&packet, &ports);
        box_remember_fragment(box, &packet, mapping->key.inside);
        *ret_inside = mapping->key.inside;
        return 0;
}

bool nat_box_peek(const NatBox *box, const uint8_t *frame, size_t size, uint32_t *ret_inside)
{
        const NatMapping *mapping;
        FrameIpv4 ip;
        size_t at;

        if (size < FRAME_HEADER_SIZE || frame_type(frame) != FRAME_TYPE_IPV4 ||
                        !frame_read_ipv4(frame, size, FRAME_HEADER_SIZE, &ip) || !ip.is_first)
                return false;
        at = ip.payload + (ip.protocol == IPPROTO_ICMP ? 4 : 2);
        if (at + 2 > ip.end)
                return false;
        mapping = g_hash_table_lookup(
                        box->outers, GUINT_TO_POINTER(outer_of(ip.protocol, frame_get16(frame + at))));
        if (mapping)
                *ret_inside = mapping->key.inside;
        return mapping != NULL;
}
