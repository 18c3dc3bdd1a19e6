/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Signals to the runner, through systemd. */

#include "daemon/state/kill.h"

#include <errno.h>
#include <signal.h>

#include "common/names.h"
#include "common/unikernel-name.h"
#include "daemon/state/stopper.h"
#include "daemon/state/systemd.h"
#include "daemon/state/unikernel.h"

/* systemd restarts a killed runner after RestartSec=, 100 ms unless an administrator changes it. */
#define KILL_STEP_USEC    (50 * 1000)
#define KILL_ATTEMPTS_MAX 200

typedef struct Kill {
        Call *call;
        char *unit;
        int signal;
        unsigned attempts;
        sd_event_source *timer; /* for the next attempt; NULL while systemd is being asked */
} Kill;

static void kill_ask(Kill *kill);

static void kill_free(Kill *kill)
{
        g_free(kill->unit);
        g_free(kill);
}

static void kill_fail(Kill *kill, Error *error, int r)
{
        call_fail(kill->call, error, r);
        kill_free(kill);
}

static int on_kill_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Kill *kill = userdata;

        kill->timer = sd_event_source_disable_unref(kill->timer);
        kill_ask(kill);
        return 0;
}

/* Waits if the guest runs and its runner, killed just before, will be restarted soon. */
static bool kill_wait(Kill *kill)
{
        const Unikernel *unikernel = unikernel_get(kill->call->manager, kill->call->unikernel);

        return unikernel && unikernel_is_active(unikernel) && kill->attempts < KILL_ATTEMPTS_MAX &&
               sd_event_add_time_relative(kill->call->manager->event, &kill->timer, CLOCK_MONOTONIC,
                               KILL_STEP_USEC, 0, on_kill_time, kill) >= 0;
}

static int on_killed(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *bus_error = sd_bus_message_get_error(reply);
        _cleanup_error_ Error error = ERROR_INIT;
        Kill *kill = userdata;

        if (!bus_error) {
                call_reply(kill->call, "");
                kill_free(kill);
        } else if (!sd_bus_error_has_names(bus_error, "org.freedesktop.systemd1.NoSuchUnit",
                                   "org.freedesktop.systemd1.NoSuchProcess"))
                kill_fail(kill, &error, systemd_read_error(bus_error, "send the signal", &error));
        else if (!kill_wait(kill))
                kill_fail(kill, &error, unikernel_refuse_inactive(kill->call->unikernel, &error));
        return 0;
}

static void kill_ask(Kill *kill)
{
        Manager *manager = kill->call->manager;
        _cleanup_error_ Error error = ERROR_INIT;
        int r = -ENOTCONN;

        kill->attempts++;
        if (systemd_is_reachable(manager))
                r = sd_bus_call_method_async(manager->bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                "KillUnit", on_killed, kill, "ssi", kill->unit, "main",
                                (int32_t) kill->signal);
        if (r < 0) {
                (void) error_set(&error, ERROR_SYSTEMD_UNAVAILABLE, "systemd cannot be reached");
                kill_fail(kill, &error, r);
        }
}

void kill_run(Call *call, int signal)
{
        Kill *kill = g_new(Kill, 1);

        *kill = (Kill){.call = call, .unit = unit_name_for(call->unikernel), .signal = signal};
        if (signal == SIGTERM || signal == SIGINT)
                stopper_write(call->manager, call->unikernel, call->uid);
        kill_ask(kill);
}
