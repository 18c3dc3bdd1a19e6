/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The life of a run as a table. Called by the runner for each event. */

#include "run/runner-state.h"

#include <glib.h>

#define TO(state, actions) {.next = RUNNER_##state, (actions)}
#define ON(event)          [RUNNER_EVENT_##event]
#define DO(action)         RUNNER_ACTION_##action

/* An event that is missing here means nothing. Nothing leads back to RUNNER_NEW, which is 0. */
static const RunnerTransition transition_table[_RUNNER_STATE_MAX][_RUNNER_EVENT_MAX] = {
        [RUNNER_NEW] = {
                ON(START) = TO(STARTING, DO(START)),
                ON(ADOPT) = TO(ADOPTING, DO(ADOPT)),
                /* There is no guest, but perhaps the domain of an earlier run. */
                ON(STOP_REQUESTED) = TO(STOPPING, DO(STOP_DOMAIN)),
                ON(FAILED) = TO(FINISHED, DO(TELL_FAILURE)),
        },
        [RUNNER_STARTING] = {
                ON(NETWORK_MISSING) = TO(AWAITING_NETWORK, DO(AWAIT_NETWORK)),
                ON(START_REFUSED) = TO(FINISHED, DO(TELL_FAILURE)),
                ON(GUEST_UP) = TO(UNREADY, DO(MEET) | DO(AWAIT_READY)),
                ON(GUEST_UP_CLOSED) = TO(ENDED, DO(MEET) | DO(ANNOUNCE) | DO(WEIGH)),
                ON(STOP_REQUESTED) = TO(CANCELLING, DO(SHORTEN_START)),
                ON(FAILED) = TO(FINISHED, DO(TELL_FAILURE)),
        },
        [RUNNER_AWAITING_NETWORK] = {
                ON(NETWORK_DUE) = TO(STARTING, DO(START_AGAIN)),
                ON(STOP_REQUESTED) = TO(STOPPING, DO(FORGET_NETWORK) | DO(STOP_DOMAIN)),
                ON(FAILED) = TO(FINISHED, DO(TELL_FAILURE)),
        },
        [RUNNER_CANCELLING] = {
                ON(START_REFUSED) = TO(STOPPING, DO(STOP_DOMAIN)),
                ON(GUEST_UP) = TO(STOPPING, DO(MEET) | DO(ANNOUNCE) | DO(STOP_DOMAIN)),
                ON(GUEST_UP_CLOSED) = TO(ENDED, DO(MEET) | DO(ANNOUNCE) | DO(WEIGH)),
                ON(FAILED) = TO(FINISHED, DO(TELL_FAILURE)),
        },
        [RUNNER_ADOPTING] = {
                ON(START_REFUSED) = TO(FINISHED, DO(TELL_FAILURE)),
                ON(GUEST_UP) = TO(UNREADY, DO(MEET) | DO(AWAIT_READY)),
                ON(GUEST_UP_CLOSED) = TO(ENDED, DO(MEET) | DO(ANNOUNCE) | DO(WEIGH)),
                ON(STOP_REQUESTED) = TO(STOPPING, DO(DROP_ADOPTION) | DO(STOP_DOMAIN)),
                ON(DOMAIN_GONE) = TO(DRAINING, DO(AWAIT_CONSOLE)),
                ON(CONSOLE_CLOSED) = TO(ADOPTING_CLOSED, DO(WEIGH)),
                ON(PAUSE_CHANGED) = TO(ADOPTING, DO(SHOW_PAUSE)),
                ON(FAILED) = TO(FINISHED, DO(TELL_FAILURE)),
        },
        [RUNNER_ADOPTING_CLOSED] = {
                ON(START_REFUSED) = TO(FINISHED, DO(TELL_FAILURE)),
                ON(GUEST_UP) = TO(ENDED, DO(MEET) | DO(ANNOUNCE) | DO(WEIGH)),
                ON(GUEST_UP_CLOSED) = TO(ENDED, DO(MEET) | DO(ANNOUNCE) | DO(WEIGH)),
                ON(STOP_REQUESTED) = TO(ENDED, DO(DROP_ADOPTION) | DO(WEIGH)),
                ON(DOMAIN_GONE) = TO(ENDED, DO(WEIGH)),
                ON(TOLD) = TO(ADOPTING_CLOSED, DO(WEIGH)),
                ON(TIMEOUT) = TO(ADOPTING_CLOSED, DO(WEIGH)),
                ON(PAUSE_CHANGED) = TO(ADOPTING_CLOSED, DO(SHOW_PAUSE)),
                ON(SETTLED) = TO(FINISHED, DO(TELL_END)),
                ON(FAILED) = TO(FINISHED, DO(TELL_FAILURE)),
        },
        [RUNNER_UNREADY] = {
                ON(READY) = TO(RUNNING, DO(ANNOUNCE) | DO(REVIEW)),
                ON(READY_DUE) = TO(STOPPING, DO(REJECT) | DO(STOP_DOMAIN)),
                ON(HALTED) = TO(UNREADY_HALTED, DO(FORGET_READY) | DO(AWAIT_POWER_OFF)),
                ON(STOP_REQUESTED) = TO(STOPPING, DO(FORGET_READY) | DO(STOP_DOMAIN)),
                ON(DOMAIN_GONE) = TO(DRAINING, DO(FORGET_READY) | DO(AWAIT_CONSOLE)),
                ON(CONSOLE_CLOSED) = TO(ENDED, DO(FORGET_READY) | DO(WEIGH)),
                ON(PAUSE_CHANGED) = TO(UNREADY, DO(SHOW_PAUSE)),
                ON(FAILED) = TO(FINISHED, DO(TELL_FAILURE)),
        },
        [RUNNER_UNREADY_HALTED] = {
                ON(GOES_ON) = TO(UNREADY, DO(FORGET_POWER_OFF) | DO(AWAIT_READY)),
                ON(HALT_DUE) = TO(STOPPING, DO(STOP_DOMAIN)),
                ON(STOP_REQUESTED) = TO(STOPPING, DO(FORGET_POWER_OFF) | DO(STOP_DOMAIN)),
                ON(DOMAIN_GONE) = TO(DRAINING, DO(FORGET_POWER_OFF) | DO(AWAIT_CONSOLE)),
                ON(CONSOLE_CLOSED) = TO(ENDED, DO(FORGET_POWER_OFF) | DO(WEIGH)),
                ON(PAUSE_CHANGED) = TO(UNREADY_HALTED, DO(SHOW_PAUSE)),
                ON(FAILED) = TO(FINISHED, DO(TELL_FAILURE)),
        },
        [RUNNER_RUNNING] = {
                ON(HALTED) = TO(HALTED, DO(AWAIT_POWER_OFF)),
                ON(STOP_REQUESTED) = TO(STOPPING, DO(STOP_DOMAIN)),
                ON(DOMAIN_GONE) = TO(DRAINING, DO(AWAIT_CONSOLE)),
                ON(CONSOLE_CLOSED) = TO(ENDED, DO(WEIGH)),
                ON(SICK) = TO(STOPPING, DO(REJECT) | DO(STOP_DOMAIN)),
                ON(PAUSE_CHANGED) = TO(RUNNING, DO(SHOW_PAUSE)),
                ON(FAILED) = TO(FINISHED, DO(TELL_FAILURE)),
        },
        [RUNNER_HALTED] = {
                ON(GOES_ON) = TO(RUNNING, DO(FORGET_POWER_OFF)),
                ON(HALT_DUE) = TO(STOPPING, DO(STOP_DOMAIN)),
                ON(STOP_REQUESTED) = TO(STOPPING, DO(FORGET_POWER_OFF) | DO(STOP_DOMAIN)),
                ON(DOMAIN_GONE) = TO(DRAINING, DO(FORGET_POWER_OFF) | DO(AWAIT_CONSOLE)),
                ON(CONSOLE_CLOSED) = TO(ENDED, DO(FORGET_POWER_OFF) | DO(WEIGH)),
                ON(PAUSE_CHANGED) = TO(HALTED, DO(SHOW_PAUSE)),
                ON(FAILED) = TO(FINISHED, DO(TELL_FAILURE)),
        },
        [RUNNER_STOPPING] = {
                ON(STOP_DONE) = TO(DRAINING, DO(AWAIT_CONSOLE)),
                ON(STOP_FAILED) = TO(RETRYING, DO(AWAIT_RETRY)),
                ON(STOP_SLOW) = TO(STOPPING, DO(TELL_SLOW_STOP)),
                ON(CONSOLE_CLOSED) = TO(STOPPING_CLOSED, 0),
                ON(PAUSE_CHANGED) = TO(STOPPING, DO(SHOW_PAUSE)),
                ON(FAILED) = TO(FINISHED, DO(TELL_FAILURE)),
        },
        [RUNNER_RETRYING] = {
                ON(STOP_DUE) = TO(STOPPING, DO(STOP_DOMAIN)),
                ON(STOP_SLOW) = TO(RETRYING, DO(TELL_SLOW_STOP)),
                ON(DOMAIN_GONE) = TO(DRAINING, DO(AWAIT_CONSOLE)),
                ON(CONSOLE_CLOSED) = TO(ENDED, DO(WEIGH)),
                ON(PAUSE_CHANGED) = TO(RETRYING, DO(SHOW_PAUSE)),
                ON(FAILED) = TO(FINISHED, DO(TELL_FAILURE)),
        },
        [RUNNER_STOPPING_CLOSED] = {
                ON(STOP_DONE) = TO(ENDED, DO(WEIGH)),
                ON(STOP_FAILED) = TO(ENDED, DO(WEIGH)),
                ON(STOP_SLOW) = TO(STOPPING_CLOSED, DO(TELL_SLOW_STOP)),
                ON(PAUSE_CHANGED) = TO(STOPPING_CLOSED, DO(SHOW_PAUSE)),
                ON(FAILED) = TO(FINISHED, DO(TELL_FAILURE)),
        },
        [RUNNER_DRAINING] = {
                ON(CONSOLE_CLOSED) = TO(ENDED, DO(WEIGH)),
                ON(TIMEOUT) = TO(ENDED, DO(WEIGH)),
                ON(PAUSE_CHANGED) = TO(DRAINING, DO(SHOW_PAUSE)),
                ON(FAILED) = TO(FINISHED, DO(TELL_FAILURE)),
        },
        [RUNNER_ENDED] = {
                ON(STOP_REQUESTED) = TO(ENDED, DO(WEIGH)),
                /* The last attempt had failed before the console was closed. */
                ON(STOP_DUE) = TO(STOPPING_CLOSED, DO(STOP_DOMAIN)),
                ON(TOLD) = TO(ENDED, DO(WEIGH)),
                ON(TIMEOUT) = TO(ENDED, DO(WEIGH)),
                ON(PAUSE_CHANGED) = TO(ENDED, DO(SHOW_PAUSE)),
                ON(SETTLED) = TO(FINISHED, DO(TELL_END)),
                ON(FAILED) = TO(FINISHED, DO(TELL_FAILURE)),
        },
        /* RUNNER_FINISHED: nothing follows. */
};

