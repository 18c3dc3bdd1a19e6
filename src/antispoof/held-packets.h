/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Which packets are held, of one unikernel and in all. Those who start slowly leave room for others: when
 * the queue is half full each gets but a few, and none is held for long. Pure: demand.c gives the verdicts.
 */

#define HELD_PACKETS_MAX      1024 /* of one */
#define HELD_PACKETS_MAX_FULL 16   /* when the queue is half full */
#define HELD_PACKETS_USEC     (60 * G_USEC_PER_SEC)

typedef struct HeldPackets HeldPackets;

HeldPackets *held_packets_new(void);
void held_packets_free(HeldPackets *packets);

guint held_packets_count(const HeldPackets *packets);

/* now: in µs. Returns whether it is held; otherwise it is to be dropped. */
bool held_packets_add(HeldPackets *packets, uint32_t id, int64_t now);

/* Takes the oldest away, if it came at that time or before. */
bool held_packets_take(HeldPackets *packets, int64_t before, uint32_t *ret_id);

/* When the oldest is to be dropped; INT64_MAX: there is none. */
int64_t held_packets_next(const HeldPackets *packets);
