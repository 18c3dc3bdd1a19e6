/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is to be done with a unikernel with Activation=traffic:
 *
 *     stopped, something is held     start it, if the limit permits, else drop what is held
 *     stopped after our own start    that has failed, and Restart= does not try again: drop what is held
 *     stopped, otherwise             hold what comes
 *     changing                       hold what comes
 *     ready                          let it pass, unless we are about to stop it
 *
 * Called by service.c. */

#include "demand/waiter.h"

#define WINDOW_USEC (60 * G_USEC_PER_SEC)

WaiterState waiter_state_from_unit(const char *active_state)
{
        if (g_str_equal(active_state, "active") || g_str_equal(active_state, "reloading") ||
                        g_str_equal(active_state, "refreshing"))
                return WAITER_READY;
        return g_str_equal(active_state, "inactive") || g_str_equal(active_state, "failed")
                               ? WAITER_STOPPED
                               : WAITER_CHANGING;
}

void waiter_init(DemandWaiter *waiter)
{
        *waiter = (DemandWaiter){.starts = g_array_new(FALSE, FALSE, sizeof(int64_t))};
}

void waiter_clear(DemandWaiter *waiter)
{
        g_clear_pointer(&waiter->starts, g_array_unref);
}

static bool waiter_may_start(DemandWaiter *waiter, unsigned limit, int64_t now)
{
        while (waiter->starts->len > 0 && g_array_index(waiter->starts, int64_t, 0) <= now - WINDOW_USEC)
                g_array_remove_index(waiter->starts, 0);
        return waiter->starts->len < limit;
}

static WaiterAction waiter_decide_stopped(DemandWaiter *waiter, unsigned limit, int64_t now)
{
        bool failed = waiter->tried;

        waiter->stopping = false;
        /* Its job is in the queue. */
        if (waiter->starting)
                return WAITER_HOLD;
        waiter->tried = false;
        if (!waiter->wanted)
                return WAITER_HOLD;
        if (!failed && waiter_may_start(waiter, limit, now)) {
                g_array_append_val(waiter->starts, now);
                waiter->starting = waiter->tried = true;
                waiter->limited = false;
                return WAITER_START;
        }

        waiter->wanted = false;
        if (failed)
                return WAITER_FAILED;
        if (waiter->limited)
                return WAITER_AGAIN;
        waiter->limited = true;
        return WAITER_LIMIT;
}

WaiterAction waiter_decide(DemandWaiter *waiter, unsigned limit, int64_t now)
{
        switch (waiter->state) {
        case WAITER_STOPPED:
                return waiter_decide_stopped(waiter, limit, now);
        case WAITER_CHANGING:
                return WAITER_HOLD;
        case WAITER_READY:
                if (waiter->stopping)
                        return WAITER_NOTHING;
                waiter->wanted = waiter->tried = false;
                return WAITER_OPEN;
        default:
                return WAITER_NOTHING;
        }
}

void waiter_job_ended(DemandWaiter *waiter)
{
        waiter->starting = waiter->stopping = false;
}
