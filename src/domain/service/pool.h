/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The workers of shruthi-domain.service: which there are, which does the next request, which has been idle
 * so long that it may go. Pure. */

#define POOL_MAX       16 /* libvirt serves no more than 20 requests at once */
#define POOL_IDLE_USEC (30 * 1000 * 1000)

typedef struct PoolWorker {
        pid_t pid;
        int control; /* our end of what joins us */
        bool busy;
        bool leaving;        /* told to go */
        int64_t idle_since;  /* monotonic, while it is not busy */
} PoolWorker;

typedef struct Pool {
        PoolWorker workers[POOL_MAX];
        unsigned n;
} Pool;

/* A new one, busy. NULL where the pool is full. */
PoolWorker *pool_add(Pool *pool, pid_t pid, int control);
void pool_remove(Pool *pool, PoolWorker *worker);
PoolWorker *pool_find(Pool *pool, pid_t pid);

void pool_set_idle(PoolWorker *worker, int64_t now);

/* The worker for the next request: of all that are idle the one that was busy last, so that the others stay
 * idle and go. NULL: none is idle. */
PoolWorker *pool_pick(Pool *pool);

/* One that has been idle since before `before`, if there is. */
PoolWorker *pool_find_idle(Pool *pool, int64_t before);

/* Whether a request can be done now, by an idle worker or by a new one. */
bool pool_has_capacity(Pool *pool);

/* When the next will have been idle for POOL_IDLE_USEC; INT64_MAX: none is. */
int64_t pool_next_idle(const Pool *pool);
