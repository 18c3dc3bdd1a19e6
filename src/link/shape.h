/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/* The layer link owns what an emulated link between two members of a network does to a packet: the shape of
 * a link (here), the rules that say which link has which (rules.h), the chance that decides (chance.h), the
 * fate of each packet (fate.h), what stands in a frame (frame.h), and boxes that translate addresses
 * (nat.h). It has neither a clock nor sockets: shruthi-switch does. The layer fleet writes rules. Pure.
 *
 * A shape is written as words KEY=VALUE, which shruthi.fleet(5) explains:
 *
 *     latency=TIME jitter=TIME distribution=uniform|normal|exponential|pareto order=kept|free
 *     loss=P% burst=P%:R%[:H%:K%] duplicate=P% reorder=P% corrupt=P% rate=BITS queue=BYTES */

#define SHAPE_TIME_MAX  (UINT64_C(3600) * 1000 * 1000) /* of latency and jitter */
#define SHAPE_RATE_MIN  UINT64_C(1000)
#define SHAPE_RATE_MAX  UINT64_C(1000000000000)
#define SHAPE_QUEUE_MAX (UINT64_C(1) << 30)
#define SHAPE_TEXT_MAX  1024 /* bytes */

/* Of a queue that the shape does not state: as much as the rate carries in this time, and this at least. */
#define SHAPE_QUEUE_MS  100
#define SHAPE_QUEUE_MIN (64 * 1024)

/* What the jitter says. A delay is never below 0. */
typedef enum ShapeDistribution {
        SHAPE_UNIFORM,     /* evenly within the latency ± jitter */
        SHAPE_NORMAL,      /* around the latency, with this standard deviation */
        SHAPE_EXPONENTIAL, /* the latency is the least; what is added has this mean */
        SHAPE_PARETO,      /* likewise, by a Pareto distribution of type II with shape 3 */
        _SHAPE_DISTRIBUTION_MAX,
        _SHAPE_DISTRIBUTION_INVALID = -EINVAL,
} ShapeDistribution;

const char *shape_distribution_to_string(ShapeDistribution distribution);
ShapeDistribution shape_distribution_from_string(const char *text);

/* Shares are in units of a billionth: 100% is SHAPE_WHOLE. */
#define SHAPE_WHOLE UINT32_C(1000000000)

typedef struct Shape {
        bool blocked; /* nothing passes; no text says this, but rules know a shape of that name */
        bool free_order;
        ShapeDistribution distribution;
        uint64_t latency_usec, jitter_usec;
        uint32_t loss, duplicate, reorder, corrupt;
        /* Gilbert and Elliott's, as netem's "gemodel": from good to bad, and back; what is lost while bad,
         * and while good. burst_to_bad 0 with burst_good 0: none. */
        uint32_t burst_to_bad, burst_to_good, burst_bad, burst_good;
        uint64_t rate;  /* bits a second; 0: no limit */
        uint64_t queue; /* bytes; 0: not stated */
} Shape;

/* Nothing happens to a packet. */
#define SHAPE_DIRECT ((Shape){.blocked = false})

/* The keys, terminated by NULL: "latency", … */
extern const char *const shape_keys[];

/* Sets one key. INVALID_ARGS: the message names the value and what would be right, but not the key. */
int shape_set(Shape *shape, const char *key, const char *value, Error *ret_error);

/* What only several keys together show: a queue without a rate. INVALID_ARGS. */
int shape_check(const Shape *shape, Error *ret_error);

/* Parses words KEY=VALUE with single spaces; an empty text is SHAPE_DIRECT. INVALID_ARGS: the message begins
 * with the word. */
int shape_parse(const char *text, Shape *ret_shape, Error *ret_error);

/* The same shape in the shortest words, which shape_parse() converts back exactly. Free with g_free(). */
char *shape_format(const Shape *shape);

/* How many bytes may wait for the rate. */
uint64_t shape_queue_bytes(const Shape *shape);
