/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Snapshot(), Restore() and RemoveSnapshot(). */

#include "unikernel/snapshot.h"

#include "body/body.h"
#include "common/log.h"
#include "common/names.h"
#include "daemon/bus/unikernel-bus.h"
#include "daemon/state/job-run.h"
#include "daemon/state/unikernel-access.h"

/* What Restore() and RemoveSnapshot() do with the folder of the snapshot, in a thread. */
typedef struct SnapshotWork {
        Call *call;
        int r;
        Error error;
} SnapshotWork;

static void snapshot_work_answer(SnapshotWork *work)
{
        if (work->r < 0)
                call_fail(work->call, &work->error, work->r);
        else
                call_reply(work->call, "");
        error_clear(&work->error);
        g_free(work);
}

static void snapshot_log(const Call *call, const char *what)
{
        log_object(LOG_NOTICE, &(LogObject){.unikernel = call->unikernel, .owner = call->owner}, NULL, NULL,
                        "User %u requested to %s unikernel '%s'", (unsigned) call->uid, what,
                        call->unikernel);
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

int unikernel_method_snapshot(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Unikernel *unikernel = userdata;
        BodyRequest request = body_for(unikernel->name)->request(BODY_SAVE, unikernel->name);
        Call *call;
        int r;

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_STOP, "save", &call))
                return 1;

        if (!unikernel_state_is_up(unikernel->properties.state)) {
                r = unikernel_refuse_inactive(unikernel->name, &error);
                call_fail(call, &error, r);
                return 1;
        }

        snapshot_log(call, "save");
        libvirt_helper_run_body(unikernel->manager->helper, call->uid, &request, on_snapshot_saved, call);
        return 1;
}

static void restore_withdraw(void *userdata)
{
        SnapshotWork *work = userdata;

        snapshot_withdraw(work->call->unikernel);
}

static void on_restore_withdrawn(void *userdata)
{
        snapshot_work_answer(userdata);
}

static void on_restore_started(int r, Error *error, void *userdata)
{
        SnapshotWork *work = userdata;

        work->r = r;
        if (r >= 0) {
                snapshot_work_answer(work);
                return;
        }
        error_move(&work->error, error);
        worker_run(work->call->manager->worker, work->call->uid, NULL, restore_withdraw,
                        on_restore_withdrawn, work);
}

static void restore_request(void *userdata)
{
        SnapshotWork *work = userdata;

        work->r = snapshot_request(work->call->unikernel, &work->error);
}

static void on_restore_requested(void *userdata)
{
        SnapshotWork *work = userdata;
        Call *call = work->call;

        if (work->r >= 0)
                work->r = unikernel_check_owner(call, &work->error);
        if (work->r < 0)
                snapshot_work_answer(work);
        else
                job_run_for(call->manager, call->unikernel, call->uid, JOB_START, on_restore_started, work);
}

int unikernel_method_restore(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Unikernel *unikernel = userdata;
        SnapshotWork *work;
        Call *call;
        int r;

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_START, "restore", &call))
                return 1;

        if (unikernel_is_active(unikernel)) {
                r = error_set(&error, ERROR_ALREADY_RUNNING, "Unikernel '%s' is running; stop it first",
                                unikernel->name);
                call_fail(call, &error, r);
                return 1;
        }

        snapshot_log(call, "restore");
        work = g_new(SnapshotWork, 1);
        *work = (SnapshotWork){.call = call, .error = ERROR_INIT};
        worker_run(unikernel->manager->worker, call->uid, NULL, restore_request, on_restore_requested, work);
        return 1;
}

static void snapshot_work_remove(void *userdata)
{
        SnapshotWork *work = userdata;

        work->r = snapshot_remove(work->call->unikernel, &work->error);
}

static void on_snapshot_removed(void *userdata)
{
        snapshot_work_answer(userdata);
}

int unikernel_method_remove_snapshot(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Unikernel *unikernel = userdata;
        SnapshotWork *work;
        Call *call;

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_STOP, "remove the snapshot of", &call))
                return 1;

        work = g_new(SnapshotWork, 1);
        *work = (SnapshotWork){.call = call, .error = ERROR_INIT};
        worker_run(unikernel->manager->worker, call->uid, NULL, snapshot_work_remove, on_snapshot_removed,
                        work);
        return 1;
}
