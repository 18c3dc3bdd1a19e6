/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What follows from what was measured. Stands alone, for a test on the host. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRAIN_LOST INT64_MAX

/* A train of packets to a responder, which answers each. All times are in nanoseconds. */
typedef struct Train {
        uint32_t n;
        uint32_t n_answered;
        uint32_t n_answers;                   /* with those of one packet */
        int64_t *round_trips, *forward;       /* by number, TRAIN_LOST for those without an answer */
        uint64_t first_arrived, last_arrived; /* by the responder's clock */
        uint32_t reordered, corrupt;
} Train;

typedef struct TrainAnswer {
        uint32_t number;
        uint64_t sent;               /* by the sender's clock */
        uint64_t arrived;            /* by the responder's */
        uint64_t now;                /* by the sender's */
        uint32_t reordered, corrupt; /* what the responder has counted */
} TrainAnswer;

void train_begin(Train *train, uint32_t n, int64_t *round_trips, int64_t *forward);
void train_add(Train *train, const TrainAnswer *answer);
/* How fast packets arrived, each of so many bits. 0: fewer than two did. */
uint64_t train_bits_per_second(const Train *train, uint64_t bits);

/* What came to a responder from one sender in the order in which it came (RFC 4737, 3: a packet is reordered
 * if one with a higher number was there before). */
typedef struct Arrivals {
        uint32_t n, n_reordered, next;
} Arrivals;

void arrivals_add(Arrivals *arrivals, uint32_t number);

typedef struct Spread {
        uint32_t n;
        int64_t least, median, p95, p99, most, mean;
} Spread;

/* Sorts the values, those that are lost to the end; false: all are. */
bool spread_of(int64_t *values, uint32_t n, Spread *ret);

/* RFC 4787, 4.1 and 5. */
typedef enum NatFinding {
        NAT_FOUND_NONE, /* no NAT, or nothing is filtered that ought to be */
        NAT_FOUND_ENDPOINT_INDEPENDENT,
        NAT_FOUND_ADDRESS_DEPENDENT,
        NAT_FOUND_ADDRESS_AND_PORT_DEPENDENT,
        _NAT_FOUND_MAX,
} NatFinding;

/* Whether the same was seen of one inside address and port by another port of one host, and by another host.
 */
NatFinding nat_mapping(bool same_by_other_port, bool same_by_other_host);
/* Whether came in what was sent by another port of a host that was sent to, and by another host. */
NatFinding nat_filtering(bool from_other_port, bool from_other_host);
const char *nat_finding_to_string(NatFinding behaviour);
/* The old names (RFC 3489, 5), for those who have them. */
const char *nat_kind(NatFinding mapping, NatFinding filtering);
