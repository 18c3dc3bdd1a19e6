/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is to be done with a unikernel with Activation=traffic:
 *
 *     stopped, something is held     start it, if the limit permits; otherwise hold what comes until it does
 *     stopped after our own start    that has failed, and Restart= does not try again: start it once more,
 * after a pause; or if systemd or the limit do not permit that, refuse what is held, and for a while what
 * comes stopped, otherwise             hold what comes changing                       hold what comes ready
 * let it pass, unless we are about to stop it
 *
 * A socket unit does the same: its service is started for what waits again and again, until a limit is
 * reached, and then its clients are refused. Called by service.c. */

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

static WaiterAction waiter_refuse(DemandWaiter *waiter, int64_t now)
{
        waiter->wanted = waiter->tried = waiter->final = false;
        waiter->next = waiter->refused = now + WAITER_REFUSE_USEC;
        return WAITER_REFUSE;
}

static WaiterAction waiter_start(DemandWaiter *waiter, int64_t now)
{
        g_array_append_val(waiter->starts, now);
        waiter->starting = waiter->tried = true;
        waiter->limited = waiter->final = false;
        return WAITER_START;
}

/* Something is held, and no start is in progress. */
static WaiterAction waiter_decide_wanted(DemandWaiter *waiter, unsigned limit, int64_t now)
{
        bool may = waiter_may_start(waiter, limit, now), said = waiter->limited;
        int64_t pause;

        if (waiter->tried && (waiter->final || !may))
                return waiter_refuse(waiter, now);
        if (!may) {
                waiter->limited = true;
                waiter->next = g_array_index(waiter->starts, int64_t, 0) + WINDOW_USEC;
                return said ? WAITER_HOLD : WAITER_LIMIT;
        }
        pause = waiter->tried && waiter->starts->len > 0
                                ? g_array_index(waiter->starts, int64_t, waiter->starts->len - 1) +
                                                  WAITER_PAUSE_USEC
                                : 0;
        if (pause > now) {
                waiter->next = pause;
                return WAITER_HOLD;
        }
        return waiter_start(waiter, now);
}

static WaiterAction waiter_decide_stopped(DemandWaiter *waiter, unsigned limit, int64_t now)
{
        waiter->stopping = false;
        /* Its job is in the queue. */
        if (waiter->starting)
                return WAITER_HOLD;
        if (waiter->refused > now) {
                waiter->wanted = false;
                waiter->next = waiter->refused;
                return WAITER_REFUSE_STILL;
        }
        waiter->refused = 0;
        if (waiter->wanted)
                return waiter_decide_wanted(waiter, limit, now);
        waiter->tried = false;
        return WAITER_HOLD;
}

WaiterAction waiter_decide(DemandWaiter *waiter, unsigned limit, int64_t now)
{
        waiter->next = INT64_MAX;
        switch (waiter->state) {
        case WAITER_STOPPED:
                return waiter_decide_stopped(waiter, limit, now);
        case WAITER_CHANGING:
                waiter->refused = 0;
                return WAITER_HOLD;
        case WAITER_READY:
                if (waiter->stopping)
                        return WAITER_NOTHING;
                waiter->wanted = waiter->tried = false;
                waiter->refused = 0;
                return WAITER_OPEN;
        default:
                return WAITER_NOTHING;
        }
}

void waiter_job_ended(DemandWaiter *waiter)
{
        waiter->starting = waiter->stopping = false;
}

void waiter_changed(DemandWaiter *waiter)
{
        waiter->refused = 0;
        waiter->tried = waiter->final = false;
}
