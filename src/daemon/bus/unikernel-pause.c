/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pause() and Resume(). */

#include "body/body.h"
#include "common/log.h"
#include "common/names.h"
#include "common/users.h"
#include "daemon/bus/unikernel-bus.h"
#include "daemon/state/unikernel-access.h"

/* The runner gets an event of libvirt, and writes the state. */
#define LOOK_USEC    (10 * 1000)
#define TIMEOUT_USEC (10 * G_USEC_PER_SEC)

/* A change that libvirt has made, but that the runner has not written yet. */
typedef struct PauseChange {
        Call *call;
        UnikernelState wanted;
        uint64_t deadline;
        sd_event_source *timer;
} PauseChange;

static void pause_change_finish(PauseChange *change, int r, Error *error)
{
        sd_event_source_disable_unref(change->timer);
        if (r < 0)
                call_fail(change->call, error, r);
        else
                call_reply(change->call, "");
        g_free(change);
}

static int on_pause_change_look(sd_event_source *source, uint64_t usec, void *userdata)
{
        _cleanup_error_ Error error = ERROR_INIT;
        PauseChange *change = userdata;
        Unikernel *unikernel = unikernel_get(change->call->manager, change->call->unikernel);
        int r;

        if (unikernel)
                unikernel = unikernel_refresh(unikernel);
        if (unikernel && unikernel->properties.state == change->wanted) {
                pause_change_finish(change, 0, NULL);
                return 0;
        }
        if (!unikernel || !unikernel_is_active(unikernel)) {
                r = unikernel_refuse_inactive(change->call->unikernel, &error);
                pause_change_finish(change, r, &error);
                return 0;
        }
        /* A runner that is restarting will notice it later. */
        if ((uint64_t) g_get_monotonic_time() >= change->deadline) {
                pause_change_finish(change, 0, NULL);
                return 0;
        }

        r = sd_event_source_set_time_relative(source, LOOK_USEC);
        if (r >= 0)
                r = sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        if (r < 0) {
                r = error_set_errno(&error, r, "Cannot wait for the state of unikernel '%s'",
                                change->call->unikernel);
                pause_change_finish(change, r, &error);
        }
        return 0;
}

static void on_pause_changed(int r, Error *error, const char *output, void *userdata)
{
        _cleanup_error_ Error timer_error = ERROR_INIT;
        PauseChange *change = userdata;

        if (r < 0) {
                pause_change_finish(change, r, error);
                return;
        }

        change->deadline = (uint64_t) g_get_monotonic_time() + TIMEOUT_USEC;
        r = sd_event_add_time_relative(change->call->manager->event, &change->timer, CLOCK_MONOTONIC, 0, 1,
                        on_pause_change_look, change);
        if (r < 0) {
                r = error_set_errno(&timer_error, r, "Cannot wait for the state of unikernel '%s'",
                                change->call->unikernel);
                pause_change_finish(change, r, &timer_error);
        }
}

/* Does nothing if the guest is already in that state, as systemctl does with a unit. */
static int unikernel_change_pause(sd_bus_message *message, Unikernel *unikernel, BodyOperation operation,
                UnikernelState wanted, const char *action, const char *verb)
{
        BodyRequest request = body_for(unikernel->name)->request(operation, unikernel->name);
        _cleanup_error_ Error error = ERROR_INIT;
        PauseChange *change;
        Call *call;
        int r;

        if (!unikernel_authorize(unikernel, message, action, verb, &call))
                return 1;

        if (!unikernel_state_is_up(unikernel->properties.state)) {
                r = unikernel_refuse_inactive(unikernel->name, &error);
                call_fail(call, &error, r);
                return 1;
        }
        if (unikernel->properties.state == wanted) {
                call_reply(call, "");
                return 1;
        }

        log_object(LOG_NOTICE, &(LogObject){.unikernel = unikernel->name}, NULL, NULL,
                        "User %u requested to %s unikernel '%s'", (unsigned) user_number_outside(call->uid),
                        verb, unikernel->name);
        change = g_new0(PauseChange, 1);
        *change = (PauseChange){.call = call, .wanted = wanted};
        libvirt_helper_run_body(unikernel->manager->helper, call->uid, &request, on_pause_changed, change);
        return 1;
}

int unikernel_method_pause(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        return unikernel_change_pause(
                        message, userdata, BODY_PAUSE, UNIKERNEL_PAUSED, SHRUTHI_ACTION_PAUSE, "pause");
}

int unikernel_method_resume(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        return unikernel_change_pause(
                        message, userdata, BODY_RESUME, UNIKERNEL_RUNNING, SHRUTHI_ACTION_RESUME, "resume");
}
