/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The transition table of a change. */

#include "daemon/change/change-state.h"

#include <stddef.h>

#define ANY (-1)

/* The first row that matches is used. */
static const struct {
        ChangeState from;
        int event;      /* or ANY */
        unsigned needs; /* needs all of these; 0 matches any */
        ChangeState to;
} transitions[] = {
                {CHANGE_NEW, CHANGE_EVENT_FAILED, 0, CHANGE_ENDED},
                {CHANGE_NEW, CHANGE_EVENT_DONE, CHANGE_NEEDS_NETWORKS, CHANGE_LISTING_NETWORKS},
                {CHANGE_NEW, CHANGE_EVENT_DONE, 0, CHANGE_WORKING},
                {CHANGE_LISTING_NETWORKS, CHANGE_EVENT_DONE, 0, CHANGE_WORKING},
                /* It is created anyway: a missing network is reported at the start. */
                {CHANGE_LISTING_NETWORKS, CHANGE_EVENT_FAILED, 0, CHANGE_WORKING},
                {CHANGE_WORKING, CHANGE_EVENT_NEEDS_ADMINISTER, 0, CHANGE_AUTHORIZING},
                {CHANGE_WORKING, CHANGE_EVENT_FAILED, 0, CHANGE_ENDED},
                {CHANGE_WORKING, CHANGE_EVENT_UNWRITTEN, 0, CHANGE_ENDED},
                {CHANGE_WORKING, CHANGE_EVENT_DONE, CHANGE_NEEDS_ALLOCATE, CHANGE_ALLOCATING},
                {CHANGE_WORKING, CHANGE_EVENT_DONE, CHANGE_NEEDS_RELEASE, CHANGE_RELEASING},
                {CHANGE_WORKING, CHANGE_EVENT_DONE, 0, CHANGE_WRITTEN},
                {CHANGE_AUTHORIZING, CHANGE_EVENT_DONE, 0, CHANGE_WORKING},
                {CHANGE_AUTHORIZING, CHANGE_EVENT_FAILED, 0, CHANGE_ENDED},
                {CHANGE_ALLOCATING, CHANGE_EVENT_DONE, 0, CHANGE_WRITTEN},
                {CHANGE_ALLOCATING, CHANGE_EVENT_FAILED, 0, CHANGE_UNDOING},
                {CHANGE_RELEASING, ANY, 0, CHANGE_WRITTEN},
                {CHANGE_UNDOING, ANY, 0, CHANGE_GIVING_BACK},
                {CHANGE_GIVING_BACK, ANY, 0, CHANGE_ENDED},
                {CHANGE_WRITTEN, CHANGE_EVENT_DONE, CHANGE_NEEDS_FORGET, CHANGE_FORGETTING},
                {CHANGE_WRITTEN, CHANGE_EVENT_DONE, 0, CHANGE_READING},
                {CHANGE_FORGETTING, CHANGE_EVENT_DONE, 0, CHANGE_FETCHING},
                /* systemd did not know the unit, or cannot be asked. */
                {CHANGE_FORGETTING, CHANGE_EVENT_FAILED, 0, CHANGE_READING},
                {CHANGE_FETCHING, ANY, 0, CHANGE_READING},
                {CHANGE_READING, CHANGE_EVENT_DONE, CHANGE_NEEDS_RELOAD, CHANGE_RELOADING},
                {CHANGE_READING, CHANGE_EVENT_DONE, 0, CHANGE_ENDED},
                {CHANGE_RELOADING, ANY, 0, CHANGE_ENDED},
};

ChangeState change_state_next(ChangeState state, ChangeEvent event, unsigned needs)
{
        for (size_t i = 0; i < sizeof transitions / sizeof transitions[0]; i++)
                if (transitions[i].from == state &&
                                (transitions[i].event == ANY || transitions[i].event == (int) event) &&
                                (needs & transitions[i].needs) == transitions[i].needs)
                        return transitions[i].to;

        return _CHANGE_STATE_INVALID;
}

bool change_state_is_worked(ChangeState state)
{
        return state >= CHANGE_ALLOCATING && state < CHANGE_ENDED;
}
