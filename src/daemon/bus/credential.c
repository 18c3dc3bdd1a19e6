/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Key material of a unikernel: shruthi-seal, asked from a thread, sets, rotates, removes and lists it. */

#include "daemon/bus/unikernel-bus.h"

#include <fcntl.h>

#include "common/io.h"
#include "common/log.h"
#include "common/names.h"
#include "daemon/change/change.h"
#include "daemon/change/seal-client.h"
#include "daemon/state/job-run.h"
#include "daemon/state/unikernel-access.h"

/* One of these methods in progress. */
typedef struct CredentialWork {
        Call *call;
        SealVerb verb;
        char *key;    /* or NULL */
        int fd;       /* the caller's, or -EBADF */
        bool restart; /* restart the unikernel if it runs */
        char **keys;  /* SEAL_LIST */
        int result;
        Error error;
} CredentialWork;

static void credential_work_free(CredentialWork *work)
{
        g_free(work->key);
        g_strfreev(work->keys);
        close_safe(work->fd);
        error_clear(&work->error);
        g_free(work);
}

/* Ends the work, so that its unikernel may be removed again. Answers with the error if there is one,
 * otherwise returns the call to be answered. */
static Call *credential_work_end(CredentialWork *work)
{
        Call *call = g_steal_pointer(&work->call);

        seal_leave(call->manager, call->unikernel);
        if (work->result < 0) {
                call_fail(g_steal_pointer(&call), &work->error, work->result);
                credential_work_free(work);
        }

        return call;
}

static void on_credential_turn(void *userdata)
{
        CredentialWork *work = userdata;

        work->result = unikernel_check_owner(work->call, &work->error);
}

static void credential_work_ask_seal(void *userdata)
{
        CredentialWork *work = userdata;

        if (work->result >= 0)
                work->result = seal_ask(work->verb, work->call->unikernel, work->key, work->fd, &work->keys,
                                &work->error);
}

static void call_reply_keys(Call *call, char **keys)
{
        g_autoptr(sd_bus_message) reply = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = call_new_reply(call, &reply);
        if (r >= 0)
                r = sd_bus_message_append_strv(reply, keys);
        call_finish(call, reply, r, &error);
}

static void on_credential_done(void *userdata)
{
        CredentialWork *work = userdata;
        Call *call = credential_work_end(work);
        const Unikernel *unikernel;

        if (!call)
                return;

        unikernel = unikernel_get(call->manager, call->unikernel);
        if (work->verb == SEAL_LIST)
                call_reply_keys(call, work->keys);
        else {
                g_autofree char *owner =
                                unikernel ? g_strdup_printf("%u", (unsigned) unikernel->properties.owner)
                                          : NULL;

                log_object(LOG_INFO, &(LogObject){.unikernel = call->unikernel, .owner = owner}, NULL, NULL,
                                "User %u changed the keys of unikernel '%s'", (unsigned) call->uid,
                                call->unikernel);
                if (work->restart && unikernel && unikernel_is_active(unikernel))
                        job_restart_after(call, "The key is sealed");
                else
                        call_reply(call, "");
        }
        credential_work_free(work);
}

static void credential_work_run(CredentialWork *work)
{
        worker_run(work->call->manager->worker, work->call->uid, on_credential_turn,
                        credential_work_ask_seal, on_credential_done, work);
}

/* Called when polkit has decided whether the caller may restart it too; asked before anything is changed. */
static void on_credential_restart_decision(Decision decision, void *userdata)
{
        CredentialWork *work = userdata;

        if (decision == DECISION_YES) {
                credential_work_run(work);
                return;
        }

        work->result = error_set(&work->error,
                        decision == DECISION_CHALLENGE ? ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED
                                                       : ERROR_ACCESS_DENIED,
                        "Not authorized to restart unikernel '%s' (%s); the key can be rotated without a "
                        "restart",
                        work->call->unikernel, SHRUTHI_ACTION_RESTART);
        (void) credential_work_end(work);
}

