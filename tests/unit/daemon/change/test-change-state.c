/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What follows what in a change: the states of change-state.h, walked from end to end. */

#include <glib.h>

#include "daemon/change/change-state.h"

#define ALL                                                                                                 \
        (CHANGE_NEEDS_NETWORKS | CHANGE_NEEDS_ALLOCATE | CHANGE_NEEDS_RELEASE | CHANGE_NEEDS_FORGET |       \
                        CHANGE_NEEDS_RELOAD)

#define OK     CHANGE_EVENT_DONE
#define FAILED CHANGE_EVENT_FAILED
#define ASK    CHANGE_EVENT_NEEDS_ADMINISTER

typedef struct Step {
        ChangeEvent event;
        ChangeState to;
} Step;

static void walk(unsigned needs, const Step *steps, size_t n)
{
        ChangeState state = CHANGE_NEW;

        for (size_t i = 0; i < n; i++) {
                state = change_state_next(state, steps[i].event, needs);
                g_assert_cmpint(state, ==, steps[i].to);
        }
        g_assert_cmpint(state, ==, CHANGE_ENDED);
}

#define WALK(needs, ...)                                                                                    \
        do {                                                                                                \
                static const Step steps[] = {__VA_ARGS__};                                                  \
                                                                                                            \
                walk(needs, steps, G_N_ELEMENTS(steps));                                                    \
        } while (0)

static void test_create(void)
{
        WALK(CHANGE_NEEDS_NETWORKS | CHANGE_NEEDS_ALLOCATE | CHANGE_NEEDS_FORGET | CHANGE_NEEDS_RELOAD,
                        {OK, CHANGE_LISTING_NETWORKS}, {OK, CHANGE_WORKING}, {OK, CHANGE_ALLOCATING},
                        {OK, CHANGE_WRITTEN}, {OK, CHANGE_FORGETTING}, {OK, CHANGE_FETCHING},
                        {OK, CHANGE_READING}, {OK, CHANGE_RELOADING}, {OK, CHANGE_ENDED});
        WALK(CHANGE_NEEDS_FORGET, {OK, CHANGE_WORKING}, {OK, CHANGE_WRITTEN}, {OK, CHANGE_FORGETTING},
                        {FAILED, CHANGE_READING}, {OK, CHANGE_ENDED});
}

/* What was created and gets no address is taken back, and what was allocated before that with it. */
static void test_create_undone(void)
{
        WALK(CHANGE_NEEDS_ALLOCATE | CHANGE_NEEDS_FORGET | CHANGE_NEEDS_RELOAD, {OK, CHANGE_WORKING},
                        {OK, CHANGE_ALLOCATING}, {FAILED, CHANGE_UNDOING}, {OK, CHANGE_GIVING_BACK},
                        {FAILED, CHANGE_ENDED});
}

static void test_settings(void)
{
        WALK(0, {OK, CHANGE_WORKING}, {OK, CHANGE_WRITTEN}, {OK, CHANGE_READING}, {OK, CHANGE_ENDED});
        WALK(CHANGE_NEEDS_NETWORKS, {OK, CHANGE_LISTING_NETWORKS}, {FAILED, CHANGE_WORKING},
                        {FAILED, CHANGE_ENDED});
}

/* A dry run, or an update to what is there. */
static void test_unwritten(void)
{
        WALK(CHANGE_NEEDS_NETWORKS | CHANGE_NEEDS_RELOAD, {OK, CHANGE_LISTING_NETWORKS},
                        {OK, CHANGE_WORKING}, {CHANGE_EVENT_UNWRITTEN, CHANGE_ENDED});
}

/* The addresses of what is removed are given back by somebody else where that fails here. */
static void test_remove(void)
{
        WALK(CHANGE_NEEDS_RELEASE | CHANGE_NEEDS_FORGET | CHANGE_NEEDS_RELOAD, {OK, CHANGE_WORKING},
                        {OK, CHANGE_RELEASING}, {FAILED, CHANGE_WRITTEN}, {OK, CHANGE_FORGETTING},
                        {OK, CHANGE_FETCHING}, {FAILED, CHANGE_READING}, {OK, CHANGE_RELOADING},
                        {FAILED, CHANGE_ENDED});
}

static void test_administer(void)
{
        WALK(0, {OK, CHANGE_WORKING}, {ASK, CHANGE_AUTHORIZING}, {OK, CHANGE_WORKING}, {OK, CHANGE_WRITTEN},
                        {OK, CHANGE_READING}, {OK, CHANGE_ENDED});
        WALK(0, {OK, CHANGE_WORKING}, {ASK, CHANGE_AUTHORIZING}, {FAILED, CHANGE_ENDED});
        WALK(0, {FAILED, CHANGE_ENDED});
}

/* Nobody can be left waiting: each state but the last is left by success, whatever is needed, and only the
 * thread's work leads to polkit. */
static void test_table(void)
{
        for (ChangeState state = 0; state < CHANGE_ENDED; state++)
                for (unsigned needs = 0; needs <= ALL; needs++) {
                        ChangeState ask = change_state_next(state, ASK, needs);

                        g_assert_cmpint(change_state_next(state, OK, needs), >=, 0);
                        if (state != CHANGE_RELEASING && state != CHANGE_UNDOING &&
                                        state != CHANGE_GIVING_BACK && state != CHANGE_FETCHING &&
                                        state != CHANGE_RELOADING)
                                g_assert_cmpint(ask, ==,
                                                state == CHANGE_WORKING ? CHANGE_AUTHORIZING
                                                                        : _CHANGE_STATE_INVALID);
                }
        for (ChangeEvent event = 0; event < _CHANGE_EVENT_MAX; event++)
                g_assert_cmpint(change_state_next(CHANGE_ENDED, event, ALL), ==, _CHANGE_STATE_INVALID);
}

static void test_worked(void)
{
        g_assert_false(change_state_is_worked(CHANGE_NEW));
        g_assert_false(change_state_is_worked(CHANGE_WORKING));
        g_assert_false(change_state_is_worked(CHANGE_AUTHORIZING));
        g_assert_true(change_state_is_worked(CHANGE_ALLOCATING));
        g_assert_true(change_state_is_worked(CHANGE_UNDOING));
        g_assert_true(change_state_is_worked(CHANGE_RELOADING));
        g_assert_false(change_state_is_worked(CHANGE_ENDED));
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/daemon/change-state/create", test_create);
        g_test_add_func("/daemon/change-state/create-is-undone-without-addresses", test_create_undone);
        g_test_add_func("/daemon/change-state/settings", test_settings);
        g_test_add_func("/daemon/change-state/unwritten", test_unwritten);
        g_test_add_func("/daemon/change-state/remove", test_remove);
        g_test_add_func("/daemon/change-state/administrator", test_administer);
        g_test_add_func("/daemon/change-state/leaves-nobody-waiting", test_table);
        g_test_add_func("/daemon/change-state/worked", test_worked);
        return g_test_run();
}
