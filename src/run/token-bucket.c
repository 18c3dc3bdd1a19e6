/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Limits how fast a guest's console is read. */

#include "run/token-bucket.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define TOKENS_MAX   (UINT64_C(1) << 40) /* keeps every product here below 2^63 */

static uint64_t token_bucket_clamp(uint64_t value)
{
        return value < 1 ? 1 : value > TOKENS_MAX ? TOKENS_MAX : value;
}

void token_bucket_init(TokenBucket *bucket, uint64_t rate, uint64_t burst, uint64_t now_usec)
{
        *bucket = (TokenBucket){
                        .rate = rate == UINT64_MAX ? rate : token_bucket_clamp(rate),
                        .burst = token_bucket_clamp(burst),
                        .usec = now_usec,
        };
        bucket->tokens = (int64_t) bucket->burst;
}

static void token_bucket_fill(TokenBucket *bucket, uint64_t now_usec)
{
        uint64_t missing = (uint64_t) ((int64_t) bucket->burst - bucket->tokens);
        uint64_t elapsed = now_usec > bucket->usec ? now_usec - bucket->usec : 0;
        uint64_t seconds = elapsed / USEC_PER_SEC, gained;

        /* Long pauses fill it in any case; this also keeps the product below in range. */
        if (seconds > missing / bucket->rate)
                gained = missing;
        else
                gained = seconds * bucket->rate + (elapsed % USEC_PER_SEC) * bucket->rate / USEC_PER_SEC;

        if (gained >= missing) {
                bucket->tokens = (int64_t) bucket->burst;
                bucket->usec = now_usec;
                bucket->dry = false;
        } else if (gained > 0) {
                bucket->tokens += (int64_t) gained;
                bucket->usec = now_usec;
        }
}

uint64_t token_bucket_take(TokenBucket *bucket, uint64_t size, uint64_t now_usec, bool *ret_episode)
{
        *ret_episode = false;
        if (bucket->rate == UINT64_MAX)
                return 0;

        token_bucket_fill(bucket, now_usec);

        if (bucket->tokens <= 0) {
                /* Wait for a tenth of the burst: otherwise a slow trickle would mean a wake-up for each
                 * line. */
                uint64_t wanted = (uint64_t) -bucket->tokens + bucket->burst / 10 + 1;
                uint64_t usec = wanted / bucket->rate * USEC_PER_SEC
                                + wanted % bucket->rate * USEC_PER_SEC / bucket->rate;

                *ret_episode = !bucket->dry;
                bucket->dry = true;
                return usec + 1;
        }

        bucket->tokens -= (int64_t) (size < TOKENS_MAX ? size : TOKENS_MAX);
        return 0;
}
