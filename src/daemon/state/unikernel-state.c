/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Derives the state of a unikernel, one enum, from its unit as systemd reports it, what the runner has
 * written about its guest, and whether its definition can be read. Pure; called by unikernel.c. */

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

/* Whether the guest runs although its unit is not active. This excludes a unit that was being stopped. */
static bool unikernel_guest_outlives(const UnitStatus *status, const Guest *guest, UnikernelState before)
{
        /* A unit that has ended also has a guest for a moment longer. */
        if (!guest->lives || !guest->ready || !unikernel_state_is_up(before))
                return false;

        switch (unikernel_state_of_unit(status->active_state)) {
        case UNIKERNEL_STARTING:
                /* Systemd waits before the restart, or the restarted runner is adopting. */
                return unit_status_is_in_pause(status) ||
                       g_strcmp0(status->invocation_id, guest->invocation_id) != 0;
        case UNIKERNEL_STOPPING:
                /* It ended by itself: a requested stop begins as a success. */
                return status->result && !g_str_equal(status->result, "success");
        default:
                /* In transition between the two. */
                return true;
        }
}

UnikernelState unikernel_derive_state(const UnitStatus *status, const Guest *guest, UnikernelState before,
                bool stopping, bool broken)
{
        UnikernelState state = unikernel_state_of_unit(status->active_state);

        /* A stop while systemd waits before a restart may end the guest before systemd reports that there
         * will be no restart. */
        if (stopping && state != UNIKERNEL_RUNNING && (guest->lives || unit_status_is_in_pause(status)))
                return UNIKERNEL_STOPPING;
        if (state == UNIKERNEL_RUNNING || unikernel_guest_outlives(status, guest, before))
                return guest->paused ? UNIKERNEL_PAUSED : UNIKERNEL_RUNNING;
        /* Its runner was killed, and the next one continues to wait. */
        if (guest->lives && !guest->ready && before == UNIKERNEL_STARTING &&
                        (state == UNIKERNEL_FAILED || state == UNIKERNEL_STOPPED))
                return UNIKERNEL_STARTING;
        /* If the definition becomes broken, its unit keeps running. */
        if (broken && (state == UNIKERNEL_STOPPED || state == UNIKERNEL_FAILED))
                return UNIKERNEL_BROKEN;

        return state;
}
