/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Members, ports and rules. */

#include "switch/plane-private.h"

#include <string.h>

#define BOX_MAC_FIRST  0x02 /* locally administered */
#define BOX_MAC_SECOND 0x00

/* In a hash table by 48 bits, of which a pointer may have 32 only. */
static guint mac_hash(gconstpointer data)
{
        const uint8_t *mac = data;

        return (frame_get32(mac + 2) ^ frame_get16(mac)) * 2654435761U;
}

static gboolean mac_equal(gconstpointer a, gconstpointer b)
{
        return memcmp(a, b, FRAME_MAC_SIZE) == 0;
}

static guint address6_hash(gconstpointer data)
{
        const uint8_t *p = data;

        return (frame_get32(p) ^ frame_get32(p + 4) * 31 ^ frame_get32(p + 8) * 961 ^ frame_get32(p + 12)) *
               2654435761U;
}

static gboolean address6_equal(gconstpointer a, gconstpointer b)
{
        return memcmp(a, b, 16) == 0;
}

static void plane_port_free(gpointer data)
{
        PlanePort *port = data;

        g_free(port->unikernel);
        g_free(port->device);
        g_free(port);
}

static void plane_member_clear(gpointer data)
{
        g_free(((PlaneMember *) data)->name);
}

static void plane_box_free(gpointer data)
{
        PlaneBox *box = data;

        nat_box_free(box->nat);
        g_free(box);
}

Plane *plane_new(void)
{
        Plane *plane = g_new(Plane, 1);

        *plane = (Plane){
                        .rules = rules_new_direct(),
                        .members = g_array_new(FALSE, FALSE, sizeof(PlaneMember)),
                        .members_by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                        .ports = g_ptr_array_new_with_free_func(plane_port_free),
                        .ports_by_interface = g_hash_table_new(g_str_hash, g_str_equal),
                        .ports_by_mac = g_hash_table_new(mac_hash, mac_equal),
                        .ports_by_address4 = g_hash_table_new(NULL, NULL),
                        .ports_by_address6 = g_hash_table_new(address6_hash, address6_equal),
                        .boxes = g_hash_table_new_full(NULL, NULL, NULL, plane_box_free),
                        .pairs = pairs_new(),
                        .flight = flight_new(FLIGHT_BYTES_MAX),
                        .keys = g_new0(PlaneKey, PLANE_KEYS),
                        .lateness = lateness_new(),
        };
        g_array_set_clear_func(plane->members, plane_member_clear);
        return plane;
}

void plane_free(Plane *plane)
{
        if (!plane)
                return;

        g_hash_table_unref(plane->ports_by_interface);
        g_hash_table_unref(plane->ports_by_mac);
        g_hash_table_unref(plane->ports_by_address4);
        g_hash_table_unref(plane->ports_by_address6);
        g_ptr_array_unref(plane->ports);
        g_hash_table_unref(plane->members_by_name);
        g_array_unref(plane->members);
        g_hash_table_unref(plane->boxes);
        pairs_free(plane->pairs);
        flight_free(plane->flight);
        lateness_free(plane->lateness);
        rules_free(plane->rules);
        g_free(plane->keys);
        g_free(plane);
}

void plane_set_seen(Plane *plane, PlaneSeen seen, void *userdata)
{
        plane->seen = seen;
        plane->seen_userdata = userdata;
}

void plane_set_link_seen(Plane *plane, PlaneLinkSeen seen, void *userdata)
{
        plane->link_seen = seen;
        plane->link_seen_userdata = userdata;
}

static void plane_apply_rules(Plane *plane, uint32_t index)
{
        PlaneMember *member = plane_member(plane, index);
        const RulesMember *stated;
        PlaneBox *box;

        member->rules_index = rules_find_member(plane->rules, member->name);
        member->outer = 0;
        if (member->rules_index == RULES_NONE)
                return;
        stated = &g_array_index(plane->rules->members, RulesMember, member->rules_index);
        if (stated->nat_index == RULES_NONE)
                return;
        member->outer = g_array_index(plane->rules->nats, RulesNat, stated->nat_index).address;
        box = plane_find_box(plane, member->outer);
        box->a_member = index;
}

/* A box of the same name and address is the same one, with its mappings. */
static void plane_set_boxes(Plane *plane)
{
        GHashTable *before = plane->boxes;

        plane->boxes = g_hash_table_new_full(NULL, NULL, NULL, plane_box_free);
        for (guint i = 0; i < plane->rules->nats->len; i++) {
                const RulesNat *stated = &g_array_index(plane->rules->nats, RulesNat, i);
                PlaneBox *former = g_hash_table_lookup(before, GUINT_TO_POINTER(stated->address));
                PlaneBox *box = g_new(PlaneBox, 1);

                *box = (PlaneBox){.a_member = PLANE_NOBODY};
                if (former && g_str_equal(nat_box_name(former->nat), stated->name)) {
                        box->nat = g_steal_pointer(&former->nat);
                        nat_box_set_behaviour(box->nat, &stated->behaviour);
                } else
                        box->nat = nat_box_new(stated, plane->rules->seed, &plane->nat_entries);
                g_hash_table_insert(plane->boxes, GUINT_TO_POINTER(stated->address), box);
        }
        g_hash_table_unref(before);
}

