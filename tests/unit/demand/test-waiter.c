/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A unikernel that traffic starts is started once for all that is held, what is held passes only when it is
 * ready, and is never held for good: it passes, is dropped, or a start for it is in progress. */

#include <glib.h>

#include "demand/waiter.h"

#define LIMIT  3
#define MINUTE (60 * G_USEC_PER_SEC)

typedef struct Fixture {
        DemandWaiter waiter;
        int64_t now;
} Fixture;

static void fixture_set_up(Fixture *f, const void *data)
{
        waiter_init(&f->waiter);
        f->now = 1;
}

static void fixture_tear_down(Fixture *f, const void *data)
{
        waiter_clear(&f->waiter);
}

static WaiterAction fixture_decide(Fixture *f)
{
        return waiter_decide(&f->waiter, LIMIT, f->now);
}

static WaiterAction fixture_go_to(Fixture *f, WaiterState state)
{
        f->waiter.state = state;
        return fixture_decide(f);
}

static WaiterAction fixture_want(Fixture *f)
{
        f->waiter.wanted = true;
        return fixture_decide(f);
}

static void fixture_start_and_fail(Fixture *f)
{
        g_assert_cmpint(fixture_want(f), ==, WAITER_START);
        waiter_job_ended(&f->waiter);
        g_assert_cmpint(fixture_go_to(f, WAITER_STOPPED), ==, WAITER_FAILED);
        g_assert_false(f->waiter.wanted);
}

static void test_states(Fixture *f, const void *data)
{
        static const struct {
                const char *unit;
                WaiterState state;
        } cases[] = {
                        {"active", WAITER_READY},
                        {"reloading", WAITER_READY},
                        {"refreshing", WAITER_READY},
                        {"inactive", WAITER_STOPPED},
                        {"failed", WAITER_STOPPED},
                        {"activating", WAITER_CHANGING},
                        {"deactivating", WAITER_CHANGING},
                        {"maintenance", WAITER_CHANGING},
                        {"something new", WAITER_CHANGING},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
                g_assert_cmpint(waiter_state_from_unit(cases[i].unit), ==, cases[i].state);
}

static void test_started_once(Fixture *f, const void *data)
{
        g_assert_cmpint(fixture_decide(f), ==, WAITER_NOTHING);
        g_assert_cmpint(fixture_go_to(f, WAITER_STOPPED), ==, WAITER_HOLD);
        g_assert_cmpint(fixture_want(f), ==, WAITER_START);
        /* The unit is still inactive while its job is in the queue. */
        g_assert_cmpint(fixture_want(f), ==, WAITER_HOLD);
        g_assert_cmpint(fixture_go_to(f, WAITER_CHANGING), ==, WAITER_HOLD);
        g_assert_cmpint(fixture_want(f), ==, WAITER_HOLD);
        waiter_job_ended(&f->waiter);
        g_assert_cmpint(fixture_go_to(f, WAITER_READY), ==, WAITER_OPEN);
        g_assert_cmpint(fixture_go_to(f, WAITER_STOPPED), ==, WAITER_HOLD);
}

static void test_restart(Fixture *f, const void *data)
{
        (void) fixture_go_to(f, WAITER_STOPPED);
        g_assert_cmpint(fixture_want(f), ==, WAITER_START);
        waiter_job_ended(&f->waiter);
        /* Restart= waits for its next try. */
        g_assert_cmpint(fixture_go_to(f, WAITER_CHANGING), ==, WAITER_HOLD);
        g_assert_cmpint(fixture_go_to(f, WAITER_READY), ==, WAITER_OPEN);
}

static void test_failed(Fixture *f, const void *data)
{
        (void) fixture_go_to(f, WAITER_STOPPED);
        fixture_start_and_fail(f);
        g_assert_cmpint(fixture_decide(f), ==, WAITER_HOLD);
        g_assert_cmpint(fixture_want(f), ==, WAITER_START);
}

static void test_limit(Fixture *f, const void *data)
{
        (void) fixture_go_to(f, WAITER_STOPPED);
        for (unsigned i = 0; i < LIMIT; i++)
                fixture_start_and_fail(f);
        g_assert_cmpint(fixture_want(f), ==, WAITER_LIMIT);
        g_assert_false(f->waiter.wanted);
        g_assert_cmpint(fixture_want(f), ==, WAITER_AGAIN);
        f->now += MINUTE;
        fixture_start_and_fail(f);
}

static void test_stopping(Fixture *f, const void *data)
{
        g_assert_cmpint(fixture_go_to(f, WAITER_READY), ==, WAITER_OPEN);
        f->waiter.stopping = true;
        g_assert_cmpint(fixture_want(f), ==, WAITER_NOTHING);
        g_assert_cmpint(fixture_go_to(f, WAITER_CHANGING), ==, WAITER_HOLD);
        /* Before the end of the stop's job is told, or after. */
        g_assert_cmpint(fixture_go_to(f, WAITER_STOPPED), ==, WAITER_START);
}

static void test_stop_refused(Fixture *f, const void *data)
{
        g_assert_cmpint(fixture_go_to(f, WAITER_READY), ==, WAITER_OPEN);
        f->waiter.stopping = true;
        g_assert_cmpint(fixture_want(f), ==, WAITER_NOTHING);
        waiter_job_ended(&f->waiter);
        g_assert_cmpint(fixture_decide(f), ==, WAITER_OPEN);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function)                                                                                 \
        g_test_add("/demand/waiter/" name, Fixture, NULL, fixture_set_up, function, fixture_tear_down)
        ADD("knows-the-states-of-a-unit", test_states);
        ADD("is-started-once-for-all-that-is-held", test_started_once);
        ADD("holds-while-systemd-tries-again", test_restart);
        ADD("drops-what-is-held-when-the-start-has-failed-and-tries-again-later", test_failed);
        ADD("is-started-so-often-a-minute-and-says-so-once", test_limit);
        ADD("is-started-again-for-what-comes-while-it-is-stopped", test_stopping);
        ADD("is-open-again-if-it-was-not-stopped", test_stop_refused);
#undef ADD

        return g_test_run();
}
