/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Turns a verb into a systemd job, and the end of the job into the answer. A job that is "done" does not
 * mean that the unit is active: the unit's last reported state is checked after the job, and systemd is
 * asked if it is not the expected one. A job keeps its place in the queue until systemd has finished it,
 * even if nobody waits any more; only a start that takes long gives its place to others. */

#include "daemon/state/job-run.h"

#include <errno.h>
#include <string.h>

#include "body/body.h"
#include "common/log.h"
#include "common/names.h"
#include "common/unikernel-name.h"
#include "common/users.h"
#include "daemon/state/dependency.h"
#include "daemon/state/stopper.h"
#include "daemon/state/systemd.h"
#include "daemon/state/unikernel-access.h"
#include "unikernel/exit-parser.h"
#include "unikernel/order.h"

/* How long a start may delay others. */
#define TURN_USEC (15 * G_USEC_PER_SEC)

static const char *const job_method_table[_JOB_KIND_MAX] = {
                [JOB_START] = "StartUnit",
                [JOB_STOP] = "StopUnit",
                [JOB_RESTART] = "RestartUnit",
};

static void job_advance(Job *job, JobEvent event)
{
        JobState next = job_state_next(job->state, event);

        g_assert(next >= 0);
        job->state = next;
}

static void job_free(Job *job)
{
        job->manager->active_jobs = g_list_remove(job->manager->active_jobs, job);
        job_leave_queue(job);
        g_hash_table_unref(job->early);
        g_free(job->path);
        g_free(job->result);
        g_free(job->invocation_id);
        g_free(job->name);
        g_free(job->unit);
        g_free(job->owner);
        g_free(job);
}

static void job_answer_error(Job *job, Error *error, int r)
{
        if (job->was_done)
                error_prefix(error, "%s, but", job->was_done);
        call_fail(g_steal_pointer(&job->call), error, r);
}

static void job_answer(Job *job)
{
        if (job->was_done)
                call_reply(g_steal_pointer(&job->call), "");
        else
                call_reply(g_steal_pointer(&job->call), "o", job->path);
}

/* The callback may start another job. */
static void job_end(Job *job, int r, Error *error)
{
        JobDone done = job->done;
        void *userdata = job->userdata;

        job_free(job);
        if (done)
                done(r, error, userdata);
}

static void job_fail(Job *job, Error *error, int r)
{
        job_advance(job, JOB_EVENT_FAILED);
        if (job->call)
                job_answer_error(job, error, r);
        job_end(job, r, error);
}

static int job_check_end(const Job *job, Error *ret_error)
{
        const Unikernel *unikernel = unikernel_get(job->manager, job->name);
        JobEnd end = {.kind = job->kind,
                        .job_result = job->result,
                        .active_state = "inactive",
                        .condition = true,
                        .error = _ERROR_CODE_INVALID};

        if (unikernel) {
                end.active_state = unikernel->status.active_state;
                end.condition = unikernel->status.condition_result;
                end.error = unikernel->end_error;
                end.reason = unikernel->reason;
        }
        return job_end_check(job->name, &end, ret_error);
}

static void job_note_start(const Job *job)
{
        Unikernel *unikernel = unikernel_get(job->manager, job->name);

        if (unikernel)
                unikernel_note_start(unikernel, job->invocation_id, &job->timestamps);
}

static void on_job_checked(int r, Error *check_error, void *userdata)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Job *job = userdata;

        job_advance(job, JOB_EVENT_CHECKED);
        if (r < 0)
                error_move(&error, check_error);
        else {
                timestamps_record(&job->timestamps, TIMESTAMP_ANSWERED);
                if (job->kind != JOB_STOP)
                        job_note_start(job);
                r = job_check_end(job, &error);
        }
        if (r < 0)
                log_object(LOG_INFO, &(LogObject){.unikernel = job->name, .owner = job->owner}, NULL, NULL,
                                "%s", error.message);
        if (job->call && r < 0)
                job_answer_error(job, &error, r);
        else if (job->call)
                job_answer(job);
        job_end(job, r, &error);
}

/* systemd sends the state of the unit before it sends that its job is removed
 * (bus_job_send_removed_signal()). */
