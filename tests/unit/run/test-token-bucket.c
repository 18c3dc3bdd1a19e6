/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Over time a guest prints no more than its rate, a burst passes at once, and nobody waits longer than they
 * have to. */

#include <glib.h>

#include "run/token-bucket.h"

#define SEC UINT64_C(1000000)

static void test_a_burst_passes_at_once(void)
{
        TokenBucket bucket;
        bool episode = true;

        token_bucket_init(&bucket, 100, 1000, 5 * SEC);
        g_assert_cmpuint(token_bucket_take(&bucket, 1000, 5 * SEC, &episode), ==, 0);
        g_assert_false(episode);
        g_assert_cmpuint(token_bucket_take(&bucket, 1, 5 * SEC, &episode), >, 0);
        g_assert_true(episode);
}

static void test_the_rate_holds_over_time(void)
{
        TokenBucket bucket;
        uint64_t now = 0, taken = 0;
        bool episode;

        token_bucket_init(&bucket, 1000, 5000, now);
        while (now < 100 * SEC) {
                uint64_t wait = token_bucket_take(&bucket, 77, now, &episode);

                if (wait == 0)
                        taken += 77;
                now += wait;
        }

        /* burst + rate × time, and at most what was in one piece beyond it */
        g_assert_cmpuint(taken, <=, 5000 + 1000 * 100 + 77 + 1000);
        g_assert_cmpuint(taken, >=, 1000 * 100);
}

static void test_an_oversized_piece_is_paid_by_waiting(void)
{
        TokenBucket bucket;
        bool episode;
        uint64_t wait;

        token_bucket_init(&bucket, 1000, 100, 0);
        g_assert_cmpuint(token_bucket_take(&bucket, 50000, 0, &episode), ==, 0);
        wait = token_bucket_take(&bucket, 1, 0, &episode);
        g_assert_cmpuint(wait, >=, 49 * SEC);
        g_assert_cmpuint(wait, <=, 51 * SEC);
        g_assert_cmpuint(token_bucket_take(&bucket, 1, wait, &episode), ==, 0);
}

/* The user is told once, until the guest has calmed down. */
static void test_an_episode_is_told_once(void)
{
        TokenBucket bucket;
        unsigned episodes = 0;
        uint64_t now = 0;

        token_bucket_init(&bucket, 1000, 1000, now);
        for (unsigned i = 0; i < 1000; i++) {
                bool episode;

                now += token_bucket_take(&bucket, 500, now, &episode);
                episodes += episode;
        }
        g_assert_cmpuint(episodes, ==, 1);

        now += 100 * SEC;
        for (unsigned i = 0; i < 10; i++) {
                bool episode;

                now += token_bucket_take(&bucket, 500, now, &episode);
                episodes += episode;
        }
        g_assert_cmpuint(episodes, ==, 2);
}

static void test_extremes_do_no_harm(void)
{
        static const uint64_t values[] = {0, 1, 1000, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX};

        for (size_t r = 0; r < G_N_ELEMENTS(values); r++)
                for (size_t b = 0; b < G_N_ELEMENTS(values); b++) {
                        TokenBucket bucket;
                        uint64_t now = 0;
                        bool episode;

                        token_bucket_init(&bucket, values[r], values[b], now);
                        g_assert_cmpuint(token_bucket_take(&bucket, 1, now, &episode), ==, 0);
                        for (unsigned i = 0; i < 20; i++)
                                now += token_bucket_take(&bucket, 4096, now, &episode);
                        /* A clock that stands or goes back is not worth a crash. */
                        (void) token_bucket_take(&bucket, 1, now > SEC ? now - SEC : 0, &episode);
                        (void) token_bucket_take(&bucket, UINT64_MAX, UINT64_MAX, &episode);
                }
}

static void test_no_limit_never_waits(void)
{
        TokenBucket bucket;
        bool episode = true;

        token_bucket_init(&bucket, UINT64_MAX, 1, 0);
        for (unsigned i = 0; i < 100; i++)
                g_assert_cmpuint(token_bucket_take(&bucket, UINT64_MAX / 2, 0, &episode), ==, 0);
        g_assert_false(episode);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/run/token-bucket/a-burst-passes-at-once", test_a_burst_passes_at_once);
        g_test_add_func("/run/token-bucket/the-rate-holds-over-time", test_the_rate_holds_over_time);
        g_test_add_func("/run/token-bucket/an-oversized-piece-is-paid-by-waiting",
                        test_an_oversized_piece_is_paid_by_waiting);
        g_test_add_func("/run/token-bucket/an-episode-is-told-once", test_an_episode_is_told_once);
        g_test_add_func("/run/token-bucket/extremes-do-no-harm", test_extremes_do_no_harm);
        g_test_add_func("/run/token-bucket/no-limit-never-waits", test_no_limit_never_waits);
        return g_test_run();
}
