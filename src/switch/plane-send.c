/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The way of a packet. */

#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <string.h>

#include "link/frame.h"
#include "switch/neighbours.h"
#include "switch/plane-private.h"
#include "switch/protocol.h"

#define NSEC_PER_USEC 1000

G_STATIC_ASSERT(sizeof(struct virtio_net_hdr) == PLANE_HEADER_SIZE);

/* One that a port's guest has sent. */
typedef struct SentPacket {
        PlanePort *port;
        uint8_t *data; /* with the header of virtio */
        size_t size;
        uint8_t *frame;
        size_t frame_size;
        uint64_t nsec;
} SentPacket;

static void plane_count(Plane *plane, PlaneTotal total)
{
        plane->totals[total]++;
}

static const LinkKey *plane_key(Plane *plane, uint32_t from, uint32_t to)
{
        uint64_t pair = ((uint64_t) from << 32 | to) + 1;
        PlaneKey *slot = &plane->keys[(from * 2654435761U ^ to * 40503U) % PLANE_KEYS];

        if (slot->pair != pair) {
                slot->pair = pair;
                link_key_init(&slot->key, plane->rules->seed, plane_member(plane, from)->name,
                                plane_member(plane, to)->name);
        }
        return &slot->key;
}

static const Shape *plane_shape(const Plane *plane, uint32_t from, uint32_t to)
{
        return rules_shape(plane->rules, plane_member(plane, from)->rules_index,
                        plane_member(plane, to)->rules_index);
}

static struct virtio_net_hdr packet_header(const uint8_t *packet)
{
        struct virtio_net_hdr header;

        memcpy(&header, packet, sizeof header);
        return header;
}

