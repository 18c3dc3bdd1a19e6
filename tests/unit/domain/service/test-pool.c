/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Few workers do all the work, so that the others can go; and there are never more than the pool takes. */

#include <glib.h>

#include "domain/service/pool.h"

static PoolWorker *add(Pool *pool, pid_t pid, int64_t idle_since)
{
        PoolWorker *worker = pool_add(pool, pid, (int) pid + 100);

        g_assert_nonnull(worker);
        if (idle_since >= 0)
                pool_set_idle(worker, idle_since);
        return worker;
}

static void test_last_to_become_idle_is_first_to_work(void)
{
        Pool pool = {};

        g_assert_null(pool_pick(&pool));
        add(&pool, 1, 10);
        add(&pool, 2, 30);
        add(&pool, 3, 20);
        add(&pool, 4, -1);
        g_assert_cmpint(pool_pick(&pool)->pid, ==, 2);
        pool_pick(&pool)->busy = true;
        g_assert_cmpint(pool_pick(&pool)->pid, ==, 3);
        pool_pick(&pool)->leaving = true;
        g_assert_cmpint(pool_pick(&pool)->pid, ==, 1);
        pool_pick(&pool)->busy = true;
        g_assert_null(pool_pick(&pool));
}

static void test_long_idle_workers_go(void)
{
        Pool pool = {};

        g_assert_true(pool_next_idle(&pool) == INT64_MAX);
        add(&pool, 1, -1);
        g_assert_true(pool_next_idle(&pool) == INT64_MAX);
        add(&pool, 2, 10);
        add(&pool, 3, 5);
        g_assert_true(pool_next_idle(&pool) == 5 + POOL_IDLE_USEC);
        g_assert_null(pool_find_idle(&pool, 4));
        g_assert_cmpint(pool_find_idle(&pool, 5)->pid, ==, 3);
        pool_find_idle(&pool, 5)->leaving = true;
        g_assert_null(pool_find_idle(&pool, 9));
        g_assert_true(pool_next_idle(&pool) == 10 + POOL_IDLE_USEC);
}

static void test_it_has_a_limit(void)
{
        Pool pool = {};

        for (pid_t i = 1; i <= POOL_MAX; i++) {
                g_assert_true(pool_has_capacity(&pool));
                add(&pool, i, -1);
        }
        g_assert_false(pool_has_capacity(&pool));
        g_assert_null(pool_add(&pool, 100, 100));
        pool_set_idle(pool_find(&pool, 7), 1);
        g_assert_true(pool_has_capacity(&pool));
}

static void test_who_ended_is_gone(void)
{
        Pool pool = {};

        add(&pool, 1, 1);
        add(&pool, 2, 2);
        add(&pool, 3, 3);
        pool_remove(&pool, pool_find(&pool, 1));
        g_assert_null(pool_find(&pool, 1));
        g_assert_cmpint(pool_find(&pool, 2)->control, ==, 102);
        g_assert_cmpint(pool_find(&pool, 3)->control, ==, 103);
        pool_remove(&pool, pool_find(&pool, 3));
        g_assert_cmpuint(pool.n, ==, 1);
        g_assert_cmpint(pool_pick(&pool)->pid, ==, 2);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/domain/pool/last-to-become-idle-is-first-to-work",
                        test_last_to_become_idle_is_first_to_work);
        g_test_add_func("/domain/pool/long-idle-workers-go", test_long_idle_workers_go);
        g_test_add_func("/domain/pool/it-has-a-limit", test_it_has_a_limit);
        g_test_add_func("/domain/pool/who-ended-is-gone", test_who_ended_is_gone);
        return g_test_run();
}
