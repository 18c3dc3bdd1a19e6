/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The jobs, their states and what their results mean. A job that is "done" does not mean that the unit is
 * active: the unit's last reported state is checked after the job. */

#include "daemon/state/job.h"

static const char *const job_kind_table[_JOB_KIND_MAX] = {
                [JOB_START] = "start",
                [JOB_STOP] = "stop",
                [JOB_RESTART] = "restart",
};

const char *job_kind_to_string(JobKind kind)
{
        return kind >= 0 && kind < _JOB_KIND_MAX ? job_kind_table[kind] : NULL;
}

JobState job_state_next(JobState state, JobEvent event)
{
        static const struct {
                JobState from;
                JobEvent event;
                JobState to;
        } transitions[] = {
                        {JOB_WAITING, JOB_EVENT_TURN, JOB_REQUESTING},
                        {JOB_WAITING, JOB_EVENT_TURN_COUNTED, JOB_RESETTING},
                        {JOB_WAITING, JOB_EVENT_FAILED, JOB_ENDED},
                        {JOB_RESETTING, JOB_EVENT_RESET, JOB_REQUESTING},
                        {JOB_REQUESTING, JOB_EVENT_ACCEPTED, JOB_RUNNING},
                        {JOB_REQUESTING, JOB_EVENT_FAILED, JOB_ENDED},
                        {JOB_RUNNING, JOB_EVENT_REMOVED, JOB_CHECKING},
                        {JOB_CHECKING, JOB_EVENT_CHECKED, JOB_ENDED},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(transitions); i++)
                if (transitions[i].from == state && transitions[i].event == event)
                        return transitions[i].to;

        return _JOB_STATE_INVALID;
}

bool job_state_is_in_flight(JobState state)
{
        return state == JOB_RESETTING || state == JOB_REQUESTING || state == JOB_RUNNING;
}

static int job_end_start_failed(const char *name, const JobEnd *end, Error *ret_error)
{
        return error_set(ret_error, end->error >= 0 ? end->error : ERROR_START_FAILED,
                        "Unikernel '%s' did not start: %s", name,
                        end->reason ?: "see its journal: shruthictl logs");
}

static int job_end_check_start(const char *name, const JobEnd *end, Error *ret_error)
{
        if (g_strcmp0(end->active_state, "active") == 0)
                return 0;
        if (!end->condition)
                return error_set(ret_error, ERROR_START_FAILED,
                                "Unikernel '%s' did not start: a condition of its unit is not met "
                                "(systemctl status unikernel@%s)",
                                name, name);
        /* It ran, and has already ended successfully. */
        if (g_strcmp0(end->active_state, "inactive") == 0)
                return 0;

        return job_end_start_failed(name, end, ret_error);
}

int job_end_check(const char *name, const JobEnd *end, Error *ret_error)
{
        if (g_str_equal(end->job_result, "canceled"))
                return error_set(ret_error, ERROR_CANCELED,
                                "Another job for unikernel '%s' replaced this %s", name,
                                job_kind_to_string(end->kind));
        if (g_str_equal(end->job_result, "timeout"))
                return error_set(ret_error, ERROR_TIMED_OUT,
                                "Unikernel '%s' did not %s within the timeout of its unit", name,
                                job_kind_to_string(end->kind));
        if (end->kind == JOB_STOP) {
                if (g_strcmp0(end->active_state, "inactive") == 0 ||
                                g_strcmp0(end->active_state, "failed") == 0)
                        return 0;
                return error_set(ret_error, ERROR_STOP_FAILED, "Unikernel '%s' did not stop: its unit is %s",
                                name, end->active_state);
        }
        if (g_str_equal(end->job_result, "dependency"))
                return error_set(ret_error, ERROR_START_FAILED, "Unikernel '%s' did not start: %s", name,
                                end->reason ?: "a unit that it requires did not start");
        if (g_str_equal(end->job_result, "done") || g_str_equal(end->job_result, "skipped"))
                return job_end_check_start(name, end, ret_error);

        return job_end_start_failed(name, end, ret_error);
}

Job *job_by_path(const Manager *manager, const char *path)
{
        for (GList *l = manager->active_jobs; l; l = l->next) {
                Job *job = l->data;

                if (job->state == JOB_RUNNING && g_str_equal(job->path, path))
                        return job;
        }

        return NULL;
}

void job_leave_queue(Job *job)
{
        job->turn_source = sd_event_source_disable_unref(job->turn_source);
        /* The entries that start then are jobs too, and may end at once. */
        job->entry = queue_entry_done(job->entry);
}

void jobs_leave_queue(Manager *manager, const char *name)
{
        for (GList *l = manager->active_jobs; l; l = l->next) {
                Job *job = l->data;

                if (job->state != JOB_RUNNING || job->kind == JOB_STOP || !job->entry ||
                                !g_str_equal(job->name, name))
                        continue;

                job_leave_queue(job);
                return;
        }
}

bool jobs_are_stopping(const Manager *manager, const char *name)
{
        for (GList *l = manager->active_jobs; l; l = l->next) {
                const Job *job = l->data;

                if (job->kind == JOB_STOP && job_state_is_in_flight(job->state) &&
                                g_str_equal(job->name, name))
                        return true;
        }

        return false;
}
