/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Limits how fast a guest's console is read. Tokens are bytes: they come in at a rate, up to a burst. More
 * may be taken than there are (a line is never cut for it); the debt is paid by waiting. Pure: the caller
 * passes the time. */

typedef struct TokenBucket {
        uint64_t rate;  /* tokens a second; UINT64_MAX: no limit */
        uint64_t burst;
        int64_t tokens; /* negative: debt */
        uint64_t usec;  /* the time for which tokens is right */
        bool dry;       /* it ran dry and has not been full since */
} TokenBucket;

void token_bucket_init(TokenBucket *bucket, uint64_t rate, uint64_t burst, uint64_t now_usec);

/* Takes size tokens and returns 0; or takes nothing and returns how many µs to wait, if the bucket is in
 * debt. ret_episode tells whether this wait is the first since the bucket was last full, which the user is
 * told once. */
uint64_t token_bucket_take(TokenBucket *bucket, uint64_t size, uint64_t now_usec, bool *ret_episode);
