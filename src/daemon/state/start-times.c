/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* When what happened in a start: GetStartTimes(). Of what shruthid sees itself only the last start that it
 * was asked for is kept, and that in memory alone: a start needs no shruthid, so it is never the whole
 * story. */

#include "daemon/state/start-times.h"

#include "common/names.h"
#include "common/paths.h"
#include "daemon/access/call.h"
#include "daemon/bus/unikernel-bus.h"
#include "daemon/state/systemd.h"
#include "unikernel/run-state.h"

struct StartTimes {
        char *invocation_id; /* the run that it led to */
        Timestamps timestamps;
};

StartTimes *start_times_free(StartTimes *times)
{
        if (times)
                g_free(times->invocation_id);
        g_free(times);
        return NULL;
}

void start_times_keep(Manager *manager, const char *name, const char *before, const Timestamps *timestamps)
{
        Unikernel *unikernel = unikernel_get(manager, name);
        const char *now = unikernel ? unikernel->status.invocation_id : NULL;

        /* Stopped, or it ran already. */
        if (!now || !*now || g_strcmp0(before, now) == 0)
                return;

        start_times_free(unikernel->start_times);
        unikernel->start_times = g_new(StartTimes, 1);
        *unikernel->start_times = (StartTimes){.invocation_id = g_strdup(now), .timestamps = *timestamps};
}

typedef struct Asked {
        Call *call;
        RunState state; /* what the runner knows; it has no state yet while it starts the guest */
        int result;
        Error error;
} Asked;

static void asked_free(Asked *asked)
{
        run_state_clear(&asked->state);
        error_clear(&asked->error);
        g_free(asked);
}

/* While a unit begins, it became active when it last ran. */
static Timestamps unit_timestamps(const Unikernel *unikernel)
{
        Timestamps timestamps = unikernel->status.timestamps;

        if (timestamps.at[TIMESTAMP_UNIT_ACTIVE] < timestamps.at[TIMESTAMP_RUNNER_FORKED])
                timestamps.at[TIMESTAMP_UNIT_ACTIVE] = 0;

        return timestamps;
}

/* A guest that was adopted has the runner's state of its own start, and systemd's times of the adoption.
 * Nothing of one start is mixed with another's. */
static Timestamps put_together(const Unikernel *unikernel, const RunState *state)
{
        const char *now = unikernel->status.invocation_id, *run = state->invocation_id ?: now;
        const StartTimes *kept = unikernel->start_times;
        Timestamps timestamps = state->timestamps, unit = unit_timestamps(unikernel);

        if (g_strcmp0(run, now) == 0)
                timestamps_merge(&timestamps, &unit);
        if (kept && g_strcmp0(run, kept->invocation_id) == 0)
                timestamps_merge(&timestamps, &kept->timestamps);

        return timestamps;
}

static int append_timestamps(sd_bus_message *m, const Timestamps *timestamps)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', "{st}");
        for (Timestamp timestamp = 0; r >= 0 && timestamp < _TIMESTAMP_MAX; timestamp++)
                if (timestamps->at[timestamp] > 0)
                        r = sd_bus_message_append(m, "{st}", timestamp_to_string(timestamp),
                                        timestamps->at[timestamp]);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void asked_answer(Asked *asked)
{
        Call *call = asked->call;
        g_autoptr(sd_bus_message) reply = NULL;
        Unikernel *unikernel;
        Timestamps timestamps;
        int r = asked->result;

        if (r >= 0)
                r = call_check_owner(call, &asked->error);
        if (r >= 0)
                r = unikernel_find(call->manager, call->unikernel, &unikernel, &asked->error);
        if (r >= 0)
                r = unikernel_check_active(unikernel, &asked->error);
        if (r >= 0) {
                timestamps = put_together(unikernel, &asked->state);
                r = call_new_reply(call, &reply);
                if (r >= 0)
                        r = append_timestamps(reply, &timestamps);
        }
        call_finish(call, reply, r, &asked->error);
        asked_free(asked);
}

static void on_unit(int r, Error *error, void *userdata)
{
        Asked *asked = userdata;

        asked->result = r;
        if (r < 0)
                error_move(&asked->error, error);
        asked_answer(asked);
}

static void state_run(void *userdata)
{
        Asked *asked = userdata;
        g_autofree char *dir = paths_unikernel_runtime(asked->call->unikernel);

        (void) run_state_read(dir, &asked->state);
}

static void state_done(void *userdata)
{
        Asked *asked = userdata;
        Manager *manager = asked->call->manager;

        if (systemd_is_reachable(manager))
                systemd_fetch_timestamps(manager->systemd, asked->call->unikernel, on_unit, asked);
        else
                asked_answer(asked);
}

int unikernel_method_get_start_times(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Unikernel *unikernel = userdata;
        Asked *asked;
        Call *call;
        int r;

        if (!call_let_in(unikernel->manager, message, unikernel, SHRUTHI_ACTION_READ_DETAILS, "read", &call))
                return 1;

        r = unikernel_check_active(unikernel, &error);
        if (r < 0) {
                call_fail(call, &error, r);
                return 1;
        }

        asked = g_new(Asked, 1);
        *asked = (Asked){.call = call, .state = RUN_STATE_INIT, .error = ERROR_INIT};
        worker_run(unikernel->manager->worker, call->uid, NULL, state_run, state_done, asked);
        return 1;
}
