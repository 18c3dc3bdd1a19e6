/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What follows what in the life of a twin: the states of rolling-state.h, walked from end to end. */

#include <glib.h>

#include "daemon/change/rolling-state.h"

static void walk(RollingState from, RollingState to, RollingEvent event)
{
        for (RollingState state = from; state < to; state++)
                g_assert_cmpint(rolling_state_next(state, event), ==, state + 1);
}

static void test_serves(void)
{
        walk(ROLLING_WRITING, ROLLING_SERVING, ROLLING_EVENT_DONE);
}

/* At each step of the trial it may fail, and is then over. */
static void test_fails(void)
{
        for (RollingState state = ROLLING_WRITING; state < ROLLING_SERVING; state++)
                g_assert_cmpint(rolling_state_next(state, ROLLING_EVENT_FAILED), ==, ROLLING_FAILED);
}

/* Whatever goes wrong, it is removed; but not while it runs. */
static void test_is_removed(void)
{
        walk(ROLLING_LEAVING, ROLLING_ENDED, ROLLING_EVENT_DONE);
        walk(ROLLING_EMPTYING, ROLLING_STOPPING, ROLLING_EVENT_FAILED);
        walk(ROLLING_REMOVING, ROLLING_ENDED, ROLLING_EVENT_FAILED);
        g_assert_cmpint(rolling_state_next(ROLLING_STOPPING, ROLLING_EVENT_FAILED), ==, ROLLING_ENDED);
}

/* Where new connections cannot leave it, those that are open are not waited for. */
static void test_is_not_emptied(void)
{
        g_assert_cmpint(rolling_state_next(ROLLING_LEAVING, ROLLING_EVENT_FAILED), ==, ROLLING_STOPPING);
}

/* Where a trial or an end is over, only rolling_retire() leads on. */
static void test_is_over(void)
{
        static const RollingState last[] = {ROLLING_SERVING, ROLLING_FAILED, ROLLING_ENDED};

        for (size_t i = 0; i < G_N_ELEMENTS(last); i++)
                for (RollingEvent event = 0; event < _ROLLING_EVENT_MAX; event++)
                        g_assert_cmpint(rolling_state_next(last[i], event), ==, _ROLLING_STATE_INVALID);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/daemon/rolling-state/serves", test_serves);
        g_test_add_func("/daemon/rolling-state/fails", test_fails);
        g_test_add_func("/daemon/rolling-state/is-removed", test_is_removed);
        g_test_add_func("/daemon/rolling-state/is-not-emptied", test_is_not_emptied);
        g_test_add_func("/daemon/rolling-state/is-over", test_is_over);
        return g_test_run();
}
