/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The life of a run. Whatever happens, in whatever order: systemd is told once that the guest is up, a run has one
 * end, and a stop that was asked for is carried out. */

#include <glib.h>
#include <string.h>

#include "run/runner-state.h"

#define ACTION(name) RUNNER_ACTION_##name

/* Each state with all that moves it or has something done, in the order of the events: "EVENT=NEXT"; "." is the same
 * state. What is not here is ignored. */
static const char *const expected_table[_RUNNER_STATE_MAX] = {
        [RUNNER_NEW] = "start=starting adopt=adopting stop-requested=stopping failed=finished",
        [RUNNER_STARTING] = "network-missing=awaiting-network start-refused=finished guest-up=unready "
                            "guest-up-closed=ended stop-requested=cancelling failed=finished",
        [RUNNER_AWAITING_NETWORK] = "network-due=starting stop-requested=stopping failed=finished",
        [RUNNER_CANCELLING] = "start-refused=stopping guest-up=stopping guest-up-closed=ended failed=finished",
        [RUNNER_ADOPTING] = "start-refused=finished guest-up=unready guest-up-closed=ended "
                            "stop-requested=stopping domain-gone=draining console-closed=adopting-closed "
                            "pause-changed=. failed=finished",
        [RUNNER_ADOPTING_CLOSED] = "start-refused=finished guest-up=ended guest-up-closed=ended "
                                   "stop-requested=ended domain-gone=ended told=. timeout=. pause-changed=. "
                                   "settled=finished failed=finished",
        [RUNNER_UNREADY] = "ready=running ready-due=stopping halted=unready-halted stop-requested=stopping "
                           "domain-gone=draining console-closed=ended pause-changed=. failed=finished",
        [RUNNER_UNREADY_HALTED] = "goes-on=unready halt-due=stopping stop-requested=stopping domain-gone=draining "
                                  "console-closed=ended pause-changed=. failed=finished",
        [RUNNER_RUNNING] = "sick=stopping halted=halted stop-requested=stopping domain-gone=draining console-closed=ended "
                           "pause-changed=. failed=finished",
        [RUNNER_HALTED] = "goes-on=running halt-due=stopping stop-requested=stopping domain-gone=draining "
                          "console-closed=ended pause-changed=. failed=finished",
        [RUNNER_STOPPING] = "stop-done=draining stop-failed=retrying stop-slow=. "
                            "console-closed=stopping-closed pause-changed=. failed=finished",
        [RUNNER_RETRYING] = "stop-due=stopping stop-slow=. domain-gone=draining console-closed=ended "
                            "pause-changed=. failed=finished",
        [RUNNER_STOPPING_CLOSED] = "stop-done=ended stop-failed=ended stop-slow=. pause-changed=. "
                                   "failed=finished",
        [RUNNER_DRAINING] = "console-closed=ended timeout=ended pause-changed=. failed=finished",
        [RUNNER_ENDED] = "stop-requested=. stop-due=stopping-closed told=. timeout=. pause-changed=. "
                         "settled=finished failed=finished",
        [RUNNER_FINISHED] = "",
};

static void test_each_event_in_each_state(void)
{
        for (RunnerState state = 0; state < _RUNNER_STATE_MAX; state++) {
                g_autoptr(GString) found = g_string_new(NULL);

                for (RunnerEvent event = 0; event < _RUNNER_EVENT_MAX; event++) {
                        RunnerTransition t = runner_state_transition(state, event);

                        if (t.next != state || t.actions != 0)
                                g_string_append_printf(found, "%s%s=%s", found->len > 0 ? " " : "",
                                                runner_event_to_string(event),
                                                t.next == state ? "." : runner_state_to_string(t.next));
                }
                g_assert_cmpstr(found->str, ==, expected_table[state]);
        }
}