int packet_is_partial(const uint8_t *packet, size_t size)
{
        struct virtio_net_hdr header = packet_header(packet);
        size_t offset;
        FrameIpv4 ip;

        if (!(header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
                return false;
        if (!frame_read_ipv4(packet + PLANE_HEADER_SIZE, size - PLANE_HEADER_SIZE, FRAME_HEADER_SIZE, &ip))
                return -EACCES;
        offset = ip.protocol == IPPROTO_UDP ? 6 : ip.protocol == IPPROTO_TCP ? 16 : SIZE_MAX;
        return header.csum_start == ip.payload && header.csum_offset == offset ? true : -EACCES;
}

/* A receiver who trusts a checksum would not see what has happened. A frame that is to be cut into segments
 * has none yet: there the number that they are all made from is turned, too. */
static void packet_corrupt(FlightPacket *packet, uint64_t bit)
{
        struct virtio_net_hdr header = packet_header(packet->data);
        uint8_t *frame = packet_frame(packet->data);
        size_t size = packet->size - PLANE_HEADER_SIZE, at = (size_t) header.csum_start + header.csum_offset;

        if (header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM && header.gso_type == VIRTIO_NET_HDR_GSO_NONE &&
                        frame_complete_checksum(frame, size, header.csum_start, header.csum_offset))
                memset(packet->data, 0, PLANE_HEADER_SIZE);
        else if (header.gso_type != VIRTIO_NET_HDR_GSO_NONE && at + 2 <= size && at >= FRAME_HEADER_SIZE)
                frame[at] ^= 1;
        packet->data[0] &= (uint8_t) ~VIRTIO_NET_HDR_F_DATA_VALID;
        frame_turn_bit(frame, size, bit);
}

/* Sets a passage on its way; NULL where it ends. */
static FlightPacket *plane_depart(
                Plane *plane, FlightPacket *model, const FatePassage *passage, const uint8_t *data)
{
        FlightPacket *packet;

        if (passage->end == FATE_QUEUE_FULL) {
                plane_count(plane, PLANE_QUEUE);
                pairs_add(plane->pairs, model->from, model->to, PAIR_QUEUE_DROPPED, 1);
                return NULL;
        }
        model->due_nsec = passage->due_nsec;
        packet = flight_add(plane->flight, model, data);
        if (!packet)
                plane_count(plane, PLANE_MEMORY);
        else if (passage->overtakes)
                pairs_add(plane->pairs, model->from, model->to, PAIR_REORDERED, 1);
        return packet;
}

static void plane_end(Plane *plane, uint32_t from, uint32_t to, FateEnd end)
{
        bool blocked = end == FATE_BLOCKED;

        plane_count(plane, blocked ? PLANE_BLOCKED : PLANE_LOST);
        pairs_add(plane->pairs, from, to, blocked ? PAIR_BLOCKED : PAIR_LOST, 1);
}

static void plane_see_link(const Plane *plane, const FlightPacket *packet, const uint8_t *data, bool entered,
                uint64_t nsec)
{
        if (plane->link_seen)
                plane->link_seen(plane->link_seen_userdata, plane_member(plane, packet->from)->name,
                                plane_member(plane, packet->to)->name, data, packet->size, entered, nsec);
}

/* By the link to member to: for the port with that MAC address, or the box with that outer one. */
static void plane_travel(
                Plane *plane, const SentPacket *sent, uint32_t to, const uint8_t *mac, uint32_t outer)
{
        uint32_t from = sent->port->member;
        const Shape *shape = plane_shape(plane, from, to);
        const LinkKey *key = fate_needs_chance(shape) ? plane_key(plane, from, to) : NULL;
        uint64_t number = pairs_get(plane->pairs, from, to, PAIR_PACKETS);
        FlightPacket model = {.from = from, .to = to, .outer = outer, .size = (uint32_t) sent->size};
        FlightPacket *packet;
        Fate fate;

        plane->n_pairs += number == 0;
        pairs_add(plane->pairs, from, to, PAIR_PACKETS, 1);
        pairs_add(plane->pairs, from, to, PAIR_BYTES, (uint32_t) sent->frame_size);
        plane->totals[PLANE_PACKETS]++;
        plane->totals[PLANE_BYTES] += sent->frame_size;
        memcpy(model.mac, mac, sizeof model.mac);
        plane_see_link(plane, &model, sent->data, true, sent->nsec);

        fate_decide(shape, key, pairs_state(plane->pairs, from, to), number, sent->frame_size, sent->nsec,
                        &fate);
        if (fate.packet.end == FATE_BLOCKED || fate.packet.end == FATE_LOST) {
                plane_end(plane, from, to, fate.packet.end);
                return;
        }
        packet = plane_depart(plane, &model, &fate.packet, sent->data);
        if (packet && fate.corrupted) {
                pairs_add(plane->pairs, from, to, PAIR_CORRUPTED, 1);
                packet_corrupt(packet, fate.bit);
        }
        if (fate.has_copy && plane_depart(plane, &model, &fate.copy, sent->data))
                pairs_add(plane->pairs, from, to, PAIR_DUPLICATED, 1);
}

/* A frame of ours to the sender, at once. */
static void plane_answer(Plane *plane, const SentPacket *sent, const uint8_t *frame, size_t size)
{
        uint8_t data[PLANE_HEADER_SIZE + NEIGHBOURS_ANSWER_MAX] = {};
        FlightPacket model = {.due_nsec = sent->nsec,
                        .from = PLANE_NOBODY,
                        .to = sent->port->member,
                        .size = (uint32_t) (PLANE_HEADER_SIZE + size)};

        memcpy(model.mac, sent->port->addresses.mac, sizeof model.mac);
        memcpy(data + PLANE_HEADER_SIZE, frame, size);
        if (!flight_add(plane->flight, &model, data))
                plane_count(plane, PLANE_MEMORY);
}

/* Whom an asker may see, who has the address at all: not those behind another box, by IPv4, nor those that
 * are cut off both ways. */
static bool plane_may_know(const Plane *plane, uint32_t asker, const PlanePort *asked, bool by_ipv4)
{
        uint32_t outer = plane_member(plane, asked->member)->outer;

        if (asked->member == asker)
                return false;
        if (by_ipv4 && outer != 0 && outer != plane_member(plane, asker)->outer)
                return false;
        return !plane_shape(plane, asker, asked->member)->blocked ||
               !plane_shape(plane, asked->member, asker)->blocked;
}

/* To all that want it: who has more than one port is sent one for each. */
static void plane_send_to_all(
                Plane *plane, const SentPacket *sent, bool by_ipv4, bool any4_only, bool any6_only)
{
        PlaneMember *sender = plane_member(plane, sent->port->member);

        sender->sent_to_all++;
        sender->sent_to_all_bytes += sent->frame_size;
        for (guint i = 0; i < plane->ports->len; i++) {
                const PlanePort *port = plane->ports->pdata[i];

                if (port->member == sent->port->member || (any4_only && !port->addresses.any4) ||
                                (any6_only && !port->addresses.any6) ||
                                (by_ipv4 && plane_member(plane, port->member)->outer != sender->outer) ||
                                plane_shape(plane, sent->port->member, port->member)->blocked)
                        continue;
                plane_travel(plane, sent, port->member, port->addresses.mac, 0);
        }
}

static void plane_ask4(Plane *plane, const SentPacket *sent)
{
        uint8_t answer[NEIGHBOURS_ANSWER_MAX], mac[FRAME_MAC_SIZE];
        uint32_t asked = neighbours_asked4(sent->frame);
        const PlanePort *port = plane_find_address4(plane, asked);

        if (port) {
                if (plane_may_know(plane, sent->port->member, port, true))
                        plane_answer(plane, sent, answer,
                                        neighbours_answer4(sent->frame, port->addresses.mac, answer));
        } else if (plane_find_box(plane, asked)) {
                plane_box_mac(asked, mac);
                plane_answer(plane, sent, answer, neighbours_answer4(sent->frame, mac, answer));
        } else if (frame_is_multicast(sent->frame))
                plane_send_to_all(plane, sent, true, true, false);
}

static void plane_ask6(Plane *plane, const SentPacket *sent)
{
        uint8_t answer[NEIGHBOURS_ANSWER_MAX], asked[16];
        const PlanePort *port;

        if (!neighbours_asked6(sent->frame, sent->frame_size, asked))
                return;
        port = plane_find_address6(plane, asked);
        if (port) {
                if (plane_may_know(plane, sent->port->member, port, false))
                        plane_answer(plane, sent, answer,
                                        neighbours_answer6(sent->frame, asked, port->addresses.mac, answer));
        } else if (frame_is_multicast(sent->frame))
                plane_send_to_all(plane, sent, false, false, true);
}

/* Has a member's packet come from its box. false: it ends there. */
static bool plane_leave_box(Plane *plane, const SentPacket *sent)
{
        uint32_t outer = plane_member(plane, sent->port->member)->outer;
        PlaneBox *box = plane_find_box(plane, outer);
        int partial = packet_is_partial(sent->data, sent->size);

        if (!box)
                return true;
        if (partial < 0 || nat_box_send_out(box->nat, sent->frame, sent->frame_size, partial,
                                           sent->nsec / NSEC_PER_USEC) < 0) {
                plane_count(plane, PLANE_NAT);
                return false;
        }
        plane_box_mac(outer, sent->frame + FRAME_MAC_SIZE);
        return true;
}

/* To a box. Whom it lets in it decides when the packet arrives; the link that it takes until then is that to
 * the member that the box would have it go to. */
static void plane_send_to_box(Plane *plane, const SentPacket *sent, uint32_t outer)
{
        PlaneBox *box = plane_find_box(plane, outer);
        bool inside = plane_member(plane, sent->port->member)->outer == outer;
        const PlanePort *port = NULL;
        uint32_t address, to;
        FrameIpv4 ip;

        if (frame_type(sent->frame) != FRAME_TYPE_IPV4 ||
                        !frame_read_ipv4(sent->frame, sent->frame_size, FRAME_HEADER_SIZE, &ip) ||
                        ip.destination != outer) {
                plane_count(plane, PLANE_UNKNOWN);
                return;
        }
        if (inside && !nat_box_hairpins(box->nat)) {
                plane_count(plane, PLANE_NAT);
                return;
        }
        if (!plane_leave_box(plane, sent))
                return;
        if (nat_box_peek(box->nat, sent->frame, sent->frame_size, &address))
                port = plane_find_address4(plane, address);
        to = port ? port->member : box->a_member;
        if (to == PLANE_NOBODY) {
                plane_count(plane, PLANE_NAT);
                return;
        }
        plane_travel(plane, sent, to, frame_destination(sent->frame), outer);
}

static void plane_send_to_port(Plane *plane, const SentPacket *sent, const PlanePort *port)
{
        uint32_t own = plane_member(plane, sent->port->member)->outer,
                 other = plane_member(plane, port->member)->outer;
        uint8_t mac[FRAME_MAC_SIZE];

        if (port->member == sent->port->member) {
                plane_count(plane, PLANE_UNKNOWN);
                return;
        }
        /* Its own frame has it, which may be given back. */
        memcpy(mac, port->addresses.mac, sizeof mac);
        if (own != other && frame_type(sent->frame) != FRAME_TYPE_IPV6) {
                if (other != 0) {
                        plane_count(plane, PLANE_NAT);
                        return;
                }
                if (!plane_leave_box(plane, sent))
                        return;
        }
        plane_travel(plane, sent, port->member, mac, 0);
}

static void plane_forward(Plane *plane, const SentPacket *sent, const PlanePort *to, uint32_t outer)
{
        if (frame_is_multicast(sent->frame))
                plane_send_to_all(plane, sent, frame_type(sent->frame) == FRAME_TYPE_IPV4, false, false);
        else if (to)
                plane_send_to_port(plane, sent, to);
        else
                plane_send_to_box(plane, sent, outer);
}

void plane_send(Plane *plane, PlanePort *port, uint8_t *packet, size_t size, uint64_t sent_nsec)
{
        SentPacket sent = {.port = port,
                        .data = packet,
                        .size = size,
                        .frame = packet + PLANE_HEADER_SIZE,
                        .frame_size = size - PLANE_HEADER_SIZE,
                        .nsec = sent_nsec};
        const PlanePort *to = NULL;
        uint32_t outer = 0;
        GuardWord word;

        if (size < PLANE_HEADER_SIZE + FRAME_HEADER_SIZE || size > PLANE_PACKET_MAX) {
                plane_count(plane, PLANE_SOURCE);
                return;
        }
        /* What is for nobody here is for the host, by the bridge. */
        if (!frame_is_multicast(sent.frame)) {
                to = plane_find_mac(plane, frame_destination(sent.frame));
                if (!to && (!plane_box_of_mac(frame_destination(sent.frame), &outer) ||
                                           !plane_find_box(plane, outer)))
                        return;
        }

        word = guard_look(&port->addresses, sent.frame, sent.frame_size);
        if (word == GUARD_FORGED) {
                plane_count(plane, PLANE_SOURCE);
                return;
        }
        if (plane->seen)
                plane->seen(plane->seen_userdata, port, packet, size, true, sent_nsec);
        switch (word) {
        case GUARD_ASKS4:
                plane_ask4(plane, &sent);
                break;
        case GUARD_ASKS6:
                plane_ask6(plane, &sent);
                break;
        case GUARD_TELLS4: /* only those are asked whose addresses are not known */
                if (to && port->addresses.any4)
                        plane_send_to_port(plane, &sent, to);
                break;
        case GUARD_TELLS6:
                if (to && port->addresses.any6)
                        plane_send_to_port(plane, &sent, to);
                break;
        case GUARD_PACKET:
                plane_forward(plane, &sent, to, outer);
                break;
        default:
                break;
        }
}

/* Has a packet that arrives at a box go in; NULL: it does not. */
static PlanePort *plane_enter_box(Plane *plane, FlightPacket *packet, uint64_t now_nsec)
{
        uint8_t *frame = packet_frame(packet->data);
        PlaneBox *box = plane_find_box(plane, packet->outer);
        PlanePort *port = NULL;
        int partial = packet_is_partial(packet->data, packet->size);
        uint32_t inside;

        if (box && partial >= 0 &&
                        nat_box_send_in(box->nat, frame, packet->size - PLANE_HEADER_SIZE, partial,
                                        now_nsec / NSEC_PER_USEC, &inside) >= 0)
                port = plane_find_address4(plane, inside);
        if (!port || plane_member(plane, port->member)->outer != packet->outer) {
                plane_count(plane, PLANE_NAT);
                return NULL;
        }
        memcpy(frame, port->addresses.mac, FRAME_MAC_SIZE);
        return port;
}

bool plane_take(Plane *plane, uint64_t now_nsec, PlanePassage *ret_passage)
{
        FlightPacket *packet;

        while ((packet = flight_take(plane->flight, now_nsec))) {
                PlanePort *port;

                if (packet->outer != 0)
                        port = plane_enter_box(plane, packet, now_nsec);
                else {
                        port = plane_find_mac(plane, packet->mac);
                        if (!port)
                                plane_count(plane, PLANE_RECEIVER);
                }
                if (port) {
                        *ret_passage = (PlanePassage){.port = port, .packet = packet};
                        return true;
                }
                flight_release(plane->flight, packet);
        }
        return false;
}

void plane_passed(Plane *plane, const PlanePassage *passage, bool delivered, uint64_t now_nsec)
{
        FlightPacket *packet = passage->packet;
        uint64_t late = now_nsec > packet->due_nsec ? now_nsec - packet->due_nsec : 0;

        if (delivered && plane->seen)
                plane->seen(plane->seen_userdata, passage->port, packet->data, packet->size, false,
                                now_nsec);
        if (packet->from != PLANE_NOBODY) {
                plane_count(plane, delivered ? PLANE_DELIVERED : PLANE_RECEIVER);
                lateness_add(plane->lateness, late);
                if (delivered) {
                        pairs_add(plane->pairs, packet->from, packet->to, PAIR_DELIVERED, 1);
                        plane_see_link(plane, packet, packet->data, false, now_nsec);
                }
                if (late > (uint64_t) SWITCH_LATE_USEC * NSEC_PER_USEC) {
                        plane_count(plane, PLANE_LATE);
                        pairs_add(plane->pairs, packet->from, packet->to, PAIR_LATE, 1);
                }
        }
        flight_release(plane->flight, packet);
}