static bool job_has_its_end(const Job *job)
{
        const Unikernel *unikernel = unikernel_get(job->manager, job->name);
        const char *state = unikernel ? unikernel->status.active_state : NULL;

        if (!g_str_equal(job->result, "done"))
                return false;

        return job->kind == JOB_STOP ? g_strcmp0(state, "inactive") == 0 : g_strcmp0(state, "active") == 0;
}

/* told: systemd's signal reported the end, so earlier signals have arrived too. */
static void job_finish(Job *job, const char *result, bool told)
{
        Unikernel *unikernel = unikernel_get(job->manager, job->name);

        job_advance(job, JOB_EVENT_REMOVED);
        job->result = g_strdup(result);
        /* The unikernel is no longer being stopped. */
        if (job->kind == JOB_STOP && unikernel)
                (void) unikernel_refresh(unikernel);
        if (told && job_has_its_end(job))
                on_job_checked(0, NULL, job);
        else
                systemd_fetch(job->manager->systemd, job->name, on_job_checked, job);
}

static void jobs_finish(Manager *manager, const char *path, const char *unit, const char *result)
{
        for (GList *l = manager->active_jobs; l; l = l->next) {
                Job *job = l->data;

                if (job_state_is_in_flight(job->state) && !job->path && g_str_equal(job->unit, unit))
                        g_hash_table_insert(job->early, g_strdup(path), g_strdup(result));
        }

        /* Several of our jobs may share one of systemd's; each end starts others from the queue, which may
         * end too. */
        for (Job *job; (job = job_by_path(manager, path));)
                job_finish(job, result, true);
}

typedef struct RemovedJob {
        Manager *manager;
        char *path, *unit;
} RemovedJob;

static void on_dependency_noted(void *userdata)
{
        RemovedJob *removed = userdata;

        jobs_finish(removed->manager, removed->path, removed->unit, "dependency");
        g_free(removed->path);
        g_free(removed->unit);
        g_free(removed);
}

void jobs_removed(Manager *manager, const char *path, const char *unit, const char *result)
{
        g_autofree char *name = NULL;
        RemovedJob *removed;

        /* Done for every start, not only ours: the reason can be seen now, but no longer once it is
         * repaired. */
        if (!g_str_equal(result, "dependency") || unit_name_parse(unit, &name) < 0) {
                jobs_finish(manager, path, unit, result);
                return;
        }

        removed = g_new(RemovedJob, 1);
        *removed = (RemovedJob){.manager = manager, .path = g_strdup(path), .unit = g_strdup(unit)};
        dependency_note(manager, name, on_dependency_noted, removed);
}

typedef struct JobLookup {
        Manager *manager;
        uint64_t id;
} JobLookup;

static int on_job_looked_up(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        JobLookup *lookup = userdata;
        Job *job = NULL;

        /* Its signal may have ended it meanwhile. */
        for (GList *l = lookup->manager->active_jobs; l && !job; l = l->next)
                if (((Job *) l->data)->id == lookup->id)
                        job = l->data;
        if (job && job->state == JOB_RUNNING && sd_bus_message_is_method_error(reply, NULL))
                job_finish(job, "done", false);
        g_free(lookup);
        return 0;
}

void jobs_check(Manager *manager)
{
        for (GList *l = manager->active_jobs; l; l = l->next) {
                Job *job = l->data;
                JobLookup *lookup;

                if (job->state != JOB_RUNNING)
                        continue;

                lookup = g_new0(JobLookup, 1);
                *lookup = (JobLookup){.manager = manager, .id = job->id};
                if (sd_bus_call_method_async(manager->bus, NULL, SYSTEMD_NAME, job->path,
                                    "org.freedesktop.DBus.Properties", "Get", on_job_looked_up, lookup, "ss",
                                    SYSTEMD_NAME ".Job", "State") < 0)
                        g_free(lookup);
        }
}

static int on_job_turn_end(sd_event_source *source, uint64_t usec, void *userdata)
{
        job_leave_queue(userdata);
        return 0;
}

/* systemd may delay a start until other units have started, and those may themselves wait for a place in the
 * queue. The unikernel's own definition tells at once that it may wait; what other units order is not known
 * here. */