/* The states that can be reached from one, itself only where something leads back. */
static unsigned reach(RunnerState from)
{
        unsigned reached = 0, before;

        do {
                before = reached;
                for (RunnerState state = 0; state < _RUNNER_STATE_MAX; state++)
                        for (RunnerEvent event = 0; event < _RUNNER_EVENT_MAX; event++) {
                                RunnerTransition t = runner_state_transition(state, event);

                                if ((state == from || (reached & (1U << state))) &&
                                                (t.next != state || t.actions != 0))
                                        reached |= 1U << t.next;
                        }
        } while (reached != before);

        return reached;
}

static void test_each_state_is_reached_and_left(void)
{
        unsigned all = (1U << _RUNNER_STATE_MAX) - 1;

        g_assert_cmpuint(reach(RUNNER_NEW), ==, all & ~(1U << RUNNER_NEW));
        for (RunnerState state = 0; state < RUNNER_FINISHED; state++)
                g_assert_true(reach(state) & (1U << RUNNER_FINISHED));
        g_assert_cmpuint(reach(RUNNER_FINISHED), ==, 0);
}

static void for_each(void (*check)(RunnerState state, RunnerEvent event, RunnerTransition t))
{
        for (RunnerState state = 0; state < _RUNNER_STATE_MAX; state++)
                for (RunnerEvent event = 0; event < _RUNNER_EVENT_MAX; event++)
                        check(state, event, runner_state_transition(state, event));
}

/* The runner itself passes over it where the guest is not ready: one that has ended before, or is being stopped. */
static void check_announced_once(RunnerState state, RunnerEvent event, RunnerTransition t)
{
        bool waited = state == RUNNER_UNREADY && event == RUNNER_EVENT_READY;

        if (!(t.actions & ACTION(ANNOUNCE)))
                return;

        g_assert_true(waited || event == RUNNER_EVENT_GUEST_UP || event == RUNNER_EVENT_GUEST_UP_CLOSED);
        g_assert_true(waited || runner_state_is_beginning(state));
        for (RunnerState later = 0; later < _RUNNER_STATE_MAX; later++)
                if (later == t.next || (reach(t.next) & (1U << later)))
                        g_assert_false(runner_state_is_beginning(later) || later == RUNNER_UNREADY);
}

/* A guest that runs is met, and so in the runner's state, before anything else is done about it. */
static void check_met_once(RunnerState state, RunnerEvent event, RunnerTransition t)
{
        bool up = event == RUNNER_EVENT_GUEST_UP || event == RUNNER_EVENT_GUEST_UP_CLOSED;

        g_assert_cmpint(up && runner_state_is_beginning(state), ==, (t.actions & ACTION(MEET)) != 0);
}

static void test_a_guest_is_met_once(void)
{
        for_each(check_met_once);
}

static void test_a_guest_is_announced_once(void)
{
        for_each(check_announced_once);
}

static void check_one_end(RunnerState state, RunnerEvent event, RunnerTransition t)
{
        bool finishes = t.next == RUNNER_FINISHED && state != RUNNER_FINISHED;
        unsigned told = t.actions & (ACTION(TELL_END) | ACTION(TELL_FAILURE));

        g_assert_cmpint(finishes, ==, told != 0);
        if (finishes)
                g_assert_cmpuint(told, ==,
                                event == RUNNER_EVENT_SETTLED ? ACTION(TELL_END) : ACTION(TELL_FAILURE));
        if (event == RUNNER_EVENT_FAILED)
                g_assert_cmpint(t.next, ==, RUNNER_FINISHED);
}

static void test_a_run_has_one_end(void)
{
        for_each(check_one_end);
}

/* While one helper stops the domain no second is asked to, and who enters the state asks. */
static void check_stop(RunnerState state, RunnerEvent event, RunnerTransition t)
{
        bool was = state == RUNNER_STOPPING || state == RUNNER_STOPPING_CLOSED;
        bool is = t.next == RUNNER_STOPPING || t.next == RUNNER_STOPPING_CLOSED;

        g_assert_cmpint(!was && is, ==, (t.actions & ACTION(STOP_DOMAIN)) != 0);
}

static void test_one_helper_stops(void)
{
        for_each(check_stop);
}

