/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The state of a unikernel: one enum, derived in one place from what systemd says about its unit, what the
 * runner has written about its guest, and whether its definition can be read. Pure; called by
 * unikernel.c. */

#include <string.h>

#include "daemon/state/unikernel.h"

#include "common/string-util.h"

static const char *const unikernel_state_table[_UNIKERNEL_STATE_MAX] = {
                [UNIKERNEL_STOPPED] = "stopped",
                [UNIKERNEL_STARTING] = "starting",
                [UNIKERNEL_RUNNING] = "running",
                [UNIKERNEL_PAUSED] = "paused",
                [UNIKERNEL_STOPPING] = "stopping",
                [UNIKERNEL_FAILED] = "failed",
                [UNIKERNEL_BROKEN] = "broken",
};

DEFINE_STRING_TABLE(unikernel_state, UnikernelState, unikernel_state_table, _UNIKERNEL_STATE_MAX)

bool unikernel_state_is_up(UnikernelState state)
{
        return state == UNIKERNEL_RUNNING || state == UNIKERNEL_PAUSED;
}

UnikernelState unikernel_state_of_unit(const char *active_state)
{
        /* systemd's words (org.freedesktop.systemd1(5), ActiveState). */
        if (g_strcmp0(active_state, "active") == 0 || g_strcmp0(active_state, "reloading") == 0 ||
                        g_strcmp0(active_state, "refreshing") == 0)
                return UNIKERNEL_RUNNING;
        if (g_strcmp0(active_state, "activating") == 0)
                return UNIKERNEL_STARTING;
        if (g_strcmp0(active_state, "deactivating") == 0)
                return UNIKERNEL_STOPPING;

        return g_strcmp0(active_state, "failed") == 0 ? UNIKERNEL_FAILED : UNIKERNEL_STOPPED;
}

/* Whether systemd waits before it starts the unit again. */
static bool unit_status_is_in_pause(const UnitStatus *status)
{
        return g_strcmp0(status->sub_state, "auto-restart") == 0;
}

/* Whether the guest runs although its unit is not active. A unit that was being stopped is no such one. */
static bool unikernel_guest_outlives(const UnitStatus *status, const Guest *guest, UnikernelState before)
{
        /* What has ended has a guest for a moment longer, too. */
        if (!guest->lives || !guest->ready || !unikernel_state_is_up(before))
                return false;

        switch (unikernel_state_of_unit(status->active_state)) {
        case UNIKERNEL_STARTING:
                /* The pause before the restart, or the runner after it, which adopts. */
                return unit_status_is_in_pause(status) ||
                       g_strcmp0(status->invocation_id, guest->invocation_id) != 0;
        case UNIKERNEL_STOPPING:
                /* By itself: a stop that somebody asked for begins as a success. */
                return status->result && !g_str_equal(status->result, "success");
        default:
                /* On the way from the one to the other. */
                return true;
        }
}

UnikernelState unikernel_derive_state(const UnitStatus *status, const Guest *guest, UnikernelState before,
                bool stopping, bool broken)
{
        UnikernelState state = unikernel_state_of_unit(status->active_state);

        /* A stop in the pause before a restart may end the guest before systemd says that there will be no
         * restart. */
        if (stopping && state != UNIKERNEL_RUNNING && (guest->lives || unit_status_is_in_pause(status)))
                return UNIKERNEL_STOPPING;
        if (state == UNIKERNEL_RUNNING || unikernel_guest_outlives(status, guest, before))
                return guest->paused ? UNIKERNEL_PAUSED : UNIKERNEL_RUNNING;
        /* Its runner was killed, and the next one goes on waiting. */
        if (guest->lives && !guest->ready && before == UNIKERNEL_STARTING &&
                        (state == UNIKERNEL_FAILED || state == UNIKERNEL_STOPPED))
                return UNIKERNEL_STARTING;
        /* Its unit runs on when a definition breaks. */
        if (broken && (state == UNIKERNEL_STOPPED || state == UNIKERNEL_FAILED))
                return UNIKERNEL_BROKEN;

        return state;
}
