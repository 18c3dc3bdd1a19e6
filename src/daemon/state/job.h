/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/access/call.h"

/* Starting, stopping and restarting: systemd's jobs, a limited number of them in flight, each answered when
 * it is done. */

#define SHRUTHI_FLAG_NO_WAIT UINT64_C(1)

typedef enum JobKind {
        JOB_START,
        JOB_STOP,
        JOB_RESTART,
        _JOB_KIND_MAX,
        _JOB_KIND_INVALID = -EINVAL,
} JobKind;

const char *job_kind_to_string(JobKind kind); /* "start", "stop", "restart" */

/* Takes call and answers it: with systemd's job as soon as there is one (no_wait), else when the job is
 * done. */
void job_run(Call *call, JobKind kind, bool no_wait);

/* Restarts after something else was done; answered without a result, or with the error behind what was done
 * ("The key is sealed"), which stays valid. */
void job_restart_after(Call *call, const char *was_done);

/* Sends a signal to the runner; takes call and answers it. */
void job_kill(Call *call, int signal);

/* What systemd.c hears. jobs_check(): signals may have been missed. */
void jobs_removed(Manager *manager, const char *path, const char *unit, const char *result);
void jobs_check(Manager *manager);

/* Whether systemd is stopping NAME because somebody has asked us to. */
bool jobs_are_stopping(const Manager *manager, const char *name);

/* Pure: what a finished job and the state after it mean. state and result are those of the unikernel,
 * job_result systemd's. */
typedef struct JobEnd {
        JobKind kind;
        const char *job_result;
        const char *active_state; /* systemd's */
        bool condition;
        ErrorCode error;    /* why it did not start; _ERROR_CODE_INVALID: not known */
        const char *reason; /* in words, or NULL */
} JobEnd;
int job_end_judge(const char *name, const JobEnd *end, Error *ret_error);