static void test_a_stop_is_heeded(void)
{
        for (RunnerState state = 0; state < RUNNER_FINISHED; state++) {
                RunnerState next = runner_state_transition(state, RUNNER_EVENT_STOP_REQUESTED).next;

                g_assert_true(next == RUNNER_CANCELLING || next == RUNNER_STOPPING || next == RUNNER_RETRYING ||
                              next == RUNNER_STOPPING_CLOSED || next == RUNNER_DRAINING || next == RUNNER_ENDED);
        }
        /* … which goes on to one that stops it, however the start ends. */
        g_assert_false(reach(RUNNER_CANCELLING) & (1U << RUNNER_RUNNING));
}

/* One action may feed the next event, and then is the last. */
static void check_feeding_is_last(RunnerState state, RunnerEvent event, RunnerTransition t)
{
        unsigned feeding = t.actions & (ACTION(START) | ACTION(ADOPT) | ACTION(START_AGAIN) | ACTION(REVIEW) |
                                        ACTION(STOP_DOMAIN) | ACTION(AWAIT_NETWORK) | ACTION(AWAIT_CONSOLE) |
                                        ACTION(WEIGH) | ACTION(AWAIT_READY));

        if (feeding != 0)
                g_assert_cmpuint(t.actions, <, feeding << 1);
        g_assert_cmpuint(feeding & (feeding - 1), ==, 0);
}

static void test_an_action_that_feeds_is_the_last(void)
{
        for_each(check_feeding_is_last);
}

/* Events, and the states that they lead to, in turn; then all that was done. */
typedef struct Life {
        const char *name;
        const char *events;
        const char *states;
        unsigned actions;
} Life;

#define TO_WAIT (ACTION(START) | ACTION(MEET) | ACTION(AWAIT_READY))
#define TO_RUN  (TO_WAIT | ACTION(ANNOUNCE) | ACTION(REVIEW))
#define TO_BACK (ACTION(ADOPT) | ACTION(MEET) | ACTION(AWAIT_READY) | ACTION(ANNOUNCE) | ACTION(REVIEW))
#define TO_END  (ACTION(WEIGH) | ACTION(TELL_END))

