/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The times of the steps of a start: GetStartTimes(). Of the times that shruthid takes itself, only those of
 * the last start that it was asked for are kept, and only in memory: a start works without shruthid, so they
 * are never complete. */

#include "daemon/bus/unikernel-bus.h"

#include "common/names.h"
#include "common/paths.h"
#include "daemon/state/systemd.h"
#include "daemon/state/unikernel-access.h"
#include "unikernel/run-state.h"

typedef struct StartTimes {
        Call *call;
        RunState state; /* what the runner has written; nothing yet while it starts the guest */
        int result;
        Error error;
} StartTimes;

static void start_times_free(StartTimes *times)
{
        run_state_clear(&times->state);
        error_clear(&times->error);
        g_free(times);
}

/* While a unit is starting, its time of activation is that of the previous run. */
static Timestamps start_times_of_unit(const Unikernel *unikernel)
{
        Timestamps timestamps = unikernel->status.timestamps;

        if (timestamps.at[TIMESTAMP_UNIT_ACTIVE] < timestamps.at[TIMESTAMP_RUNNER_FORKED])
                timestamps.at[TIMESTAMP_UNIT_ACTIVE] = 0;

        return timestamps;
}

/* An adopted guest has the runner's state from its own start, but systemd's times from the adoption. Times
 * of different starts are not mixed. */
static Timestamps start_times_merge(const Unikernel *unikernel, const RunState *state)
{
        const char *now = unikernel->status.invocation_id, *run = state->invocation_id ?: now;
        const OwnStart *own = &unikernel->own_start;
        Timestamps timestamps = state->timestamps, unit = start_times_of_unit(unikernel);

        if (g_strcmp0(run, now) == 0)
                timestamps_merge(&timestamps, &unit);
        if (own->invocation_id && g_strcmp0(run, own->invocation_id) == 0)
                timestamps_merge(&timestamps, &own->timestamps);

        return timestamps;
}

static int start_times_append(sd_bus_message *m, const Timestamps *timestamps)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', "{st}");
        for (Timestamp timestamp = 0; r >= 0 && timestamp < _TIMESTAMP_MAX; timestamp++)
                if (timestamps->at[timestamp] > 0)
                        r = sd_bus_message_append(m, "{st}", timestamp_to_string(timestamp),
                                        timestamps->at[timestamp]);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void start_times_answer(StartTimes *times)
{
        Call *call = times->call;
        g_autoptr(sd_bus_message) reply = NULL;
        Unikernel *unikernel;
        Timestamps timestamps;
        int r = times->result;

        if (r >= 0)
                r = unikernel_check_owner(call, &times->error);
        if (r >= 0)
                r = unikernel_find(call->manager, call->unikernel, &unikernel, &times->error);
        if (r >= 0)
                r = unikernel_check_active(unikernel, &times->error);
        if (r >= 0) {
                timestamps = start_times_merge(unikernel, &times->state);
                r = call_new_reply(call, &reply);
                if (r >= 0)
                        r = start_times_append(reply, &timestamps);
        }
        call_finish(call, reply, r, &times->error);
        start_times_free(times);
}

static void on_start_times_unit(int r, Error *error, void *userdata)
{
        StartTimes *times = userdata;

        times->result = r;
        if (r < 0)
                error_move(&times->error, error);
        start_times_answer(times);
}

static void start_times_run(void *userdata)
{
        StartTimes *times = userdata;
        g_autofree char *dir = paths_unikernel_runtime(times->call->unikernel);

        (void) run_state_read(dir, &times->state);
}

static void start_times_done(void *userdata)
{
        StartTimes *times = userdata;
        Manager *manager = times->call->manager;

        if (systemd_is_reachable(manager))
                systemd_fetch_timestamps(
                                manager->systemd, times->call->unikernel, on_start_times_unit, times);
        else
                start_times_answer(times);
}

int unikernel_method_get_start_times(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Unikernel *unikernel = userdata;
        StartTimes *times;
        Call *call;
        int r;

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_READ_DETAILS, "read", &call))
                return 1;

        r = unikernel_check_active(unikernel, &error);
        if (r < 0) {
                call_fail(call, &error, r);
                return 1;
        }

        times = g_new(StartTimes, 1);
        *times = (StartTimes){.call = call, .state = RUN_STATE_INIT, .error = ERROR_INIT};
        worker_run(unikernel->manager->worker, call->uid, NULL, start_times_run, start_times_done, times);
        return 1;
}
