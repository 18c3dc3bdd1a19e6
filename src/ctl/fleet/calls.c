/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls in flight. A password cannot be asked for hundreds of times, so calls that need one are refused with
 * a sentence. */

#include "ctl/fleet/calls.h"

#include "ctl/fleet/programs.h"
#include "ctl/fleet/view.h"

#define STEP_USEC         (200 * UINT64_C(1000))
#define RECONNECT_USEC    (10 * UINT64_C(1000000))
#define STEP_PROGRAM_USEC (20 * UINT64_C(1000))

typedef struct FleetCall {
        FleetRun *run;
        sd_bus_message *message;
        FleetAnswer answer;
        guint member;
        void *userdata;
        int64_t *sent;
        sd_bus_slot *slot;
} FleetCall;

static void fleet_call_free(FleetCall *call)
{
        sd_bus_slot_unref(call->slot);
        sd_bus_message_unref(call->message);
        g_free(call);
}

/* A call that needs a password is repeated once so that it may ask for one: shruthid then says which limit
 * it is about. After a refusal nobody is asked again, and all others are refused with the same sentence. */
static void fleet_call_insist(FleetCall *call, sd_bus_message **reply, Error *error)
{
        FleetRun *run = call->run;
        _cleanup_error_ Error refusal = ERROR_INIT;

        if (!run->refusal && !run->ctl->options.no_ask_password) {
                fleet_view_clear(run);
                if (client_send_interactively(run->ctl, call->message, reply, &refusal) >= 0) {
                        error_clear(error);
                        return;
                }
                run->refusal = g_strdup(refusal.message);
        }

        (void) error_set(error, ERROR_ACCESS_DENIED, "%s",
                        run->refusal
                                        ?: "It needs an administrator: run shruthictl as root, or stay "
                                           "within your limits "
                                           "(shruthictl limits)");
}

static void fleet_call_answered(FleetCall *call, sd_bus_message *reply, Error *error)
{
        _cleanup_message_ sd_bus_message *second = NULL;

        if (error->code == ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED)
                fleet_call_insist(call, &second, error);
        call->answer(call->run, call->member, call->userdata, error->message ? NULL : second ?: reply,
                        error);
        fleet_call_free(call);
}

static int on_fleet_reply(sd_bus_message *reply, void *userdata, sd_bus_error *unused)
{
        FleetCall *call = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        _cleanup_error_ Error error = ERROR_INIT;

        call->run->sent = g_list_remove(call->run->sent, call);
        call->run->in_flight--;
        if (e)
                (void) client_reply_error(e, -sd_bus_message_get_errno(reply), &error);
        fleet_call_answered(call, reply, &error);
        return 0;
}

static void fleet_call_send(FleetCall *call)
{
        FleetRun *run = call->run;
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        if (call->sent)
                *call->sent = fleet_run_now(run);
        r = sd_bus_call_async(run->ctl->bus, &call->slot, call->message, on_fleet_reply, call, UINT64_MAX);
        if (r < 0) {
                (void) client_message_error(r, &error);
                fleet_call_answered(call, NULL, &error);
                return;
        }
        run->in_flight++;
        run->sent = g_list_prepend(run->sent, call);
}

static FleetCall *fleet_call_new(
                FleetRun *run, sd_bus_message *message, FleetAnswer answer, guint member, void *userdata)
{
        FleetCall *call = g_new0(FleetCall, 1);

        *call = (FleetCall){.run = run,
                        .message = sd_bus_message_ref(message),
                        .answer = answer,
                        .member = member,
                        .userdata = userdata};
        return call;
}

void fleet_call(FleetRun *run, sd_bus_message *message, FleetAnswer answer, guint member, void *userdata,
                int64_t *sent)
{
        FleetCall *call = fleet_call_new(run, message, answer, member, userdata);

        call->sent = sent;
        g_queue_push_tail(run->waiting, call);
}

void fleet_call_now(FleetRun *run, sd_bus_message *message, FleetAnswer answer, guint member, void *userdata)
{
        fleet_call_send(fleet_call_new(run, message, answer, member, userdata));
}

