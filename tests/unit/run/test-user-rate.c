/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* However many runners one user's guests have, together they read no faster than one may. */

#include "run/user-rate.h"

#include <stdlib.h>

#include "common/paths.h"
#include "fixture/files.h"

#define SECOND G_USEC_PER_SEC

static char *root;

static UserRate *open_rate(const char *owner, uint64_t rate, uint64_t burst)
{
        UserRate *result = NULL;

        g_assert_cmpint(user_rate_open(owner, rate, burst, &result), ==, 0);
        return result;
}

static void test_is_shared(void)
{
        g_autoptr(UserRate) one = open_rate("1000", 1000, 2000), two = open_rate("1000", 1000, 2000);
        g_autoptr(UserRate) other = open_rate("1001", 1000, 2000);
        uint64_t now = 100 * SECOND;
        unsigned taken = 0;

        /* Ten seconds of both, as fast as they may. */
        for (unsigned i = 0; i < 10000; i++, now += SECOND / 1000)
                for (unsigned j = 0; j < 2; j++)
                        if (user_rate_wait(j ? one : two, now) == 0) {
                                user_rate_take(j ? one : two, 100, now);
                                taken += 100;
                        }
        g_assert_cmpuint(taken, >=, 11800);
        g_assert_cmpuint(taken, <=, 12300);
        while (user_rate_wait(two, now) == 0)
                user_rate_take(two, 100, now);
        g_assert_cmpuint(user_rate_wait(one, now), >, 0);
        g_assert_cmpuint(user_rate_wait(other, now), ==, 0);
        g_assert_cmpuint(user_rate_wait(one, now + 3 * SECOND), ==, 0);
}

/* A number that cannot be right holds up nobody for long. */
static void test_damage_is_got_over(void)
{
        g_autofree char *path = g_build_filename(paths_rates(), "1002", NULL);
        g_autoptr(UserRate) rate = NULL;
        uint64_t wait;

        g_assert_true(g_file_set_contents(path, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, NULL));
        rate = open_rate("1002", 1000, 1000);
        wait = user_rate_wait(rate, SECOND);
        g_assert_cmpuint(wait, >, 0);
        g_assert_cmpuint(wait, <=, 3600 * (uint64_t) SECOND);
        user_rate_take(rate, 1000, SECOND);
        g_assert_cmpuint(user_rate_wait(rate, SECOND), ==, 0);
}

int main(int argc, char *argv[])
{
        int r;

        root = g_dir_make_tmp("shruthi-XXXXXX", NULL);
        paths_set_root(root);
        g_assert_cmpint(g_mkdir_with_parents(paths_rates(), 0700), ==, 0);
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/run/user-rate/is-shared", test_is_shared);
        g_test_add_func("/run/user-rate/damage-is-got-over", test_damage_is_got_over);
        r = g_test_run();
        fixture_remove_tree(root);
        g_free(root);
        return r;
}
