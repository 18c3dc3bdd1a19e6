/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who is to do what. Called by serve.c. */

#include "domain/service/pool.h"

#include <stddef.h>

PoolWorker *pool_add(Pool *pool, pid_t pid, int control)
{
        PoolWorker *worker;

        if (pool->n >= POOL_MAX)
                return NULL;

        worker = &pool->workers[pool->n++];
        *worker = (PoolWorker){.pid = pid, .control = control, .busy = true};
        return worker;
}

void pool_remove(Pool *pool, PoolWorker *worker)
{
        *worker = pool->workers[--pool->n];
}

PoolWorker *pool_find(Pool *pool, pid_t pid)
{
        for (unsigned i = 0; i < pool->n; i++)
                if (pool->workers[i].pid == pid)
                        return &pool->workers[i];

        return NULL;
}

void pool_set_resting(PoolWorker *worker, int64_t now)
{
        worker->busy = false;
        worker->rests_since = now;
}

static bool rests(const PoolWorker *worker)
{
        return !worker->busy && !worker->leaving;
}

PoolWorker *pool_pick(Pool *pool)
{
        PoolWorker *best = NULL;

        for (unsigned i = 0; i < pool->n; i++)
                if (rests(&pool->workers[i]) && (!best || pool->workers[i].rests_since > best->rests_since))
                        best = &pool->workers[i];

        return best;
}

PoolWorker *pool_find_rested(Pool *pool, int64_t before)
{
        for (unsigned i = 0; i < pool->n; i++)
                if (rests(&pool->workers[i]) && pool->workers[i].rests_since <= before)
                        return &pool->workers[i];

        return NULL;
}

bool pool_has_room(Pool *pool)
{
        return pool->n < POOL_MAX || pool_pick(pool);
}

int64_t pool_next_rested(const Pool *pool)
{
        int64_t next = INT64_MAX;

        for (unsigned i = 0; i < pool->n; i++)
                if (rests(&pool->workers[i]) && pool->workers[i].rests_since + POOL_REST_USEC < next)
                        next = pool->workers[i].rests_since + POOL_REST_USEC;

        return next;
}
