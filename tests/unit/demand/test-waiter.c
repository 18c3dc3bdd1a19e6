/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A unikernel that traffic starts is started once for all that is held, what is held passes only when it is
 * ready, and is never held for good: it passes, is refused, or a start for it is in progress or planned. */

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

/* Its start has been asked for, and ends. */
static WaiterAction fixture_end(Fixture *f, WaiterState state)
{
        g_assert_true(f->waiter.starting);
        waiter_job_ended(&f->waiter);
        return fixture_go_to(f, state);
}

/* It is wanted, and started so often that the limit is reached; each start fails. */
static void fixture_fail_to_the_limit(Fixture *f)
{
        for (unsigned i = 1; i < LIMIT; i++) {
                g_assert_cmpint(fixture_want(f), ==, WAITER_START);
                g_assert_cmpint(fixture_end(f, WAITER_STOPPED), ==, WAITER_HOLD);
                f->now = f->waiter.next;
        }
        g_assert_cmpint(fixture_decide(f), ==, WAITER_START);
        g_assert_cmpint(fixture_end(f, WAITER_STOPPED), ==, WAITER_REFUSE);
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
        g_assert_cmpint(fixture_want(f), ==, WAITER_START);
        g_assert_cmpint(fixture_end(f, WAITER_STOPPED), ==, WAITER_HOLD);
        g_assert_true(f->waiter.wanted);
        g_assert_cmpint(f->waiter.next, ==, f->now + WAITER_PAUSE_USEC);
        /* More that comes does not hurry it. */
        g_assert_cmpint(fixture_want(f), ==, WAITER_HOLD);
        f->now = f->waiter.next;
        g_assert_cmpint(fixture_decide(f), ==, WAITER_START);
        g_assert_cmpint(fixture_end(f, WAITER_READY), ==, WAITER_OPEN);
        g_assert_cmpint(f->waiter.next, ==, INT64_MAX);
}

static void test_slow_failure(Fixture *f, const void *data)
{
        (void) fixture_go_to(f, WAITER_STOPPED);
        g_assert_cmpint(fixture_want(f), ==, WAITER_START);
        f->now += 2 * WAITER_PAUSE_USEC;
        g_assert_cmpint(fixture_end(f, WAITER_STOPPED), ==, WAITER_START);
}

static void test_refused(Fixture *f, const void *data)
{
        (void) fixture_go_to(f, WAITER_STOPPED);
        fixture_fail_to_the_limit(f);
        g_assert_cmpint(f->waiter.next, ==, f->now + WAITER_REFUSE_USEC);
        /* Also when something was still held, and told of once more. */
        g_assert_cmpint(fixture_want(f), ==, WAITER_REFUSE_STILL);
        g_assert_false(f->waiter.wanted);
        g_assert_cmpint(fixture_decide(f), ==, WAITER_REFUSE_STILL);

        f->now = f->waiter.next;
        g_assert_cmpint(fixture_decide(f), ==, WAITER_HOLD);
        g_assert_cmpint(f->waiter.refused, ==, 0);
        g_assert_cmpint(fixture_want(f), ==, WAITER_START);
}

static void test_final(Fixture *f, const void *data)
{
        (void) fixture_go_to(f, WAITER_STOPPED);
        g_assert_cmpint(fixture_want(f), ==, WAITER_START);
        f->waiter.final = true;
        g_assert_cmpint(fixture_end(f, WAITER_STOPPED), ==, WAITER_REFUSE);
        f->now += WAITER_REFUSE_USEC;
        /* What was final then need not be now. */
        g_assert_cmpint(fixture_want(f), ==, WAITER_START);
        g_assert_cmpint(fixture_end(f, WAITER_STOPPED), ==, WAITER_HOLD);
}

static void test_refusal_ends(Fixture *f, const void *data)
{
        /* By a start of somebody else's, whatever becomes of it. */
        (void) fixture_go_to(f, WAITER_STOPPED);
        fixture_fail_to_the_limit(f);
        g_assert_cmpint(fixture_go_to(f, WAITER_CHANGING), ==, WAITER_HOLD);
        g_assert_cmpint(fixture_go_to(f, WAITER_STOPPED), ==, WAITER_HOLD);
        g_assert_cmpint(f->waiter.refused, ==, 0);

        /* By one that is ready at once. */
        f->now += MINUTE;
        fixture_fail_to_the_limit(f);
        g_assert_cmpint(fixture_go_to(f, WAITER_READY), ==, WAITER_OPEN);
        g_assert_cmpint(f->waiter.refused, ==, 0);

        /* By another definition. */
        (void) fixture_go_to(f, WAITER_STOPPED);
        f->now += MINUTE;
        fixture_fail_to_the_limit(f);
        waiter_changed(&f->waiter);
        g_assert_cmpint(fixture_decide(f), ==, WAITER_HOLD);
        g_assert_cmpint(f->waiter.refused, ==, 0);
}

static void test_limit(Fixture *f, const void *data)
{
        int64_t begin = f->now;

        (void) fixture_go_to(f, WAITER_STOPPED);
        for (unsigned i = 0; i < LIMIT; i++) {
                g_assert_cmpint(fixture_want(f), ==, WAITER_START);
                g_assert_cmpint(fixture_end(f, WAITER_READY), ==, WAITER_OPEN);
                g_assert_cmpint(fixture_go_to(f, WAITER_STOPPED), ==, WAITER_HOLD);
                f->now++;
        }
        /* It works, so that what comes waits for its turn. */
        g_assert_cmpint(fixture_want(f), ==, WAITER_LIMIT);
        g_assert_cmpint(fixture_want(f), ==, WAITER_HOLD);
        g_assert_true(f->waiter.wanted);
        g_assert_cmpint(f->waiter.next, ==, begin + MINUTE);
        f->now = f->waiter.next;
        g_assert_cmpint(fixture_decide(f), ==, WAITER_START);
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
        ADD("tries-again-after-a-pause-when-the-start-has-failed", test_failed);
        ADD("tries-again-at-once-when-that-took-long", test_slow_failure);
        ADD("refuses-for-a-while-what-it-could-not-be-started-for", test_refused);
        ADD("refuses-at-once-when-systemd-would-not-start-it-either", test_final);
        ADD("refuses-no-more-when-it-is-started-or-changed", test_refusal_ends);
        ADD("is-started-so-often-a-minute-and-what-comes-waits-until-that-is-less", test_limit);
        ADD("is-started-again-for-what-comes-while-it-is-stopped", test_stopping);
        ADD("is-open-again-if-it-was-not-stopped", test_stop_refused);
#undef ADD

        return g_test_run();
}
