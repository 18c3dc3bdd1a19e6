/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "common/containers.h"
#include "link/fate.h"

/* What is remembered of each ordered pair of members, by their indices: the state of their link, and what
 * went by it. A thousand members that all send to all others are a million pairs of 32 bytes, and of 56
 * where a sender has seen anything rarer than a loss. A row is made when its sender first sends. Pure. */

typedef enum PairCounter {
        PAIR_PACKETS, /* sent; the number of the next one */
        PAIR_BYTES,
        PAIR_DELIVERED,
        PAIR_LOST,
        /* From here on, of a sender that has seen any of them. */
        PAIR_QUEUE_DROPPED,
        PAIR_BLOCKED,
        PAIR_DUPLICATED,
        PAIR_REORDERED,
        PAIR_CORRUPTED,
        PAIR_LATE,
        _PAIR_COUNTER_MAX,
} PairCounter;

typedef struct Pairs Pairs;

Pairs *pairs_new(void);
void pairs_free(Pairs *pairs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pairs, pairs_free)

/* How many members there are: so long a new row is at once. */
void pairs_set_members(Pairs *pairs, uint32_t n);

/* Stays valid until the next call for the same sender. */
LinkState *pairs_state(Pairs *pairs, uint32_t from, uint32_t to);

void pairs_add(Pairs *pairs, uint32_t from, uint32_t to, PairCounter counter, uint32_t amount);
uint64_t pairs_get(const Pairs *pairs, uint32_t from, uint32_t to, PairCounter counter);

/* How many pairs there may be of that sender: those from there on have sent nothing. */
uint32_t pairs_row_size(const Pairs *pairs, uint32_t from);
