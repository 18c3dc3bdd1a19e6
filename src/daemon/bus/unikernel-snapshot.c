/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Snapshot(), Restore() and RemoveSnapshot(). */

#include "unikernel/snapshot.h"

#include "body/body.h"
#include "common/log.h"
#include "common/names.h"
#include "common/users.h"
#include "daemon/bus/unikernel-bus.h"
#include "daemon/state/job-run.h"
#include "daemon/state/unikernel-access.h"

static void snapshot_log(const Call *call, const char *what)
{
        log_object(LOG_NOTICE, &(LogObject){.unikernel = call->unikernel, .owner = call->owner}, NULL, NULL,
                        "User %u requested to %s unikernel '%s'", (unsigned) user_number_outside(call->uid),
                        what, call->unikernel);
}

static void on_snapshot_stopped(int r, Error *error, void *userdata)
{
        Call *call = userdata;

        if (r < 0) {
                error_prefix(error, "The guest is saved, but");
                call_fail(call, error, r);
                return;
        }
        call_reply(call, "");
}

/* The runner waits a moment for this stop: a unit that ended by itself would be restarted by
 * Restart=always. */
static void on_snapshot_saved(int r, Error *error, const char *output, void *userdata)
{
        _cleanup_error_ Error owner_error = ERROR_INIT;
        Call *call = userdata;

        if (r < 0) {
                call_fail(call, error, r);
                return;
        }

        r = unikernel_check_owner(call, &owner_error);
        if (r < 0)
                call_fail(call, &owner_error, r);
        else
                job_run_for(call->manager, call->unikernel, call->uid, JOB_STOP, on_snapshot_stopped, call);
}

/* A guest that is paused would run when it is restored; libvirt pauses one that it saves. */
static int unikernel_check_savable(const Unikernel *unikernel, Error *ret_error)
{
        int r = unikernel_check_own(unikernel->name, ret_error);

        if (r < 0)
                return r;
        if (unikernel->properties.state == UNIKERNEL_PAUSED)
                return error_set(ret_error, ERROR_NOT_RUNNING,
                                "Unikernel '%s' is paused, or is being saved; 'shruthictl resume %s' lets "
                                "it "
                                "continue",
                                unikernel->name, unikernel->name);
        return unikernel->properties.state == UNIKERNEL_RUNNING
                               ? 0
                               : unikernel_refuse_inactive(unikernel->name, ret_error);
}

int unikernel_method_snapshot(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Unikernel *unikernel = userdata;
        BodyRequest request = body_for(unikernel->name)->request(BODY_SAVE, unikernel->name);
        Call *call;
        int r;

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_STOP, "save", &call))
                return 1;

        r = unikernel_check_savable(unikernel, &error);
        if (r < 0) {
                call_fail(call, &error, r);
                return 1;
        }

        snapshot_log(call, "save");
        libvirt_helper_run_body(unikernel->manager->helper, call->uid, &request, on_snapshot_saved, call);
        return 1;
}

/* If the request is still there, the unit was active by then: somebody else was quicker to start it. */
static void on_restore_started(int r, Error *error, void *userdata)
{
        _cleanup_error_ Error late = ERROR_INIT;
        Call *call = userdata;

        if (snapshot_withdraw(call->unikernel) && r >= 0) {
                r = error_set(&late, ERROR_ALREADY_RUNNING,
                                "Unikernel '%s' was started afresh by somebody else meanwhile",
                                call->unikernel);
                error = &late;
        }
        if (r < 0)
                call_fail(call, error, r);
        else
                call_reply(call, "");
}

int unikernel_method_restore(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Unikernel *unikernel = userdata;
        Call *call;
        int r;

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_START, "restore", &call))
                return 1;

        r = unikernel_check_own(unikernel->name, &error);
        if (r >= 0 && unikernel_is_active(unikernel))
                r = error_set(&error, ERROR_ALREADY_RUNNING, "Unikernel '%s' is running; stop it first",
                                unikernel->name);
        /* A file in /run. */
        if (r >= 0)
                r = snapshot_request(unikernel->name, &error);
        if (r < 0) {
                call_fail(call, &error, r);
                return 1;
        }

        snapshot_log(call, "restore");
        job_run_for(unikernel->manager, call->unikernel, call->uid, JOB_START, on_restore_started, call);
        return 1;
}

typedef struct SnapshotRemoval {
        Call *call;
        int r;
        Error error;
} SnapshotRemoval;

static void snapshot_removal_work(void *userdata)
{
        SnapshotRemoval *removal = userdata;

        removal->r = snapshot_remove(removal->call->unikernel, &removal->error);
}

static void on_snapshot_removed(void *userdata)
{
        SnapshotRemoval *removal = userdata;

        if (removal->r < 0)
                call_fail(removal->call, &removal->error, removal->r);
        else
                call_reply(removal->call, "");
        error_clear(&removal->error);
        g_free(removal);
}

int unikernel_method_remove_snapshot(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Unikernel *unikernel = userdata;
        SnapshotRemoval *removal;
        Call *call;

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_STOP, "remove the snapshot of", &call))
                return 1;

        snapshot_log(call, "remove the snapshot of");
        removal = g_new(SnapshotRemoval, 1);
        *removal = (SnapshotRemoval){.call = call, .error = ERROR_INIT};
        worker_run(unikernel->manager->worker, call->uid, NULL, snapshot_removal_work, on_snapshot_removed,
                        removal);
        return 1;
}