static const Life lives[] = {
        {"exits", "start guest-up ready console-closed told settled",
                        "starting unready running ended ended finished",
                        TO_RUN | TO_END},
        {"exits-before-it-is-known-to-run", "start console-closed guest-up-closed settled",
                        "starting starting ended finished",
                        ACTION(START) | ACTION(MEET) | ACTION(ANNOUNCE) | TO_END},
        {"is-adopted-and-exits", "adopt guest-up ready console-closed told settled",
                        "adopting unready running ended ended finished", TO_BACK | TO_END},
        {"is-adopted-after-its-exit", "adopt console-closed told guest-up settled",
                        "adopting adopting-closed adopting-closed ended finished",
                        ACTION(ADOPT) | ACTION(MEET) | ACTION(ANNOUNCE) | TO_END},
        {"is-adopted-and-not-there", "adopt domain-gone console-closed settled",
                        "adopting draining ended finished", ACTION(ADOPT) | ACTION(AWAIT_CONSOLE) | TO_END},
        {"is-stopped", "start guest-up ready stop-requested console-closed stop-done settled",
                        "starting unready running stopping stopping-closed ended finished",
                        TO_RUN | ACTION(STOP_DOMAIN) | TO_END},
        {"is-stopped-and-writes-on", "start guest-up ready stop-requested stop-done console-closed settled",
                        "starting unready running stopping draining ended finished",
                        TO_RUN | ACTION(STOP_DOMAIN) | ACTION(AWAIT_CONSOLE) | TO_END},
        {"is-stopped-while-it-starts", "start stop-requested guest-up stop-done console-closed settled",
                        "starting cancelling stopping draining ended finished",
                        ACTION(START) | ACTION(SHORTEN_START) | ACTION(MEET) | ACTION(ANNOUNCE) | ACTION(STOP_DOMAIN) |
                                        ACTION(AWAIT_CONSOLE) | TO_END},
        {"is-stopped-while-its-start-fails", "start stop-requested start-refused stop-done console-closed settled",
                        "starting cancelling stopping draining ended finished",
                        ACTION(START) | ACTION(SHORTEN_START) | ACTION(STOP_DOMAIN) | ACTION(AWAIT_CONSOLE) |
                                        TO_END},
        {"is-stopped-before-its-start", "stop-requested stop-done console-closed settled",
                        "stopping draining ended finished",
                        ACTION(STOP_DOMAIN) | ACTION(AWAIT_CONSOLE) | TO_END},
        {"is-stopped-while-it-is-adopted", "adopt stop-requested console-closed stop-done settled",
                        "adopting stopping stopping-closed ended finished",
                        ACTION(ADOPT) | ACTION(DROP_ADOPTION) | ACTION(STOP_DOMAIN) | TO_END},
        {"waits-for-a-network", "start network-missing network-due network-missing network-due guest-up ready",
                        "starting awaiting-network starting awaiting-network starting unready running",
                        TO_RUN | ACTION(AWAIT_NETWORK) | ACTION(START_AGAIN)},
        {"is-stopped-while-it-waits-for-a-network",
                        "start network-missing stop-requested stop-done console-closed settled",
                        "starting awaiting-network stopping draining ended finished",
                        ACTION(START) | ACTION(AWAIT_NETWORK) | ACTION(FORGET_NETWORK) | ACTION(STOP_DOMAIN) |
                                        ACTION(AWAIT_CONSOLE) | TO_END},
        {"is-refused", "start start-refused",
                        "starting finished", ACTION(START) | ACTION(TELL_FAILURE)},
        {"cannot-be-stopped", "start guest-up ready stop-requested stop-failed stop-due stop-failed stop-due failed",
                        "starting unready running stopping retrying stopping retrying stopping finished",
                        TO_RUN | ACTION(STOP_DOMAIN) | ACTION(AWAIT_RETRY) | ACTION(TELL_FAILURE)},
        {"ends-between-two-attempts",
                        "start guest-up ready stop-requested stop-failed console-closed stop-due stop-done settled",
                        "starting unready running stopping retrying ended stopping-closed ended finished",
                        TO_RUN | ACTION(STOP_DOMAIN) | ACTION(AWAIT_RETRY) | TO_END},
        {"halts", "start guest-up ready halted halt-due console-closed stop-done settled",
                        "starting unready running halted stopping stopping-closed ended finished",
                        TO_RUN | ACTION(AWAIT_POWER_OFF) | ACTION(STOP_DOMAIN) | TO_END},
        {"halts-and-powers-off", "start guest-up ready halted console-closed settled",
                        "starting unready running halted ended finished",
                        TO_RUN | ACTION(AWAIT_POWER_OFF) | ACTION(FORGET_POWER_OFF) | TO_END},
        {"halts-and-goes-on", "start guest-up ready halted goes-on halt-due",
                        "starting unready running halted running running",
                        TO_RUN | ACTION(AWAIT_POWER_OFF) | ACTION(FORGET_POWER_OFF)},
        {"halts-and-is-stopped-late",
                        "start guest-up ready halted halt-due stop-requested stop-done console-closed settled",
                        "starting unready running halted stopping stopping draining ended finished",
                        TO_RUN | ACTION(AWAIT_POWER_OFF) | ACTION(STOP_DOMAIN) | ACTION(AWAIT_CONSOLE) | TO_END},
        {"is-not-ready-in-time", "start guest-up ready-due console-closed stop-done settled",
                        "starting unready stopping stopping-closed ended finished",
                        TO_WAIT | ACTION(REJECT) | ACTION(STOP_DOMAIN) | TO_END},
        {"exits-before-it-is-ready", "start guest-up halted console-closed settled",
                        "starting unready unready-halted ended finished",
                        TO_WAIT | ACTION(FORGET_READY) | ACTION(AWAIT_POWER_OFF) | ACTION(FORGET_POWER_OFF) |
                                        TO_END},
        {"is-sick", "start guest-up ready sick console-closed stop-done settled",
                        "starting unready running stopping stopping-closed ended finished",
                        TO_RUN | ACTION(REJECT) | ACTION(STOP_DOMAIN) | TO_END},
        {"goes-on-and-is-ready", "start guest-up halted goes-on ready",
                        "starting unready unready-halted unready running",
                        TO_RUN | ACTION(FORGET_READY) | ACTION(AWAIT_POWER_OFF) | ACTION(FORGET_POWER_OFF)},
        {"is-stopped-before-it-is-ready", "start guest-up stop-requested console-closed stop-done ready settled",
                        "starting unready stopping stopping-closed ended ended finished",
                        TO_WAIT | ACTION(FORGET_READY) | ACTION(STOP_DOMAIN) | TO_END},
        {"is-adopted-before-it-is-ready", "adopt guest-up ready-due",
                        "adopting unready stopping",
                        ACTION(ADOPT) | ACTION(MEET) | ACTION(AWAIT_READY) | ACTION(REJECT) | ACTION(STOP_DOMAIN)},
        {"is-paused", "start guest-up ready pause-changed pause-changed stop-requested pause-changed",
                        "starting unready running running running stopping stopping",
                        TO_RUN | ACTION(SHOW_PAUSE) | ACTION(STOP_DOMAIN)},
        {"hangs", "start guest-up ready stop-requested stop-slow console-closed stop-slow stop-done settled",
                        "starting unready running stopping stopping stopping-closed stopping-closed ended finished",
                        TO_RUN | ACTION(STOP_DOMAIN) | ACTION(TELL_SLOW_STOP) | TO_END},
        {"keeps-its-console-open", "start guest-up ready domain-gone timeout settled",
                        "starting unready running draining ended finished",
                        TO_RUN | ACTION(AWAIT_CONSOLE) | TO_END},
        /* What a monitor says that was lost and has come back. */
        {"is-seen-again", "start guest-up ready guest-up stop-requested guest-up",
                        "starting unready running running stopping stopping", TO_RUN | ACTION(STOP_DOMAIN)},
        {"is-over", "start failed console-closed told timeout stop-requested guest-up settled failed",
                        "starting finished finished finished finished finished finished finished finished",
                        ACTION(START) | ACTION(TELL_FAILURE)},
};