static void job_limit_turn(Job *job)
{
        const Unikernel *unikernel = unikernel_get(job->manager, job->name);
        const Definition *definition = unikernel ? unikernel->loaded.definition : NULL;

        if (job->kind == JOB_STOP)
                return;

        if (definition && order_is_any(definition))
                job_leave_queue(job);
        else
                (void) sd_event_add_time_relative(job->manager->event, &job->turn_source, CLOCK_MONOTONIC,
                                TURN_USEC, TURN_USEC / 10, on_job_turn_end, job);
}

static int on_job_requested(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *bus_error = sd_bus_message_get_error(reply);
        _cleanup_error_ Error error = ERROR_INIT;
        Job *job = userdata;
        const char *path;
        int r;

        if (bus_error)
                r = systemd_read_error(bus_error, job_kind_to_string(job->kind), &error);
        else
                r = sd_bus_message_read(reply, "o", &path);
        if (r < 0) {
                if (job->kind != JOB_START)
                        stopper_remove(job->name);
                job_fail(job, &error, r);
                return 0;
        }

        timestamps_record(&job->timestamps, TIMESTAMP_JOB_MADE);
        job_advance(job, JOB_EVENT_ACCEPTED);
        job->path = g_strdup(path);
        job_limit_turn(job);
        if (job->no_wait)
                job_answer(job);
        if (g_hash_table_contains(job->early, path))
                job_finish(job, g_hash_table_lookup(job->early, path), true);
        return 0;
}

static int job_call_systemd(Job *job, const char *method, const char *mode, sd_bus_message_handler_t done)
{
        g_autoptr(sd_bus_message) m = NULL;
        int r;

        if (!systemd_is_reachable(job->manager))
                return -ENOTCONN;

        r = sd_bus_message_new_method_call(
                        job->manager->bus, &m, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, method);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", job->unit);
        if (r >= 0 && mode)
                r = sd_bus_message_append(m, "s", mode);
        if (r < 0)
                return r;

        return sd_bus_call_async(job->manager->bus, NULL, m, done, job, SYSTEMD_CALL_TIMEOUT);
}

static void on_job_prepared(int r, Error *error, const char *output, void *userdata)
{
        g_autofree char *name = userdata;

        /* Its start reports what is wrong. */
        if (r < 0)
                log_debug("'%s' was not prepared: %s", name, error_message(error, r));
}

/* QEMU can be prepared while systemd sets up the unit's sandbox. If others start too, they need the
 * processor. */
static void job_prepare(const Job *job)
{
        BodyRequest request = body_for(job->name)->request(BODY_PREPARE, job->name);
        const Unikernel *unikernel = unikernel_get(job->manager, job->name);
        const char *state = unikernel ? unikernel->status.active_state : NULL;

        /* A start that waits for another unit may wait for long. */
        if (unikernel && unikernel->loaded.definition && unikernel->loaded.definition->order[ORDER_AFTER])
                return;
        if (job->kind == JOB_START && queue_count_running(job->queue) == 1 &&
                        (g_strcmp0(state, "inactive") == 0 || g_strcmp0(state, "failed") == 0))
                libvirt_helper_run_body(job->manager->helper, job->uid, &request, on_job_prepared,
                                g_strdup(job->name));
}

static void job_request(Job *job)
{
        const Unikernel *unikernel = unikernel_get(job->manager, job->name);
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        job->invocation_id = unikernel ? g_strdup(unikernel->status.invocation_id) : NULL;
        timestamps_record(&job->timestamps, TIMESTAMP_REQUESTED);
        if (job->kind != JOB_START)
                stopper_write(job->manager, job->name, job->uid);
        r = job_call_systemd(job, job_method_table[job->kind], "replace", on_job_requested);
        if (r < 0) {
                (void) error_set(&error, ERROR_SYSTEMD_UNAVAILABLE,
                                "Cannot %s unikernel '%s': systemd cannot be reached",
                                job_kind_to_string(job->kind), job->name);
                job_fail(job, &error, r);
                return;
        }
        job_prepare(job);
}

static int on_job_reset(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        /* It is fine if there was nothing to reset; any other error appears at the start. */
        Job *job = userdata;

        job_advance(job, JOB_EVENT_RESET);
        job_request(job);
        return 0;
}

