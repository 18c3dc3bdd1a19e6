/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The workers of shruthi-domain.service: chooses the one for the next request, and finds those idle for long
 * enough to exit. Pure. */

#define POOL_MAX       16 /* libvirt serves at most 20 requests at once */
#define POOL_IDLE_USEC (30 * 1000 * 1000)

typedef struct PoolWorker {
        pid_t pid;
        int control; /* our end of the socket pair */
        bool busy;
        bool leaving;        /* told to exit */
        int64_t idle_since;  /* monotonic; valid while not busy */
} PoolWorker;

typedef struct Pool {
        PoolWorker workers[POOL_MAX];
        unsigned n;
} Pool;

/* Adds a worker, busy. Returns NULL if the pool is full. */
PoolWorker *pool_add(Pool *pool, pid_t pid, int control);
void pool_remove(Pool *pool, PoolWorker *worker);
PoolWorker *pool_find(Pool *pool, pid_t pid);

void pool_set_idle(PoolWorker *worker, int64_t now);

/* The worker for the next request: the idle one that was busy last, so that the others stay idle and exit.
 * NULL if none is idle. */
PoolWorker *pool_pick(Pool *pool);

/* A worker that has been idle since `before` or longer, or NULL. */
PoolWorker *pool_find_idle(Pool *pool, int64_t before);

/* Whether an idle worker or a new one can serve a request now. */
bool pool_has_capacity(Pool *pool);

/* When the next worker will have been idle for POOL_IDLE_USEC; INT64_MAX if none is idle. */
int64_t pool_next_idle(const Pool *pool);