/* Takes ownership of call, and duplicates fd. */
static void credential_work_start(Call *call, SealVerb verb, const char *key, int fd, bool restart)
{
        const Change *change = g_hash_table_lookup(call->manager->changing, call->unikernel);
        CredentialWork *work = g_new0(CredentialWork, 1);
        Manager *manager = call->manager;

        *work = (CredentialWork){.call = call,
                        .verb = verb,
                        .key = g_strdup(key),
                        .fd = -EBADF,
                        .restart = restart,
                        .error = ERROR_INIT};
        seal_enter(manager, call->unikernel);
        if (change && change->request.kind == CHANGE_REMOVE)
                work->result = error_set(&work->error, ERROR_BUSY, "Unikernel '%s' is being removed",
                                call->unikernel);
        if (work->result >= 0 && seal_verb_takes_content(verb)) {
                work->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
                if (work->fd < 0)
                        work->result = error_set_errno(
                                        &work->error, errno, "Cannot duplicate the file descriptor");
        }
        if (work->result < 0) {
                (void) credential_work_end(work);
                return;
        }

        if (restart) {
                PolkitDetails details = {.verb = "restart",
                                .unikernel = call->unikernel,
                                .owner = call->owner,
                                .group = call->group};

                polkit_ask(manager, call->message, SHRUTHI_ACTION_RESTART, &details,
                                on_credential_restart_decision, work);
        } else
                credential_work_run(work);
}

/* Keys that no device of the guest carries would have no effect. */
static int unikernel_check_credentials(const Unikernel *unikernel, Error *ret_error)
{
        const Definition *definition = unikernel->loaded.definition;

        if (!definition)
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "The definition of '%s' cannot be read: %s", unikernel->name,
                                unikernel->loaded.problem ?: "there is none");
        if (!definition_credentials(definition))
                return error_set(ret_error, ERROR_DEVICE_MISMATCH,
                                "Unikernel '%s' has no device for keys: add '[Credentials DEVICE]' to its "
                                "definition, with the name of a block device in its image's manifest, or "
                                "run 'shruthictl set %s --credentials=DEVICE'",
                                unikernel->name, unikernel->name);

        return 0;
}

static int unikernel_set_credential(sd_bus_message *message, Unikernel *unikernel, SealVerb verb,
                const char *key, int fd, bool restart)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Call *call;
        int r;

        r = seal_key_check(key, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_SET_CREDENTIAL, "set a key of", &call))
                return 1;

        r = unikernel_check_own(unikernel->name, &error);
        if (r >= 0)
                r = unikernel_check_credentials(unikernel, &error);
        if (r >= 0 && restart)
                r = call_check_conf(unikernel->manager, SHRUTHI_ACTION_RESTART, &error);
        if (r < 0)
                call_fail(call, &error, r);
        else
                credential_work_start(call, verb, key, fd, restart);
        return 1;
}

int unikernel_method_set_credential(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        const char *key;
        int fd, r;

        r = sd_bus_message_read(message, "sh", &key, &fd);
        if (r < 0)
                return reply_invalid_args(message, r);

        return unikernel_set_credential(message, userdata, SEAL_SET, key, fd, false);
}

int unikernel_method_rotate_credential(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        const char *key;
        int fd, restart, r;

        r = sd_bus_message_read(message, "shb", &key, &fd, &restart);
        if (r < 0)
                return reply_invalid_args(message, r);

        return unikernel_set_credential(message, userdata, SEAL_ROTATE, key, fd, restart);
}

/* An empty key means all keys. */
int unikernel_method_remove_credential(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Unikernel *unikernel = userdata;
        const char *key;
        Call *call;
        int r;

        r = sd_bus_message_read(message, "s", &key);
        if (r < 0)
                return reply_invalid_args(message, r);

        r = *key ? seal_key_check(key, &error) : 0;
        if (r < 0)
                return reply_error(message, &error, r);

        if (!unikernel_authorize(
                            unikernel, message, SHRUTHI_ACTION_REMOVE_CREDENTIAL, "remove a key of", &call))
                return 1;

        credential_work_start(call, *key ? SEAL_REMOVE : SEAL_FORGET, *key ? key : NULL, -EBADF, false);
        return 1;
}

int unikernel_method_list_credentials(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Unikernel *unikernel = userdata;
        Call *call;

        if (!unikernel_authorize(
                            unikernel, message, SHRUTHI_ACTION_LIST_CREDENTIALS, "list the keys of", &call))
                return 1;

        credential_work_start(call, SEAL_LIST, NULL, -EBADF, false);
        return 1;
}