void plane_set_rules(Plane *plane, Rules *taken_rules)
{
        rules_free(plane->rules);
        plane->rules = taken_rules;
        memset(plane->keys, 0, sizeof *plane->keys * PLANE_KEYS);
        plane_set_boxes(plane);
        for (uint32_t i = 0; i < plane->members->len; i++)
                plane_apply_rules(plane, i);
}

/* PLANE_NOBODY: there are too many. */
static uint32_t plane_add_member(Plane *plane, const char *name)
{
        uint32_t index = GPOINTER_TO_UINT(g_hash_table_lookup(plane->members_by_name, name));
        PlaneMember member = {};

        if (index > 0)
                return index - 1;
        index = plane->members->len;
        if (index == PLANE_MEMBERS_MAX)
                return PLANE_NOBODY;
        member.name = g_strdup(name);
        g_array_append_val(plane->members, member);
        g_hash_table_insert(plane->members_by_name, g_strdup(name), GUINT_TO_POINTER(index + 1));
        pairs_set_members(plane->pairs, index + 1);
        plane_apply_rules(plane, index);
        return index;
}

int plane_add_port(Plane *plane, const char *interface, const AntispoofFilter *filter, PlanePort **ret_port)
{
        GuardAddresses addresses;
        PlanePort *port;
        uint32_t member;

        guard_addresses_init(&addresses, filter);
        if (g_hash_table_contains(plane->ports_by_interface, interface) ||
                        g_hash_table_contains(plane->ports_by_mac, addresses.mac))
                return -EEXIST;
        member = plane->ports->len < PLANE_PORTS_MAX ? plane_add_member(plane, filter->unikernel)
                                                     : PLANE_NOBODY;
        if (member == PLANE_NOBODY)
                return -E2BIG;

        port = g_new(PlanePort, 1);
        *port = (PlanePort){
                        .unikernel = g_strdup(filter->unikernel),
                        .device = g_strdup(filter->device),
                        .addresses = addresses,
                        .member = member,
        };
        g_strlcpy(port->interface, interface, sizeof port->interface);
        g_ptr_array_add(plane->ports, port);
        g_hash_table_insert(plane->ports_by_interface, port->interface, port);
        g_hash_table_insert(plane->ports_by_mac, port->addresses.mac, port);
        if (addresses.has4)
                g_hash_table_insert(plane->ports_by_address4, GUINT_TO_POINTER(addresses.ip4), port);
        if (addresses.has6)
                g_hash_table_replace(plane->ports_by_address6, port->addresses.ip6, port);
        if (addresses.has6 || addresses.any6)
                g_hash_table_replace(plane->ports_by_address6, port->addresses.link_local, port);
        *ret_port = port;
        return 0;
}

PlanePort *plane_find_port(const Plane *plane, const char *interface)
{
        return g_hash_table_lookup(plane->ports_by_interface, interface);
}

/* Of two with one address the later one has it. */
static void plane_forget_address6(Plane *plane, const PlanePort *port, const uint8_t *address)
{
        if (plane_find_address6(plane, address) == port)
                g_hash_table_remove(plane->ports_by_address6, address);
}

void plane_remove_port(Plane *plane, PlanePort *port)
{
        if (port->addresses.has4 && plane_find_address4(plane, port->addresses.ip4) == port)
                g_hash_table_remove(plane->ports_by_address4, GUINT_TO_POINTER(port->addresses.ip4));
        plane_forget_address6(plane, port, port->addresses.ip6);
        plane_forget_address6(plane, port, port->addresses.link_local);
        g_hash_table_remove(plane->ports_by_interface, port->interface);
        g_hash_table_remove(plane->ports_by_mac, port->addresses.mac);
        g_ptr_array_remove_fast(plane->ports, port);
}

GPtrArray *plane_ports(const Plane *plane)
{
        return plane->ports;
}

PlanePort *plane_find_mac(const Plane *plane, const uint8_t *mac)
{
        return g_hash_table_lookup(plane->ports_by_mac, mac);
}

PlanePort *plane_find_address4(const Plane *plane, uint32_t address)
{
        return address != 0 ? g_hash_table_lookup(plane->ports_by_address4, GUINT_TO_POINTER(address))
                            : NULL;
}

PlanePort *plane_find_address6(const Plane *plane, const uint8_t *address)
{
        return g_hash_table_lookup(plane->ports_by_address6, address);
}

PlaneBox *plane_find_box(const Plane *plane, uint32_t outer)
{
        return outer != 0 ? g_hash_table_lookup(plane->boxes, GUINT_TO_POINTER(outer)) : NULL;
}

void plane_box_mac(uint32_t outer, uint8_t ret_mac[static FRAME_MAC_SIZE])
{
        ret_mac[0] = BOX_MAC_FIRST;
        ret_mac[1] = BOX_MAC_SECOND;
        frame_put32(ret_mac + 2, outer);
}

bool plane_box_of_mac(const uint8_t *mac, uint32_t *ret_outer)
{
        if (mac[0] != BOX_MAC_FIRST || mac[1] != BOX_MAC_SECOND)
                return false;
        *ret_outer = frame_get32(mac + 2);
        return true;
}

uint64_t plane_next(const Plane *plane)
{
        return flight_next(plane->flight);
}

uint64_t plane_total(const Plane *plane, PlaneTotal total)
{
        return plane->totals[total];
}
