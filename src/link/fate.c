/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fates. Called by shruthi-switch for each packet. */

#include "link/fate.h"

#include <glib.h>
#include <math.h>

#define NSEC_PER_USEC    UINT64_C(1000)
#define NSEC_PER_SEC     UINT64_C(1000000000)
#define DELAY_NSEC_MAX   (UINT64_C(24) * 3600 * NSEC_PER_SEC) /* of the far end of a distribution */
#define PARETO_SHAPE     3
#define BITS_OF_BYTES(n) ((uint64_t) (n) *8)

/* How far a delay is from the latency, in units of the jitter. */
static double fate_deviation(ShapeDistribution distribution, double first, const LinkKey *key,
                uint64_t number, LinkChance second)
{
        switch (distribution) {
        case SHAPE_NORMAL: /* Box and Muller, 1958 */
                return sqrt(-2 * log(first)) * cos(2 * M_PI * link_chance_unit(key, number, second));
        case SHAPE_EXPONENTIAL:
                return -log(first);
        case SHAPE_PARETO: /* of type II: its mean is 1 with this scale */
                return (PARETO_SHAPE - 1) * (1 / cbrt(first) - 1);
        default:
                return 2 * first - 1;
        }
}

uint64_t fate_delay_nsec(
                const Shape *shape, const LinkKey *key, uint64_t number, LinkChance first, LinkChance second)
{
        uint64_t latency = shape->latency_usec * NSEC_PER_USEC;
        double delay;

        if (shape->jitter_usec == 0)
                return latency;

        delay = (double) latency + (double) (shape->jitter_usec * NSEC_PER_USEC) *
                                                   fate_deviation(shape->distribution,
                                                                   link_chance_unit(key, number, first), key,
                                                                   number, second);
        if (delay <= 0)
                return 0;
        return delay >= (double) DELAY_NSEC_MAX ? DELAY_NSEC_MAX : (uint64_t) delay;
}

/* A packet meets the state that the one before has left, and then the state may change. */
static bool fate_burst_takes(const Shape *shape, const LinkKey *key, LinkState *state, uint64_t number)
{
        bool bad = state->bad;
        bool taken = link_chance_hits(
                        key, number, CHANCE_BURST_LOSS, bad ? shape->burst_bad : shape->burst_good);

        if (link_chance_hits(key, number, CHANCE_BURST_TURN,
                            bad ? shape->burst_to_good : shape->burst_to_bad))
                state->bad = !bad;
        return taken;
}

static bool fate_has_burst(const Shape *shape)
{
        return shape->burst_to_bad > 0 || shape->burst_good > 0;
}

/* Rounded up, so that no rate is exceeded. */
static uint64_t fate_sending_nsec(uint64_t bytes, uint64_t rate)
{
        return (BITS_OF_BYTES(bytes) * NSEC_PER_SEC + rate - 1) / rate;
}

/* Says when it has left the queue. A packet that finds nobody there is sent, however small the queue. */
static bool fate_wait(const Shape *shape, LinkState *state, size_t size, uint64_t now, uint64_t *ret_nsec)
{
        uint64_t sending, begin;

        *ret_nsec = now;
        if (shape->rate == 0)
                return true;

        sending = fate_sending_nsec(size, shape->rate);
        begin = MAX(now, state->free_nsec);
        if (begin > now && begin - now + sending > fate_sending_nsec(shape_queue_bytes(shape), shape->rate))
                return false;
        state->free_nsec = begin + sending;
        *ret_nsec = begin + sending;
        return true;
}

static void fate_pass(const Shape *shape, LinkState *state, size_t size, uint64_t now, uint64_t delay,
                bool kept, FatePassage *ret_passage)
{
        uint64_t left;

        *ret_passage = (FatePassage){.end = FATE_QUEUE_FULL};
        if (!fate_wait(shape, state, size, now, &left))
                return;

        ret_passage->end = FATE_DELIVERED;
        ret_passage->due_nsec = left + delay;
        if (kept && ret_passage->due_nsec < state->due_nsec)
                ret_passage->due_nsec = state->due_nsec;
        ret_passage->overtakes = ret_passage->due_nsec < state->due_nsec;
        state->due_nsec = MAX(state->due_nsec, ret_passage->due_nsec);
}

bool fate_needs_chance(const Shape *shape)
{
        return shape->jitter_usec > 0 || shape->loss > 0 || shape->duplicate > 0 || shape->reorder > 0 ||
               shape->corrupt > 0 || fate_has_burst(shape);
}

void fate_decide(const Shape *shape, const LinkKey *key, LinkState *state, uint64_t number, size_t size,
                uint64_t now_nsec, Fate *ret_fate)
{
        bool lost = false, ahead;
        uint64_t delay = shape->latency_usec * NSEC_PER_USEC;

        *ret_fate = (Fate){.packet.end = FATE_BLOCKED};
        if (shape->blocked)
                return;
        if (!fate_needs_chance(shape)) {
                fate_pass(shape, state, size, now_nsec, delay, !shape->free_order, &ret_fate->packet);
                return;
        }

        /* The chain goes on whatever becomes of the packet. */
        if (fate_has_burst(shape))
                lost = fate_burst_takes(shape, key, state, number);
        else
                state->bad = 0;
        if (lost || link_chance_hits(key, number, CHANCE_LOSS, shape->loss)) {
                ret_fate->packet.end = FATE_LOST;
                return;
        }

        ret_fate->corrupted = link_chance_hits(key, number, CHANCE_CORRUPT, shape->corrupt);
        if (ret_fate->corrupted)
                ret_fate->bit = link_chance(key, number, CHANCE_CORRUPT_BIT);
        ahead = link_chance_hits(key, number, CHANCE_REORDER, shape->reorder);
        if (!ahead)
                delay = fate_delay_nsec(shape, key, number, CHANCE_JITTER, CHANCE_JITTER_SECOND);
        fate_pass(shape, state, size, now_nsec, ahead ? 0 : delay, !shape->free_order && !ahead,
                        &ret_fate->packet);

        ret_fate->has_copy = link_chance_hits(key, number, CHANCE_DUPLICATE, shape->duplicate);
        if (ret_fate->has_copy)
                fate_pass(shape, state, size, now_nsec,
                                fate_delay_nsec(shape, key, number, CHANCE_COPY_JITTER,
                                                CHANCE_COPY_JITTER_SECOND),
                                !shape->free_order, &ret_fate->copy);
}