#undef TO
#undef ON
#undef DO

RunnerTransition runner_state_transition(RunnerState state, RunnerEvent event)
{
        RunnerTransition transition = transition_table[state][event];

        return transition.next == RUNNER_NEW ? (RunnerTransition){.next = state} : transition;
}

bool runner_state_is_beginning(RunnerState state)
{
        return state == RUNNER_STARTING || state == RUNNER_CANCELLING || state == RUNNER_ADOPTING ||
               state == RUNNER_ADOPTING_CLOSED;
}

const char *runner_state_to_string(RunnerState state)
{
        static const char *const table[_RUNNER_STATE_MAX] = {
                [RUNNER_NEW] = "new",
                [RUNNER_STARTING] = "starting",
                [RUNNER_AWAITING_NETWORK] = "awaiting-network",
                [RUNNER_CANCELLING] = "cancelling",
                [RUNNER_ADOPTING] = "adopting",
                [RUNNER_ADOPTING_CLOSED] = "adopting-closed",
                [RUNNER_UNREADY] = "unready",
                [RUNNER_UNREADY_HALTED] = "unready-halted",
                [RUNNER_RUNNING] = "running",
                [RUNNER_HALTED] = "halted",
                [RUNNER_STOPPING] = "stopping",
                [RUNNER_RETRYING] = "retrying",
                [RUNNER_STOPPING_CLOSED] = "stopping-closed",
                [RUNNER_DRAINING] = "draining",
                [RUNNER_ENDED] = "ended",
                [RUNNER_FINISHED] = "finished",
        };

        return table[state];
}