static RunnerEvent event_from_string(const char *name)
{
        for (RunnerEvent event = 0; event < _RUNNER_EVENT_MAX; event++)
                if (g_str_equal(runner_event_to_string(event), name))
                        return event;

        g_assert_not_reached();
}

static void test_life(const void *data)
{
        const Life *life = data;
        g_auto(GStrv) events = g_strsplit(life->events, " ", -1), states = g_strsplit(life->states, " ", -1);
        RunnerState state = RUNNER_NEW;
        unsigned actions = 0;

        g_assert_cmpuint(g_strv_length(events), ==, g_strv_length(states));
        for (size_t i = 0; events[i]; i++) {
                RunnerTransition t = runner_state_transition(state, event_from_string(events[i]));

                state = t.next;
                actions |= t.actions;
                g_assert_cmpstr(runner_state_to_string(state), ==, states[i]);
        }
        g_assert_cmphex(actions, ==, life->actions);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/run/state/each-event-in-each-state", test_each_event_in_each_state);
        g_test_add_func("/run/state/each-state-is-reached-and-left", test_each_state_is_reached_and_left);
        g_test_add_func("/run/state/a-guest-is-met-once", test_a_guest_is_met_once);
        g_test_add_func("/run/state/a-guest-is-announced-once", test_a_guest_is_announced_once);
        g_test_add_func("/run/state/a-run-has-one-end", test_a_run_has_one_end);
        g_test_add_func("/run/state/one-helper-stops-the-domain", test_one_helper_stops);
        g_test_add_func("/run/state/a-stop-is-heeded", test_a_stop_is_heeded);
        g_test_add_func("/run/state/an-action-that-feeds-is-the-last", test_an_action_that_feeds_is_the_last);
        for (size_t i = 0; i < G_N_ELEMENTS(lives); i++) {
                g_autofree char *path = g_strconcat("/run/life/", lives[i].name, NULL);

                g_test_add_data_func(path, &lives[i], test_life);
        }
        return g_test_run();
}
