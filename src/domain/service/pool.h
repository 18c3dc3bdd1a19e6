/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The workers of shruthi-domain.service: who is there, who is to do the next request, who has rested so long
 * that it may go. Pure. */

#define POOL_MAX       16 /* libvirt serves no more than 20 requests at once */
#define POOL_REST_USEC (30 * 1000 * 1000)

typedef struct PoolWorker {
        pid_t pid;
        int control; /* our end of what joins us */
        bool busy;
        bool leaving;        /* told to go */
        int64_t rests_since; /* monotonic, where it is not busy */
} PoolWorker;

typedef struct Pool {
        PoolWorker workers[POOL_MAX];
        unsigned n;
} Pool;

/* A new one, busy. NULL where the pool is full. */
PoolWorker *pool_add(Pool *pool, pid_t pid, int control);
void pool_remove(Pool *pool, PoolWorker *worker);
PoolWorker *pool_find(Pool *pool, pid_t pid);

void pool_set_resting(PoolWorker *worker, int64_t now);

/* Who is to do the next request: the one that did the last of all that rest, so that the others come to rest
 * for good. NULL: nobody rests. */
PoolWorker *pool_pick(Pool *pool);

/* One that rests since before `before`, if there is. */
PoolWorker *pool_find_rested(Pool *pool, int64_t before);

/* Whether a request can be done now, by one who rests or by a new one. */
bool pool_has_room(Pool *pool);

/* When the next will have rested for POOL_REST_USEC; INT64_MAX: nobody rests. */
int64_t pool_next_rested(const Pool *pool);