const char *runner_event_to_string(RunnerEvent event)
{
        static const char *const table[_RUNNER_EVENT_MAX] = {
                [RUNNER_EVENT_START] = "start",
                [RUNNER_EVENT_ADOPT] = "adopt",
                [RUNNER_EVENT_NETWORK_MISSING] = "network-missing",
                [RUNNER_EVENT_NETWORK_DUE] = "network-due",
                [RUNNER_EVENT_START_REFUSED] = "start-refused",
                [RUNNER_EVENT_GUEST_UP] = "guest-up",
                [RUNNER_EVENT_GUEST_UP_CLOSED] = "guest-up-closed",
                [RUNNER_EVENT_READY] = "ready",
                [RUNNER_EVENT_READY_DUE] = "ready-due",
                [RUNNER_EVENT_SICK] = "sick",
                [RUNNER_EVENT_HALTED] = "halted",
                [RUNNER_EVENT_GOES_ON] = "goes-on",
                [RUNNER_EVENT_HALT_DUE] = "halt-due",
                [RUNNER_EVENT_STOP_REQUESTED] = "stop-requested",
                [RUNNER_EVENT_STOP_DONE] = "stop-done",
                [RUNNER_EVENT_STOP_FAILED] = "stop-failed",
                [RUNNER_EVENT_STOP_DUE] = "stop-due",
                [RUNNER_EVENT_STOP_SLOW] = "stop-slow",
                [RUNNER_EVENT_DOMAIN_GONE] = "domain-gone",
                [RUNNER_EVENT_CONSOLE_CLOSED] = "console-closed",
                [RUNNER_EVENT_TOLD] = "told",
                [RUNNER_EVENT_TIMEOUT] = "timeout",
                [RUNNER_EVENT_PAUSE_CHANGED] = "pause-changed",
                [RUNNER_EVENT_SETTLED] = "settled",
                [RUNNER_EVENT_FAILED] = "failed",
        };

        return table[event];
}
