/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The transition table of a twin. */

#include "daemon/change/rolling-state.h"

#include <glib.h>

#define ANY (-1)

RollingState rolling_state_next(RollingState state, RollingEvent event)
{
        /* The first row that matches is used. */
        static const struct {
                RollingState from;
                int event; /* or ANY */
                RollingState to;
        } transitions[] = {
                        {ROLLING_WRITING, ROLLING_EVENT_DONE, ROLLING_READING},
                        {ROLLING_READING, ROLLING_EVENT_DONE, ROLLING_RELOADING},
                        {ROLLING_RELOADING, ROLLING_EVENT_DONE, ROLLING_STARTING},
                        {ROLLING_STARTING, ROLLING_EVENT_DONE, ROLLING_PROVING},
                        {ROLLING_PROVING, ROLLING_EVENT_DONE, ROLLING_MOVING},
                        {ROLLING_MOVING, ROLLING_EVENT_DONE, ROLLING_DRAINING},
                        {ROLLING_WRITING, ROLLING_EVENT_FAILED, ROLLING_FAILED},
                        {ROLLING_READING, ROLLING_EVENT_FAILED, ROLLING_FAILED},
                        {ROLLING_RELOADING, ROLLING_EVENT_FAILED, ROLLING_FAILED},
                        {ROLLING_STARTING, ROLLING_EVENT_FAILED, ROLLING_FAILED},
                        {ROLLING_PROVING, ROLLING_EVENT_FAILED, ROLLING_FAILED},
                        {ROLLING_MOVING, ROLLING_EVENT_FAILED, ROLLING_FAILED},
                        /* The twin has ended meanwhile: the unikernel itself is led to again. */
                        {ROLLING_DRAINING, ROLLING_EVENT_FAILED, ROLLING_FAILED},
                        {ROLLING_DRAINING, ROLLING_EVENT_DONE, ROLLING_SERVING},
                        {ROLLING_LEAVING, ROLLING_EVENT_DONE, ROLLING_EMPTYING},
                        /* Its ports still lead to the twin: nothing is gained by waiting. */
                        {ROLLING_LEAVING, ROLLING_EVENT_FAILED, ROLLING_STOPPING},
                        {ROLLING_EMPTYING, ANY, ROLLING_STOPPING},
                        {ROLLING_STOPPING, ROLLING_EVENT_DONE, ROLLING_REMOVING},
                        /* It is tried again when shruthid starts the next time. */
                        {ROLLING_STOPPING, ROLLING_EVENT_FAILED, ROLLING_ENDED},
                        {ROLLING_REMOVING, ANY, ROLLING_FORGETTING},
                        {ROLLING_FORGETTING, ANY, ROLLING_UNLOADING},
                        {ROLLING_UNLOADING, ANY, ROLLING_RELEASING},
                        {ROLLING_RELEASING, ANY, ROLLING_ENDED},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(transitions); i++)
                if (transitions[i].from == state &&
                                (transitions[i].event == ANY || transitions[i].event == (int) event))
                        return transitions[i].to;

        return _ROLLING_STATE_INVALID;
}
