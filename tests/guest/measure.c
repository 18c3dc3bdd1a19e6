/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See measure.h. */

#include "measure.h"

void train_begin(Train *train, uint32_t n, int64_t *round_trips, int64_t *forward)
{
        *train = (Train){.n = n, .round_trips = round_trips, .forward = forward};
        for (uint32_t i = 0; i < n; i++)
                round_trips[i] = forward[i] = TRAIN_LOST;
}

/* Of a packet that came twice, the first one counts. */
void train_add(Train *train, const TrainAnswer *answer)
{
        if (answer->number >= train->n)
                return;

        if (train->n_answers++ == 0 || answer->arrived < train->first_arrived)
                train->first_arrived = answer->arrived;
        if (answer->arrived > train->last_arrived)
                train->last_arrived = answer->arrived;
        if (answer->reordered > train->reordered)
                train->reordered = answer->reordered;
        if (answer->corrupt > train->corrupt)
                train->corrupt = answer->corrupt;
        if (train->round_trips[answer->number] != TRAIN_LOST)
                return;

        train->n_answered++;
        train->round_trips[answer->number] = (int64_t) (answer->now - answer->sent);
        train->forward[answer->number] = (int64_t) (answer->arrived - answer->sent);
}

uint64_t train_bits_per_second(const Train *train, uint64_t bits)
{
        uint64_t us = (train->last_arrived - train->first_arrived) / 1000;

        return train->n_answers < 2 || us == 0 ? 0 : (train->n_answers - 1) * bits * 1000000 / us;
}

void arrivals_add(Arrivals *arrivals, uint32_t number)
{
        arrivals->n++;
        if (number >= arrivals->next)
                arrivals->next = number + 1;
        else
                arrivals->n_reordered++;
}

static void value_sink(int64_t *values, uint32_t at, uint32_t n)
{
        for (;;) {
                uint32_t child = 2 * at + 1;
                int64_t value = values[at];

                if (child >= n)
                        return;
                if (child + 1 < n && values[child + 1] > values[child])
                        child++;
                if (values[child] <= value)
                        return;
                values[at] = values[child];
                values[child] = value;
                at = child;
        }
}

/* Heapsort: its time does not depend on what was measured. */
static void values_sort(int64_t *values, uint32_t n)
{
        for (uint32_t i = n / 2; i > 0; i--)
                value_sink(values, i - 1, n);
        for (uint32_t i = n; i > 1; i--) {
                int64_t most = values[0];

                values[0] = values[i - 1];
                values[i - 1] = most;
                value_sink(values, 0, i - 1);
        }
}

bool spread_of(int64_t *values, uint32_t n, Spread *ret)
{
        int64_t sum = 0;

        values_sort(values, n);
        while (n > 0 && values[n - 1] == TRAIN_LOST)
                n--;
        if (n == 0)
                return false;

        /* Of differences to the least, which cannot overflow in years. */
        for (uint32_t i = 0; i < n; i++)
                sum += values[i] - values[0];
        *ret = (Spread){
                        .n = n,
                        .least = values[0],
                        .median = values[(uint64_t) n * 50 / 100],
                        .p95 = values[(uint64_t) n * 95 / 100],
                        .p99 = values[(uint64_t) n * 99 / 100],
                        .most = values[n - 1],
                        .mean = values[0] + sum / n,
        };
        return true;
}

NatFinding nat_mapping(bool same_by_other_port, bool same_by_other_host)
{
        if (!same_by_other_port)
                return NAT_FOUND_ADDRESS_AND_PORT_DEPENDENT;
        return same_by_other_host ? NAT_FOUND_ENDPOINT_INDEPENDENT : NAT_FOUND_ADDRESS_DEPENDENT;
}

NatFinding nat_filtering(bool from_other_port, bool from_other_host)
{
        if (from_other_host)
                return NAT_FOUND_ENDPOINT_INDEPENDENT;
        return from_other_port ? NAT_FOUND_ADDRESS_DEPENDENT : NAT_FOUND_ADDRESS_AND_PORT_DEPENDENT;
}

const char *nat_finding_to_string(NatFinding behaviour)
{
        static const char *const names[_NAT_FOUND_MAX] = {
                        [NAT_FOUND_NONE] = "none",
                        [NAT_FOUND_ENDPOINT_INDEPENDENT] = "endpoint-independent",
                        [NAT_FOUND_ADDRESS_DEPENDENT] = "address-dependent",
                        [NAT_FOUND_ADDRESS_AND_PORT_DEPENDENT] = "address-and-port-dependent",
        };

        return names[behaviour];
}

const char *nat_kind(NatFinding mapping, NatFinding filtering)
{
        if (mapping == NAT_FOUND_NONE)
                return "none";
        if (mapping == NAT_FOUND_ADDRESS_AND_PORT_DEPENDENT && filtering == NAT_FOUND_ADDRESS_AND_PORT_DEPENDENT)
                return "symmetric";
        if (mapping != NAT_FOUND_ENDPOINT_INDEPENDENT)
                return "other";
        return filtering == NAT_FOUND_ENDPOINT_INDEPENDENT ? "full-cone"
               : filtering == NAT_FOUND_ADDRESS_DEPENDENT  ? "restricted-cone"
                                                     : "port-restricted";
}
