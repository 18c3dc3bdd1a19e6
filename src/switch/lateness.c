/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Called by plane.c. */

#include "switch/lateness.h"

#define STEP_BITS 3
#define STEPS     (1U << STEP_BITS)
#define BUCKETS   (STEPS * 62)

struct Lateness {
        uint64_t counts[BUCKETS], total, max_usec;
};

Lateness *lateness_new(void)
{
        return g_new0(Lateness, 1);
}

void lateness_free(Lateness *lateness)
{
        g_free(lateness);
}

/* Below STEPS each number has a bucket of its own, above each power of two has STEPS. */
static unsigned bucket_of(uint64_t value)
{
        unsigned power;

        if (value < STEPS)
                return (unsigned) value;
        power = 63U - (unsigned) __builtin_clzll(value);
        return (power - STEP_BITS + 1) * STEPS + (unsigned) (value >> (power - STEP_BITS) & (STEPS - 1));
}

/* The greatest value that is in it. */
static uint64_t bucket_end(unsigned bucket)
{
        unsigned power = bucket / STEPS;

        if (power == 0)
                return bucket;
        return ((uint64_t) (STEPS + bucket % STEPS + 1) << (power - 1)) - 1;
}

void lateness_add(Lateness *lateness, uint64_t nsec)
{
        uint64_t usec = nsec / 1000;

        lateness->counts[bucket_of(usec)]++;
        lateness->total++;
        lateness->max_usec = MAX(lateness->max_usec, usec);
}

uint64_t lateness_quantile(const Lateness *lateness, double share)
{
        uint64_t seen = 0;

        for (unsigned i = 0; i < BUCKETS && lateness->total > 0; i++) {
                seen += lateness->counts[i];
                if ((double) seen >= share * (double) lateness->total)
                        return MIN(bucket_end(i), lateness->max_usec);
        }
        return 0;
}

uint64_t lateness_max(const Lateness *lateness)
{
        return lateness->max_usec;
}
