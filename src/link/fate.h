/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/chance.h"
#include "link/shape.h"

/* What happens to a packet on a link. In this order, as netem does: it is lost, by its own chance or in a
 * burst; a copy is made of it; it is corrupted; it waits for the rate, or finds the queue full; it travels
 * for the link's delay. What is lost takes nothing of the rate. The copy is a packet of its own in the
 * queue, right behind, and is neither lost, copied nor corrupted once more. Pure. */

/* What a link remembers of the packets before. All zero at first. */
typedef struct LinkState {
        uint64_t due_nsec : 63;  /* the latest that any packet arrives at the far end */
        uint64_t mark : 1;       /* the caller's */
        uint64_t free_nsec : 63; /* when all that waits for the rate is sent */
        uint64_t bad : 1;        /* the state of Gilbert and Elliott's chain */
} LinkState;

typedef enum FateEnd {
        FATE_DELIVERED,
        FATE_BLOCKED,
        FATE_LOST,
        FATE_QUEUE_FULL,
} FateEnd;

/* Of a packet, and of its copy. */
typedef struct FatePassage {
        FateEnd end;
        uint64_t due_nsec; /* when it arrives */
        bool overtakes;    /* one that was sent before */
} FatePassage;

typedef struct Fate {
        FatePassage packet, copy;
        bool has_copy;
        bool corrupted;
        uint64_t bit; /* number of any size, whose remainder says which one is turned */
} Fate;

/* The fate of packet number (from 0) on the link with that key. size: bytes of its frame, at most 2^17.
 * now_nsec: the time at which it was sent, of a clock that does not go back, less than 2^62. */
void fate_decide(const Shape *shape, const LinkKey *key, LinkState *state, uint64_t number, size_t size,
                uint64_t now_nsec, Fate *ret_fate);

/* Whether the fate depends on the key at all. */
bool fate_needs_chance(const Shape *shape);

/* The delay of a packet, by the two numbers that are drawn for it. */
uint64_t fate_delay_nsec(const Shape *shape, const LinkKey *key, uint64_t number, LinkChance first,
                LinkChance second);
