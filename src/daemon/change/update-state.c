/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The transition table of an update, and the verdict on a new generation. */

#include "daemon/change/update-state.h"

#define ANY (-1)

UpdateState update_state_next(UpdateState state, UpdateEvent event)
{
        /* The first row that matches is used. */
        static const struct {
                UpdateState from;
                int event; /* or ANY */
                UpdateState to;
        } transitions[] = {
                        {UPDATE_CHANGING, UPDATE_EVENT_DONE, UPDATE_TRYING},
                        {UPDATE_CHANGING, UPDATE_EVENT_FAILED, UPDATE_ENDED},
                        {UPDATE_CHANGING, UPDATE_EVENT_STOPPED, UPDATE_ENDED},
                        {UPDATE_TRYING, UPDATE_EVENT_DONE, UPDATE_NOTING},
                        {UPDATE_TRYING, ANY, UPDATE_ASKING},
                        {UPDATE_NOTING, ANY, UPDATE_STARTING},
                        {UPDATE_LOOKING, UPDATE_EVENT_DONE, UPDATE_STARTING},
                        {UPDATE_LOOKING, UPDATE_EVENT_READY, UPDATE_PROVING},
                        {UPDATE_LOOKING, ANY, UPDATE_ASKING},
                        {UPDATE_STARTING, UPDATE_EVENT_DONE, UPDATE_PROVING},
                        {UPDATE_STARTING, ANY, UPDATE_ASKING},
                        {UPDATE_PROVING, UPDATE_EVENT_DONE, UPDATE_KEEPING},
                        {UPDATE_PROVING, ANY, UPDATE_ASKING},
                        {UPDATE_ASKING, UPDATE_EVENT_STOPPED, UPDATE_KEEPING},
                        {UPDATE_ASKING, UPDATE_EVENT_FAILED, UPDATE_RETURNING},
                        {UPDATE_ASKING, UPDATE_EVENT_SHUTDOWN, UPDATE_SUSPENDING},
                        {UPDATE_SUSPENDING, ANY, UPDATE_INTERRUPTED},
                        {UPDATE_KEEPING, ANY, UPDATE_RETIRING},
                        {UPDATE_RETURNING, UPDATE_EVENT_DONE, UPDATE_READING},
                        /* The new generation stays, because there is no space for the former one. */
                        {UPDATE_RETURNING, UPDATE_EVENT_FAILED, UPDATE_RETIRING},
                        {UPDATE_READING, ANY, UPDATE_RELOADING},
                        {UPDATE_RELOADING, ANY, UPDATE_RESTARTING},
                        {UPDATE_RESTARTING, ANY, UPDATE_RETIRING},
                        {UPDATE_RETIRING, ANY, UPDATE_CLEARING},
                        {UPDATE_CLEARING, ANY, UPDATE_ENDED},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(transitions); i++)
                if (transitions[i].from == state &&
                                (transitions[i].event == ANY || transitions[i].event == (int) event))
                        return transitions[i].to;

        return _UPDATE_STATE_INVALID;
}

static UpdateVerdict update_judge_end(const UpdateFacts *facts)
{
        return facts->have_end && facts->stopped ? UPDATE_WAS_STOPPED : UPDATE_FAILED;
}

/* The verdict while its guest runs. */
static UpdateVerdict update_judge_guest(const UpdateFacts *facts)
{
        if (facts->old_started > 0 && facts->started == facts->old_started)
                return UPDATE_START;
        /* It was restarted, by Restart= or by somebody. */
        if (facts->new_started > 0 && facts->started != facts->new_started)
                return update_judge_end(facts);

        return facts->due && !facts->failing ? UPDATE_HELD : UPDATE_WAIT;
}

UpdateVerdict update_judge(const UpdateFacts *facts)
{
        switch (facts->state) {
        case UNIKERNEL_RUNNING:
        case UNIKERNEL_PAUSED:
                return update_judge_guest(facts);
        case UNIKERNEL_STOPPING:
                return UPDATE_WAIT;
        case UNIKERNEL_STARTING:
                return facts->new_started > 0 ? update_judge_end(facts) : UPDATE_START;
        case UNIKERNEL_STOPPED:
                /* Between the end of the former guest and the start of the new one. */
                if (facts->new_started == 0 && !facts->have_end)
                        return UPDATE_START;
                return update_judge_end(facts);
        default:
                return update_judge_end(facts);
        }
}
