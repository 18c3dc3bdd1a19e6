/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What follows what in an update: the states of update-state.h, walked from end to end; and what is thought
 * of a new generation. */

#include <glib.h>

#include "daemon/change/update-state.h"

#define OK       UPDATE_EVENT_DONE
#define FAILED   UPDATE_EVENT_FAILED
#define STOPPED  UPDATE_EVENT_STOPPED
#define READY    UPDATE_EVENT_READY
#define SHUTDOWN UPDATE_EVENT_SHUTDOWN

typedef struct Step {
        UpdateEvent event;
        UpdateState to;
} Step;

static void walk(UpdateState state, const Step *steps, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                state = update_state_next(state, steps[i].event);
                g_assert_cmpint(state, ==, steps[i].to);
        }
        g_assert_cmpint(state, ==, UPDATE_ENDED);
}

#define WALK(from, ...)                                                                                     \
        do {                                                                                                \
                static const Step steps[] = {__VA_ARGS__};                                                  \
                                                                                                            \
                walk(from, steps, G_N_ELEMENTS(steps));                                                     \
        } while (0)

#define BACK                                                                                                \
        {FAILED, UPDATE_ASKING}, {FAILED, UPDATE_RETURNING}, {OK, UPDATE_READING}, {OK, UPDATE_RELOADING},  \
                        {OK, UPDATE_RESTARTING}, LEFT
#define LEFT                                                                                                \
        {OK, UPDATE_RETIRING}, {OK, UPDATE_CLEARING},                                                       \
        {                                                                                                   \
                OK, UPDATE_ENDED                                                                            \
        }
#define TRIED                                                                                               \
        {OK, UPDATE_TRYING},                                                                                \
        {                                                                                                   \
                OK, UPDATE_NOTING                                                                           \
        }

static void test_holds(void)
{
        WALK(UPDATE_CHANGING, TRIED, {OK, UPDATE_STARTING}, {OK, UPDATE_PROVING}, {OK, UPDATE_KEEPING},
                        LEFT);
}

static void test_comes_back(void)
{
        WALK(UPDATE_CHANGING, TRIED, {OK, UPDATE_STARTING}, BACK);
        WALK(UPDATE_CHANGING, TRIED, {OK, UPDATE_STARTING}, {OK, UPDATE_PROVING}, BACK);
        /* However little of the way back works, it has an end. */
        WALK(UPDATE_CHANGING, TRIED, {OK, UPDATE_STARTING}, {FAILED, UPDATE_ASKING},
                        {FAILED, UPDATE_RETURNING}, {FAILED, UPDATE_RETIRING}, {FAILED, UPDATE_CLEARING},
                        {FAILED, UPDATE_ENDED});
        WALK(UPDATE_RETURNING, {OK, UPDATE_READING}, {FAILED, UPDATE_RELOADING}, {FAILED, UPDATE_RESTARTING},
                        {FAILED, UPDATE_RETIRING}, {FAILED, UPDATE_CLEARING}, {FAILED, UPDATE_ENDED});
}

/* Of a rolling update the twin may fail, or the unikernel be stopped meanwhile. */
static void test_is_tried(void)
{
        WALK(UPDATE_CHANGING, {OK, UPDATE_TRYING}, BACK);
        WALK(UPDATE_CHANGING, {OK, UPDATE_TRYING}, {STOPPED, UPDATE_ASKING}, {STOPPED, UPDATE_KEEPING},
                        LEFT);
        WALK(UPDATE_TRYING, {OK, UPDATE_NOTING}, {FAILED, UPDATE_STARTING}, {OK, UPDATE_PROVING},
                        {OK, UPDATE_KEEPING}, LEFT);
        WALK(UPDATE_TRYING, BACK);
}

static void test_is_stopped(void)
{
        WALK(UPDATE_CHANGING, {STOPPED, UPDATE_ENDED});
        WALK(UPDATE_CHANGING, {FAILED, UPDATE_ENDED});
        WALK(UPDATE_CHANGING, TRIED, {OK, UPDATE_STARTING}, {STOPPED, UPDATE_ASKING},
                        {STOPPED, UPDATE_KEEPING}, LEFT);
        WALK(UPDATE_CHANGING, TRIED, {OK, UPDATE_STARTING}, {OK, UPDATE_PROVING}, {STOPPED, UPDATE_ASKING},
                        {STOPPED, UPDATE_KEEPING}, LEFT);
}

static void test_is_resumed(void)
{
        WALK(UPDATE_LOOKING, {OK, UPDATE_STARTING}, {OK, UPDATE_PROVING}, {OK, UPDATE_KEEPING}, LEFT);
        WALK(UPDATE_LOOKING, {READY, UPDATE_PROVING}, {OK, UPDATE_KEEPING}, LEFT);
        WALK(UPDATE_LOOKING, {STOPPED, UPDATE_ASKING}, {STOPPED, UPDATE_KEEPING}, LEFT);
        WALK(UPDATE_LOOKING, BACK);
}