int fleet_call_member(FleetRun *run, const char *member_method, guint member, bool with_flags,
                FleetAnswer answer, void *userdata, int64_t *sent)
{
        _cleanup_message_ sd_bus_message *message = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = client_new_call(run->ctl, member_method, &message, &error);
        if (r >= 0)
                r = sd_bus_message_append(message, "s", fleet_member_at(run->expansion, member)->name);
        if (r >= 0 && with_flags)
                r = sd_bus_message_append(message, "t", UINT64_C(0));
        if (r < 0)
                return r;

        fleet_call(run, message, answer, member, userdata, sent);
        return 0;
}

static void fleet_send(FleetRun *run)
{
        while (run->in_flight < FLEET_IN_FLIGHT_MAX && !g_queue_is_empty(run->waiting))
                fleet_call_send(g_queue_pop_head(run->waiting));
}

/* Only while the run is to end: until then its plan says how long anything may take. */
static bool fleet_is_silent(FleetRun *run, uint64_t now)
{
        if (!fleet_signal() && !run->removing) {
                run->heard = 0;
                return false;
        }
        if (run->heard == 0 || run->in_flight == 0)
                run->heard = now;

        return now - run->heard > FLEET_PATIENCE_USEC;
}

int fleet_pump(FleetRun *run, uint64_t deadline, Error *ret_error)
{
        uint64_t now;
        int r;

        fleet_send(run);
        r = sd_bus_process(run->ctl->bus, NULL);
        fleet_programs_reap(run);
        fleet_view_show(run, false);
        now = (uint64_t) g_get_monotonic_time();
        if (r > 0)
                run->heard = now;
        else if (r == 0 && fleet_is_silent(run, now)) {
                run->lost = run->silent = true;
                return error_set(ret_error, ERROR_TIMED_OUT,
                                "shruthid has not answered for %u seconds, so the run ends without it",
                                (unsigned) (FLEET_PATIENCE_USEC / G_USEC_PER_SEC));
        }
        if (r == 0 && now < deadline) {
                uint64_t step = run->programs->len > 0 ? STEP_PROGRAM_USEC : STEP_USEC;

                r = sd_bus_wait(run->ctl->bus, MIN(deadline - now, step));
        }
        if (r < 0 && r != -EINTR) {
                run->lost = true;
                return error_set_errno(ret_error, r, "Lost the connection to shruthid");
        }

        return 0;
}

int fleet_finish_calls(FleetRun *run, Error *ret_error)
{
        int r = 0;

        while (r >= 0 && (run->in_flight > 0 || !g_queue_is_empty(run->waiting)))
                r = fleet_pump(run, (uint64_t) g_get_monotonic_time() + STEP_USEC, ret_error);

        return r;
}

void fleet_calls_drop_waiting(FleetRun *run)
{
        for (FleetCall *call; (call = g_queue_pop_head(run->waiting));)
                fleet_call_free(call);
}

void fleet_calls_refuse_waiting(FleetRun *run)
{
        for (FleetCall *call; (call = g_queue_pop_head(run->waiting));) {
                _cleanup_error_ Error error = ERROR_INIT;

                (void) error_set(&error, ERROR_CANCELED, "It was not sent: the run was over");
                fleet_call_answered(call, NULL, &error);
        }
}

void fleet_reconnect(FleetRun *run)
{
        uint64_t until = (uint64_t) g_get_monotonic_time() + RECONNECT_USEC;
        Ctl *ctl = run->ctl;

        fleet_calls_drop(run);
        run->asked = false;
        ctl->bus = sd_bus_close_unref(ctl->bus);
        ctl->bus_private = false;
        while (client_connect(ctl, NULL) < 0) {
                if ((uint64_t) g_get_monotonic_time() >= until)
                        return;
                g_usleep(STEP_USEC);
        }
        run->lost = false;
}

void fleet_calls_drop(FleetRun *run)
{
        fleet_calls_drop_waiting(run);
        for (; run->sent; run->sent = g_list_delete_link(run->sent, run->sent))
                fleet_call_free(run->sent->data);
        run->in_flight = 0;
}
