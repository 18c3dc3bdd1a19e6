/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Method calls in progress: counted, and answered once, with a named error if they fail. */

#include "daemon/access/call.h"

#include <errno.h>

#include "common/log.h"
#include "common/names.h"
#include "daemon/access/call-limits.h"

int call_identify(Manager *manager, sd_bus_message *message, Client **ret_client, Error *ret_error)
{
        Client *client = NULL;
        int r = client_identify(manager, message, &client);

        if (r == -EDQUOT)
                return error_set(
                                ret_error, ERROR_LIMIT_EXCEEDED, "Too many calls are waiting for an answer");
        if (r < 0)
                return error_set(ret_error, ERROR_ACCESS_DENIED, "The caller has disconnected");
        if (ret_client)
                *ret_client = client;
        return r;
}

int call_begin(Manager *manager, sd_bus_message *message, const char *unikernel, Call **ret_call,
                Error *ret_error)
{
        Client *client = NULL;
        Call *call;
        int r;

        r = client_identify(manager, message, &client);
        if (r <= 0)
                return error_set(ret_error, ERROR_ACCESS_DENIED, "The caller has disconnected");
        r = calls_check(manager, client ? client->uid : 0, ret_error);
        if (r < 0)
                return r;

        call = g_new0(Call, 1);
        *call = (Call){.manager = manager,
                        .message = sd_bus_message_ref(message),
                        .unikernel = g_strdup(unikernel)};
        if (client) {
                call->uid = client->uid;
                call->gids = g_memdup2(client->gids, client->n_gids * sizeof(gid_t));
                call->n_gids = client->n_gids;
                call->gone = g_atomic_rc_box_acquire(client->gone);
        }
        call->weight = message_weight(message);
        calls_enter(manager, call->uid, call->weight);

        *ret_call = call;
        return 0;
}

Call *call_new_part(const Call *whole, const char *unikernel, CallAnswered answered, void *userdata)
{
        Call *part = g_new0(Call, 1);

        *part = (Call){.manager = whole->manager,
                        .message = sd_bus_message_ref(whole->message),
                        .unikernel = g_strdup(unikernel),
                        .owner = g_strdup(whole->owner),
                        .group = g_strdup(whole->group),
                        .uid = whole->uid,
                        .called = whole->called,
                        .authorized = whole->authorized,
                        .answered = answered,
                        .userdata = userdata,
                        .gids = g_memdup2(whole->gids, whole->n_gids * sizeof(gid_t)),
                        .n_gids = whole->n_gids,
                        .gone = whole->gone ? g_atomic_rc_box_acquire(whole->gone) : NULL};
        return part;
}

int call_check_conf(Manager *manager, const char *action, Error *ret_error)
{
        static const char *const actions[] = {
                        SHRUTHI_ACTION_CREATE,
                        SHRUTHI_ACTION_UPDATE,
                        SHRUTHI_ACTION_START,
                        SHRUTHI_ACTION_RESTART,
                        SHRUTHI_ACTION_IMPORT_IMAGE,
                        SHRUTHI_ACTION_INSPECT_IMAGE,
                        SHRUTHI_ACTION_CREATE_VOLUME,
                        SHRUTHI_ACTION_IMPORT_VOLUME,
                        SHRUTHI_ACTION_RESIZE_VOLUME,
                        SHRUTHI_ACTION_CREATE_NETWORK,
                        SHRUTHI_ACTION_REMOVE_NETWORK,
                        NULL,
        };
        g_autoptr(Conf) conf = NULL;
        int r;

        if (!g_strv_contains(actions, action))
                return 0;

        r = manager_check_conf(manager, ret_error);
        /* The start after the stop reads it again. */
        if (r >= 0 && g_str_equal(action, SHRUTHI_ACTION_RESTART))
                r = conf_load(&conf, ret_error);
        return r;
}

bool call_authorize(Manager *manager, sd_bus_message *message, const PolkitDetails *details,
                const char *action, Call **ret_call)
{
        _cleanup_error_ Error error = ERROR_INIT;
        uint64_t asked = polkit_asked_at(manager, message);
        int r;

        r = polkit_authorize(manager, message, action, details, &error);
        if (r == 0)
                return false;
        if (r > 0)
                r = call_check_conf(manager, action, &error);
        if (r >= 0)
                r = call_begin(manager, message, details->unikernel, ret_call, &error);
        if (r < 0) {
                (void) reply_error(message, &error, r);
                return false;
        }

        (*ret_call)->authorized = (uint64_t) g_get_monotonic_time();
        (*ret_call)->called = asked > 0 ? asked : (*ret_call)->authorized;
        (*ret_call)->owner = g_strdup(details->owner);
        (*ret_call)->group = g_strdup(details->group);
        return true;
}

const int *call_gone(const Call *call)
{
        return call->gone;
}

bool call_in_group(const Call *call, gid_t gid)
{
        for (size_t i = 0; i < call->n_gids; i++)
                if (call->gids[i] == gid)
                        return true;

        return false;
}

static void call_end(Call *call)
{
        if (call->weight > 0)
                calls_leave(call->manager, call->uid, call->weight);
        sd_bus_message_unref(call->message);
        g_free(call->unikernel);
        g_free(call->owner);
        g_free(call->group);
        g_free(call->gids);
        g_clear_pointer(&call->gone, g_atomic_rc_box_release);
        g_free(call);
}

void call_drop(Call *part)
{
        call_end(part);
}

int call_new_reply(Call *call, sd_bus_message **ret_reply)
{
        return sd_bus_message_new_method_return(call->message, ret_reply);
}

void call_send(Call *call, sd_bus_message *reply)
{
        int r = sd_bus_send(NULL, reply, NULL);

        if (r < 0)
                log_debug("Cannot answer %s: %s", sd_bus_message_get_member(call->message), g_strerror(-r));
        call_end(call);
}

void call_reply(Call *call, const char *types, ...)
{
        g_autoptr(sd_bus_message) reply = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        va_list ap;
        int r;

        if (call->answered) {
                call->answered(call, NULL, 0, call->userdata);
                call_end(call);
                return;
        }

        r = call_new_reply(call, &reply);
        if (r >= 0 && types[0]) {
                va_start(ap, types);
                r = sd_bus_message_appendv(reply, types, ap);
                va_end(ap);
        }
        call_finish(call, reply, r, &error);
}

void call_finish(Call *call, sd_bus_message *reply, int r, Error *error)
{
        if (r >= 0) {
                call_send(call, reply);
                return;
        }

        if (!error->message)
                (void) error_set_errno(error, r, "Cannot create the reply");
        call_fail(call, error, r);
}

void call_fail(Call *call, Error *error, int r)
{
        if (call->answered)
                call->answered(call, error, r, call->userdata);
        else
                (void) reply_error(call->message, error, r);
        call_end(call);
}

int reply_error(sd_bus_message *message, const Error *error, int r)
{
        ErrorCode code = error->message ? error->code : ERROR_FAILED;
        g_autofree char *text = g_utf8_make_valid(error_message(error, r), -1);
        int k = sd_bus_reply_method_errorf(message, error_code_to_bus_name(code), "%s", text);

        return k < 0 ? k : 1;
}

int reply_invalid_args(sd_bus_message *message, int r)
{
        _cleanup_error_ Error error = ERROR_INIT;

        (void) error_set(&error, ERROR_INVALID_ARGS, "The arguments of %s cannot be read: %s",
                        sd_bus_message_get_member(message), g_strerror(abs(r)));
        return reply_error(message, &error, r);
}