/* systemd counts all starts against StartLimitBurst=, including explicit ones, until it is told to forget
 * them (systemd.unit(5)) or unloads the unit; a unit that has never run needs no reset. A reset also clears
 * the count of restarts, from which a runner knows whether to adopt: so there is no reset while a runner may
 * be asking (run/unit-query.h), unless the guest is to be a new one. */
static bool job_is_counted(const Job *job)
{
        const Unikernel *unikernel = unikernel_get(job->manager, job->name);
        const UnitStatus *status = unikernel ? &unikernel->status : NULL;

        if (!status || !status->active_state || job->kind == JOB_STOP)
                return false;
        if (g_str_equal(status->active_state, "failed") || job->kind == JOB_RESTART)
                return true;

        return unit_status_is_in_pause(status) ||
               (g_str_equal(status->active_state, "inactive") && status->invocation_id &&
                               status->invocation_id[0]);
}

static void on_job_turn(QueueEntry *entry, void *userdata)
{
        Job *job = userdata;
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        job->entry = entry;
        r = job->call ? unikernel_check_owner(job->call, &error) : 0;
        if (r < 0) {
                job_fail(job, &error, r);
                return;
        }

        if (job_is_counted(job) && job_call_systemd(job, "ResetFailedUnit", NULL, on_job_reset) >= 0) {
                job_advance(job, JOB_EVENT_TURN_COUNTED);
                return;
        }

        job_advance(job, JOB_EVENT_TURN);
        job_request(job);
}

/* The queue of its kind, unless a job of the same unikernel still waits, then that job's: a start followed
 * by a stop ends in a stop. */
static Queue *job_queue(Manager *manager, const char *name, JobKind kind)
{
        for (GList *l = manager->active_jobs; l; l = l->next) {
                const Job *job = l->data;

                if (job->state == JOB_WAITING && g_str_equal(job->name, name))
                        return job->queue;
        }

        return kind == JOB_STOP ? manager->stops : manager->starts;
}

static Job *job_new(Manager *manager, const char *name, uid_t uid, JobKind kind)
{
        const Unikernel *unikernel = unikernel_get(manager, name);
        static uint64_t counter;
        Job *job = g_new0(Job, 1);

        *job = (Job){.manager = manager,
                        .id = ++counter,
                        .kind = kind,
                        .name = g_strdup(name),
                        .unit = unit_name_for(name),
                        .owner = unikernel ? g_strdup_printf("%u", (unsigned) unikernel->properties.owner)
                                           : NULL,
                        .uid = uid,
                        .queue = job_queue(manager, name, kind),
                        .early = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free)};
        manager->active_jobs = g_list_prepend(manager->active_jobs, job);
        return job;
}

/* The job may end before this returns. */
static void job_add_to_queue(Job *job)
{
        queue_add(job->queue, job->uid, on_job_turn, job);
}

static void job_run_call(Call *call, JobKind kind, bool no_wait, const char *was_done)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r = kind == JOB_STOP ? 0 : unikernel_check_own(call->unikernel, &error);
        Job *job;

        if (r < 0) {
                call_fail(call, &error, r);
                return;
        }

        job = job_new(call->manager, call->unikernel, call->uid, kind);

        job->call = call;
        job->no_wait = no_wait;
        job->was_done = was_done;
        job->timestamps.at[TIMESTAMP_CALLED] = call->called;
        job->timestamps.at[TIMESTAMP_AUTHORIZED] = call->authorized;
        log_object(LOG_INFO, &(LogObject){.unikernel = job->name, .owner = job->owner}, NULL, NULL,
                        "User %u asks to %s unikernel '%s'", (unsigned) user_number_outside(job->uid),
                        job_kind_to_string(kind), job->name);
        job_add_to_queue(job);
}

void job_run(Call *call, JobKind kind, bool no_wait)
{
        job_run_call(call, kind, no_wait, NULL);
}

void job_restart_after(Call *call, const char *was_done)
{
        job_run_call(call, JOB_RESTART, false, was_done);
}

void job_run_for(Manager *manager, const char *name, uid_t user, JobKind kind, JobDone done, void *userdata)
{
        Job *job = job_new(manager, name, user, kind);

        job->done = done;
        job->userdata = userdata;
        job_add_to_queue(job);
}