/* Whatever a shutdown does to the guest, the update keeps its record. */
static void test_is_interrupted(void)
{
        static const UpdateState states[] = {UPDATE_TRYING, UPDATE_LOOKING, UPDATE_STARTING, UPDATE_PROVING};

        for (size_t i = 0; i < G_N_ELEMENTS(states); i++) {
                g_assert_cmpint(update_state_next(states[i], STOPPED), ==, UPDATE_ASKING);
                g_assert_cmpint(update_state_next(states[i], FAILED), ==, UPDATE_ASKING);
        }
        g_assert_cmpint(update_state_next(UPDATE_ASKING, SHUTDOWN), ==, UPDATE_SUSPENDING);
        g_assert_cmpint(update_state_next(UPDATE_SUSPENDING, OK), ==, UPDATE_INTERRUPTED);
        g_assert_cmpint(update_state_next(UPDATE_SUSPENDING, FAILED), ==, UPDATE_INTERRUPTED);
}

/* From each state but the last ones something leads on, whatever happens there. */
static void test_has_no_dead_end(void)
{
        for (UpdateState state = 0; state < UPDATE_ENDED; state++) {
                /* Nobody says of a failure that all is well. */
                if (state != UPDATE_ASKING)
                        g_assert_cmpint(update_state_next(state, OK), >=, 0);
                g_assert_cmpint(update_state_next(state, FAILED), >=, 0);
        }
        for (UpdateEvent event = 0; event < _UPDATE_EVENT_MAX; event++) {
                g_assert_cmpint(update_state_next(UPDATE_ENDED, event), ==, _UPDATE_STATE_INVALID);
                g_assert_cmpint(update_state_next(UPDATE_INTERRUPTED, event), ==, _UPDATE_STATE_INVALID);
        }
}

static void test_judges(void)
{
        static const struct {
                UpdateFacts facts;
                UpdateVerdict verdict;
        } cases[] = {
                        /* The guest that was ready runs. */
                        {{.state = UNIKERNEL_RUNNING, .started = 2, .old_started = 1, .new_started = 2},
                                        UPDATE_WAIT},
                        {{.state = UNIKERNEL_RUNNING,
                                         .started = 2,
                                         .old_started = 1,
                                         .new_started = 2,
                                         .due = true},
                                        UPDATE_HELD},
                        {{.state = UNIKERNEL_PAUSED, .started = 2, .new_started = 2, .due = true},
                                        UPDATE_HELD},
                        {{.state = UNIKERNEL_RUNNING,
                                         .started = 2,
                                         .new_started = 2,
                                         .due = true,
                                         .failing = true},
                                        UPDATE_WAIT},
                        /* Another one does, by Restart= or by somebody. */
                        {{.state = UNIKERNEL_RUNNING, .started = 3, .new_started = 2, .have_end = true},
                                        UPDATE_FAILED},
                        {{.state = UNIKERNEL_RUNNING,
                                         .started = 3,
                                         .new_started = 2,
                                         .have_end = true,
                                         .stopped = true},
                                        UPDATE_WAS_STOPPED},
                        {{.state = UNIKERNEL_STARTING, .new_started = 2, .have_end = true}, UPDATE_FAILED},
                        {{.state = UNIKERNEL_STOPPING, .new_started = 2}, UPDATE_WAIT},
                        /* It ended: with success, with failure, by somebody. */
                        {{.state = UNIKERNEL_STOPPED, .new_started = 2, .have_end = true}, UPDATE_FAILED},
                        {{.state = UNIKERNEL_FAILED, .new_started = 2, .have_end = true}, UPDATE_FAILED},
                        {{.state = UNIKERNEL_FAILED, .new_started = 2}, UPDATE_FAILED},
                        {{.state = UNIKERNEL_STOPPED, .new_started = 2, .have_end = true, .stopped = true},
                                        UPDATE_WAS_STOPPED},
                        /* After shruthid was killed: the former one still runs, or there is none yet. */
                        {{.state = UNIKERNEL_RUNNING, .started = 1, .old_started = 1}, UPDATE_START},
                        {{.state = UNIKERNEL_RUNNING, .started = 2, .old_started = 1}, UPDATE_WAIT},
                        {{.state = UNIKERNEL_STARTING, .old_started = 1}, UPDATE_START},
                        {{.state = UNIKERNEL_STOPPED, .old_started = 1}, UPDATE_START},
                        {{.state = UNIKERNEL_STOPPED, .old_started = 1, .have_end = true}, UPDATE_FAILED},
                        {{.state = UNIKERNEL_FAILED, .old_started = 1, .have_end = true}, UPDATE_FAILED},
                        {{.state = UNIKERNEL_BROKEN, .old_started = 1}, UPDATE_FAILED},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_test_message("case %zu", i);
                g_assert_cmpint(update_judge(&cases[i].facts), ==, cases[i].verdict);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/daemon/update-state/holds", test_holds);
        g_test_add_func("/daemon/update-state/comes-back", test_comes_back);
        g_test_add_func("/daemon/update-state/is-tried", test_is_tried);
        g_test_add_func("/daemon/update-state/is-stopped", test_is_stopped);
        g_test_add_func("/daemon/update-state/is-resumed", test_is_resumed);
        g_test_add_func("/daemon/update-state/is-interrupted", test_is_interrupted);
        g_test_add_func("/daemon/update-state/has-no-dead-end", test_has_no_dead_end);
        g_test_add_func("/daemon/update-state/judges-a-generation", test_judges);

        return g_test_run();
}
