/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which worker serves which request. Called by serve.c. */

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

void pool_set_idle(PoolWorker *worker, int64_t now)
{
        worker->busy = false;
        worker->idle_since = now;
}

static bool worker_is_idle(const PoolWorker *worker)
{
        return !worker->busy && !worker->leaving;
}

PoolWorker *pool_pick(Pool *pool)
{
        PoolWorker *best = NULL;

        for (unsigned i = 0; i < pool->n; i++)
                if (worker_is_idle(&pool->workers[i]) &&
                                (!best || pool->workers[i].idle_since > best->idle_since))
                        best = &pool->workers[i];

        return best;
}

PoolWorker *pool_find_idle(Pool *pool, int64_t before)
{
        for (unsigned i = 0; i < pool->n; i++)
                if (worker_is_idle(&pool->workers[i]) && pool->workers[i].idle_since <= before)
                        return &pool->workers[i];

        return NULL;
}

bool pool_has_capacity(Pool *pool)
{
        return pool->n < POOL_MAX || pool_pick(pool);
}

int64_t pool_next_idle(const Pool *pool)
{
        int64_t next = INT64_MAX;

        for (unsigned i = 0; i < pool->n; i++)
                if (worker_is_idle(&pool->workers[i]) && pool->workers[i].idle_since + POOL_IDLE_USEC < next)
                        next = pool->workers[i].idle_since + POOL_IDLE_USEC;

        return next;
}
