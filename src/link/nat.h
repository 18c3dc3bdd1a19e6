/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/containers.h"
#include "link/chance.h"
#include "link/rules.h"

/* A box that translates IPv4 addresses, as RFC 4787 (UDP), 5382 (TCP) and 5508 (ICMP) describe them: the
 * members behind it are seen from outside by its one outer address, each flow by a port of it. It passes
 * UDP, TCP, echoes, and errors about those; of what is in fragments also the later ones, if the first came
 * before. All else ends at it, unsolicited packets without a word, and echoes that are asked of itself. It
 * is no hop: the time to live of a packet stays.
 *
 * A mapping ends when nothing has passed in either direction for as long as its kind says. Who may answer,
 * and for how long, is remembered by the mapping's filtering. Pure, but for memory, which is bounded: a
 * guest that asks for too much gets no new mapping. */

#define NAT_MAPPINGS_MAX 4096  /* of a box */
#define NAT_REMOTES_MAX  16384 /* of a box: whom it has spoken to, by its mappings */
#define NAT_ENTRIES_MAX  (256 * 1024)

#define NAT_TCP_ESTABLISHED_USEC (UINT64_C(124) * 60 * 1000 * 1000) /* RFC 5382, 5 */
#define NAT_TCP_TRANSITORY_USEC  (UINT64_C(4) * 60 * 1000 * 1000)
#define NAT_ICMP_USEC            (UINT64_C(60) * 1000 * 1000) /* RFC 5508, 3.2 */

typedef struct NatBox NatBox;

/* entries: how many mappings and remotes all boxes of the network have, at most NAT_ENTRIES_MAX; it outlives
 * the box. name and behaviour are copied. */
NatBox *nat_box_new(const RulesNat *nat, const char *seed, uint32_t *entries);
void nat_box_free(NatBox *box);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NatBox, nat_box_free)
DEFINE_DESTROY(nat_box)

/* It behaves so from now on; mappings stay. */
void nat_box_set_behaviour(NatBox *box, const NatBehaviour *behaviour);

const char *nat_box_name(const NatBox *box);
uint32_t nat_box_address(const NatBox *box);
bool nat_box_hairpins(const NatBox *box);
uint32_t nat_box_mappings(const NatBox *box);

/* Has the packet in frame, which a member behind the box sends, come from the outer address. partial: the
 * checksum of UDP or TCP is left to the receiver, and only the sum of the pseudo header is there. -EACCES:
 * it does not pass; -ENOBUFS: there is no room for it. The frame may be changed all the same. */
int nat_box_send_out(NatBox *box, uint8_t *frame, size_t size, bool partial, uint64_t now_usec);

/* Has the packet in frame, which is for the outer address, go to the member behind the box that it is for,
 * and says its address. -EACCES: it is for none, or does not pass. */
int nat_box_send_in(NatBox *box, uint8_t *frame, size_t size, bool partial, uint64_t now_usec,
                uint32_t *ret_inside);

/* Whom the packet in frame, which is for the outer address, would go to if nothing kept it: false if that is
 * not known from its ports. Nothing changes. */
bool nat_box_peek(const NatBox *box, const uint8_t *frame, size_t size, uint32_t *ret_inside);
